/**
 * TLS of connections to other services. Files are read again for each connection, so that a renewed certificate needs
 * no restart; while they cannot be used (one of the two is being written) the ones before are.
 */
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { readAuthorities, readKeyPair } from './pem-files.ts'
import type { ClientTlsFiles } from './tls-config.ts'

export type Connector = (url: URL) => TLSSocket

/** For HTTP/2 connections (`createConnection` of node:http2). Throws ConfigurationError for unusable files. */
export function createConnector(files: ClientTlsFiles): Connector {
  let material = read(files)
  return ({ hostname, port }) => {
    material = tryRead(files) ?? material
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    return connect({
      ...material,
      host,
      port: port === '' ? 443 : Number(port),
      // An address is checked against the certificate, but is no server name (RFC 6066, section 3).
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.2',
    })
  }
}

function read({ authorities, keyPair }: ClientTlsFiles) {
  const pair = keyPair === null ? null : readKeyPair(keyPair)
  return {
    ...(authorities !== null && { ca: readAuthorities(authorities) }),
    ...(pair !== null && { cert: pair.cert, key: pair.key }),
  }
}

function tryRead(files: ClientTlsFiles): ReturnType<typeof read> | null {
  try {
    return read(files)
  } catch {
    return null
  }
}
