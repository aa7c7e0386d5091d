/** The connection to NATS that the event log is read and written over. */
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { LogUnavailable } from './event-log.ts'
import { parseNatsAddress } from './nats-address.ts'

export type LogAddress = Readonly<{
  /** One or more `nats://host:port`, separated by commas. May carry user and password or a token. */
  url: string
  /** Shown in the server's list of connections, and part of the subjects that it is delivered to. */
  name: string
  /** The seed of the user's nkey (`SU…`), as ASCII. */
  nkeySeed?: Uint8Array
  /** PEM files, read for each connection. Present: a server without TLS is refused. */
  tls?: Readonly<{ caFile?: string; certFile?: string; keyFile?: string }>
}>

export const requestTimeoutMs = 5000
const connectTimeoutMs = 5000
const healthTimeoutMs = 1000

/** A connection that is remade for as long as it takes. Throws LogUnavailable with the reason. */
export async function connectTo(options: LogAddress): Promise<NatsConnection> {
  try {
    return await connect({
      ...parseNatsAddress(options.url),
      ...(options.nkeySeed !== undefined && { authenticator: nkeyAuthenticator(options.nkeySeed) }),
      ...(options.tls !== undefined && { tls: { ...options.tls } }),
      name: options.name,
      timeout: connectTimeoutMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 100,
      pingInterval: 10_000,
      maxPingOut: 2,
      // Stack traces across awaits cost a fifth of a busy process.
      noAsyncTraces: true,
    })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new LogUnavailable(`cannot connect to NATS (NATS_URL): ${reason}`, { cause })
  }
}

/**
 * An answer from JetStream itself, not only from the server: a server that is still recovering its streams is not
 * healthy.
 */
export async function answers(nats: NatsConnection): Promise<boolean> {
  try {
    const manager = await jetstreamManager(nats, { timeout: healthTimeoutMs, checkAPI: false })
    await manager.streams.info('SESSIONS')
    return true
  } catch {
    return false
  }
}

/** One watch on the connection for all followers: a status iterator lives as long as its connection. */
export function watchReconnects(nats: NatsConnection): Set<() => void> {
  const listeners = new Set<() => void>()
  void (async () => {
    for await (const status of nats.status()) {
      if (status.type === 'reconnect') for (const listener of [...listeners]) listener()
    }
  })()
  return listeners
}
