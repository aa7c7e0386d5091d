/**
 * TLS on a service's two ports: 1.2 or 1.3 with forward secrecy and authenticated encryption only (RFC 9325), client
 * certificates where the configuration wants them, and renewed files taken up while the service runs. Handshakes cost
 * the server more than the client, so they are limited before the first of their bytes is looked at.
 */
import type { Socket } from 'node:net'
import type { Server, TLSSocket, TlsOptions } from 'node:tls'
import { Counter, Gauge } from 'prom-client'
import { ConfigurationError } from '../configuration-error.ts'
import type { EdgeLimits } from '../limits.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { createHandshakeLimit } from './handshake-limit.ts'
import { contentOf, type NamedFile } from './pem-files.ts'
import { readListenerMaterial, type ListenerMaterial, type ListenerTls, type PortName } from './tls-config.ts'

/** TLS of one port. */
export type PortTls = Readonly<{
  options: TlsOptions
  /** Call it before anything else is done with the server. Returns what cuts all its connections. */
  guard: (server: Server) => () => void
}>

export type Listeners = Readonly<{ port: (name: PortName) => PortTls; close: () => void }>

/** How soon a renewed certificate is noticed. Polling also sees files that are replaced through links. */
const lookEveryMs = 1_000

/** Those of TLS 1.3, and of 1.2 what Mozilla's "intermediate" keeps of ECDHE. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** Throws ConfigurationError for files that cannot be used. */
export function openListeners(tls: ListenerTls, limits: EdgeLimits, metrics: Metrics, log: Logger): Listeners {
  const files: readonly NamedFile[] = [tls.files.cert, tls.files.key, ...(tls.clientCa === null ? [] : [tls.clientCa])]
  let seen = contentOf(files)
  let material = readListenerMaterial(tls)
  const guarded: Readonly<{ name: PortName; server: Server }>[] = []
  const failures = countedFailures(metrics, () => material)

  const optionsOf = (name: PortName): TlsOptions => portOptions(tls, name, material, limits)
  const look = (): void => {
    const content = contentOf(files)
    if (content === seen) return
    seen = content
    try {
      material = readListenerMaterial(tls)
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      // Certificate and key are written one after the other: the second change brings us here again.
      return log.error({ problem: error.message }, 'the changed TLS files cannot be used; the ones before stay in use')
    }
    for (const { name, server } of guarded) server.setSecureContext(optionsOf(name))
    log.info({ validUntil: new Date(material.validToMs).toISOString() }, 'changed TLS files are in use')
  }
  const looking = setInterval(look, lookEveryMs).unref()

  return {
    port: (name) => ({
      options: optionsOf(name),
      guard: (server) => {
        guarded.push({ name, server })
        const names = tls.clientPorts.includes(name) ? tls.clientNames : []
        return guardConnections(server, { limits, metrics, log, names, failed: () => failures.inc() })
      },
    }),
    close: () => clearInterval(looking),
  }
}

function portOptions(
  { clientPorts }: ListenerTls,
  name: PortName,
  { cert, key, clientCa }: ListenerMaterial,
  limits: EdgeLimits,
): TlsOptions {
  const asksClient = clientCa !== null && clientPorts.includes(name)
  return {
    cert,
    key,
    ciphers,
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.requestTimeoutMs,
    ...(asksClient && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  }
}

function countedFailures({ registry }: Metrics, material: () => ListenerMaterial): Counter {
  new Gauge({
    name: 'mpc_tls_certificate_valid_until_seconds',
    help: 'When the certificate in use expires, in Unix seconds.',
    registers: [registry],
    collect() {
      this.set(Math.floor(material().validToMs / 1_000))
    },
  })
  return new Counter({
    name: 'mpc_tls_handshake_failures_total',
    help: 'Connections that ended before TLS was up, or whose client certificate was refused.',
    registers: [registry],
  })
}

type Guard = Readonly<{
  limits: EdgeLimits
  metrics: Metrics
  log: Logger
  names: readonly string[]
  failed: () => void
}>

function guardConnections(server: Server, { limits, metrics, log, names, failed }: Guard): () => void {
  const isWithinLimit = createHandshakeLimit(limits.tlsHandshakesPerSecond)
  const open = new Set<Socket>()
  /** By remote address and port: the TLS socket does not show the one beneath it. */
  const shaking = new Set<string>()

  admitFirst(server, 'connection', (socket: Socket) => {
    if (!isWithinLimit(socket.remoteAddress ?? '')) {
      metrics.limited('handshakes')
      return false
    }
    const peer = peerOf(socket)
    open.add(socket)
    shaking.add(peer)
    socket.once('close', () => {
      open.delete(socket)
      if (shaking.delete(peer)) failed()
    })
    return true
  })
  admitFirst(server, 'secureConnection', (socket: TLSSocket) => {
    shaking.delete(peerOf(socket))
    if (names.length === 0 || carriesOneOf(socket, names)) return true
    failed()
    log.warn({ address: socket.remoteAddress }, 'a client certificate without an admitted name was refused')
    return false
  })
  // In place of Node's own listeners: they leave a handshake that takes too long to others, or answer it in plain HTTP.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') metrics.limited('slow_client')
    log.debug({ code: error.code, address: socket.remoteAddress }, 'no TLS connection came about')
    socket.destroy()
  })
  return () => open.forEach((socket) => socket.destroy())
}

/** Puts `admit` before everything that the server does with a connection. */
function admitFirst<S extends Socket>(
  server: Server,
  event: 'connection' | 'secureConnection',
  admit: (socket: S) => boolean,
): void {
  const listeners = server.listeners(event)
  server.removeAllListeners(event)
  server.on(event, (socket: S) => {
    if (!admit(socket)) return void socket.destroy()
    for (const listener of listeners) listener.call(server, socket)
  })
}

/** Exact names among the certificate's subjectAltName, compared by OpenSSL: neither common names nor wildcards. */
function carriesOneOf(socket: TLSSocket, names: readonly string[]): boolean {
  const certificate = socket.getPeerX509Certificate()
  return names.some((name) => certificate?.checkHost(name, { subject: 'never', wildcards: false }) !== undefined)
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
