/** Starting and stopping listeners: one clear error for a port in use, a bounded end for open connections. */
import { lookup } from 'node:dns/promises'
import type { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, Http2Server, ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { WebSocketServer } from 'ws'
import { requireLoopbackInOpenMode } from './config.ts'
import { ConfigurationError } from './configuration-error.ts'
import { isLoopbackHost } from './loopback.ts'

export type Closable<S extends Server> = Readonly<{
  server: S
  /** Stops accepting, lets calls end for at most `graceMs`, then cuts what is left. */
  close: (graceMs: number) => Promise<void>
}>

type Lookup = (host: string) => Promise<Readonly<{ address: string }>>

/**
 * What `host` is an address of. Open mode asks nobody for credentials, so only this machine may reach it: both the name
 * and what it resolves to must be loopback. Throws ConfigurationError ('MPC_HOST').
 */
export async function addressToListenOn(host: string, openMode: boolean, look: Lookup = lookup): Promise<string> {
  if (!openMode) return host
  requireLoopbackInOpenMode(openMode, host)
  const { address } = await look(host).catch(() => {
    throw new ConfigurationError('MPC_HOST', `"${host}" is not an address of this machine`)
  })
  if (isLoopbackHost(address)) return address
  const problem = `"${host}" is ${address} on this machine: open mode listens on loopback only`
  throw new ConfigurationError('MPC_HOST', problem)
}

/** Listens and returns the URL. Throws ConfigurationError naming `variable` where host or port cannot be had. */
export async function listen(server: Server, host: string, port: number, variable: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, variable))
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      resolve()
    })
  })
  // A listening TCP server's address is never a pipe name or null.
  const { address, port: actualPort, family } = server.address() as AddressInfo
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  const scheme = server instanceof TlsServer ? 'https' : 'http'
  return `${scheme}://${family === 'IPv6' && reachable.includes(':') ? `[${reachable}]` : reachable}:${actualPort}`
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, variable: string): Error {
  if (error.code === 'EADDRINUSE') return new ConfigurationError(variable, `port ${port} on ${host} is already in use`)
  if (error.code === 'EACCES') return new ConfigurationError(variable, `no permission to listen on port ${port}`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new ConfigurationError('MPC_HOST', `"${host}" is not an address of this machine`)
  }
  return error
}

/**
 * `firstCallMs`: how long a connection may be open without a call on it before it is closed. `cutRest` cuts connections
 * that have not come as far as HTTP.
 */
export function drainHttp2(
  server: Http2Server | Http2SecureServer,
  connectionWindowBytes: number,
  firstCallMs: number,
  cutRest: () => void,
): Closable<Http2Server | Http2SecureServer> {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    const silent = setTimeout(() => session.close(), firstCallMs)
    session.once('stream', () => clearTimeout(silent)).once('close', () => clearTimeout(silent))
    session.setLocalWindowSize(connectionWindowBytes)
    session.on('error', () => session.destroy())
    session.once('close', () => sessions.delete(session))
  })
  return {
    server,
    close: (graceMs) =>
      closeWithin(
        server,
        graceMs,
        () => sessions.forEach((session) => session.close()),
        () => {
          sessions.forEach((session) => session.destroy())
          cutRest()
        },
      ),
  }
}

/** `cutRest` as above. */
export function drainHttp1(
  server: HttpServer,
  webSockets: WebSocketServer,
  cutRest: () => void,
): Closable<HttpServer> {
  const begin = () => {
    // 1001: the endpoint is going away (RFC 6455, section 7.4.1).
    webSockets.clients.forEach((socket) => socket.close(1001, 'the service is stopping'))
    server.closeIdleConnections()
  }
  const cut = () => {
    webSockets.clients.forEach((socket) => socket.terminate())
    server.closeAllConnections()
    cutRest()
  }
  return { server, close: (graceMs) => closeWithin(server, graceMs, begin, cut) }
}

async function closeWithin(server: Server, graceMs: number, begin: () => void, cut: () => void): Promise<void> {
  if (!server.listening) return
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  begin()
  const cutting = setTimeout(cut, graceMs)
  await closed
  clearTimeout(cutting)
}
