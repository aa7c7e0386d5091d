/**
 * The event log on NATS JetStream, for nats-server 2.9 and newer. One connection, no state of its own: everything that
 * is remembered is in the streams (streams.ts).
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { LogUnavailable, type EventLog } from './event-log.ts'
import { appendTo, unavailable } from './jetstream-append.ts'
import { followFrom, type Connection } from './jetstream-follow.ts'
import { eventAt, lastOn, readFrom } from './jetstream-read.ts'
import { parseNatsAddress } from './nats-address.ts'
import { watchStreamSpace } from './stream-space.ts'
import { defaultStreamSizes, ensureStreams, type StreamSizes } from './streams.ts'
import { streamOf } from './subjects.ts'

export type EventLogOptions = Readonly<{
  /** One or more `nats://host:port`, separated by commas. May carry user and password or a token. */
  url: string
  /** Shown in the server's list of connections. */
  name: string
  /** Copies of each stream, 1 to 5; not more than there are servers. */
  replicas: number
  /** Bytes that each stream may take on disk; the default is in streams.ts. */
  sizes?: StreamSizes
  /** Called when a follower's handler throws: that follower has stopped. The default rethrows and ends the process. */
  onFollowerError?: (error: unknown) => void
}>

const connectTimeoutMs = 5000
const requestTimeoutMs = 5000
const healthTimeoutMs = 1000

/** Connects and makes sure that both streams exist as configured. Throws LogUnavailable with the reason. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const nats = await connectTo(options)
  try {
    const manager = await jetstreamManager(nats, { timeout: requestTimeoutMs })
    const sizes = options.sizes ?? defaultStreamSizes
    await ensureStreams(manager, options.replicas, sizes)
    const space = watchStreamSpace(manager, sizes)
    const client = jetstream(nats, { timeout: requestTimeoutMs })
    const connection: Connection = { nats, manager, reconnects: watchReconnects(nats) }
    const onFollowerError = options.onFollowerError ?? endProcess
    return {
      append: async (subject, data, how) => {
        await space.take(streamOf(subject), subject, data.length)
        return appendTo(client, manager, subject, data, how)
      },
      read: (filter, afterSequence = 0) => readFrom(manager, client, filter, afterSequence),
      last: (subject) => lastOn(manager, subject, options.replicas > 1),
      at: (stream, sequence) => eventAt(manager, stream, sequence),
      lastSequence: (stream) => manager.streams.info(stream).then((info) => info.state.last_seq, failReading),
      follow: (filter, afterSequence, handle) => followFrom(connection, filter, afterSequence, handle, onFollowerError),
      healthy: () => answers(nats),
      close: () => nats.close(),
    }
  } catch (error) {
    await nats.close()
    throw unavailable('JetStream is not usable', error)
  }
}

async function connectTo(options: EventLogOptions): Promise<NatsConnection> {
  try {
    return await connect({
      ...parseNatsAddress(options.url),
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
    throw new LogUnavailable(`cannot connect to NATS: ${reason}`, { cause })
  }
}

/**
 * An answer from JetStream itself, not only from the server: a server that is still recovering its streams is not
 * healthy.
 */
async function answers(nats: NatsConnection): Promise<boolean> {
  try {
    const manager = await jetstreamManager(nats, { timeout: healthTimeoutMs, checkAPI: false })
    await manager.streams.info('SESSIONS')
    return true
  } catch {
    return false
  }
}

/** One watch on the connection for all followers: a status iterator lives as long as its connection. */
function watchReconnects(nats: NatsConnection): Set<() => void> {
  const listeners = new Set<() => void>()
  void (async () => {
    for await (const status of nats.status()) {
      if (status.type === 'reconnect') for (const listener of [...listeners]) listener()
    }
  })()
  return listeners
}

function failReading(error: unknown): never {
  throw unavailable('reading failed', error)
}

function endProcess(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
