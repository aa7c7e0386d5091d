/**
 * The log for whoever only reads it: audits, rebuilds. Needs no right to create or change a stream, as the user
 * `auditor` of deploy/nats has none.
 */
import {
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { LogReader } from './event-log.ts'
import { unavailable } from './jetstream-append.ts'
import { answers, connectTo, requestTimeoutMs, watchReconnects, type LogAddress } from './jetstream-connect.ts'
import { followFrom, type Connection } from './jetstream-follow.ts'
import { eventAt, lastOn, readFrom } from './jetstream-read.ts'
import { trimmedOf } from './trimmed.ts'

/** Connects to a log that is there, and changes nothing: for whoever may only read. Throws LogUnavailable. */
export async function openLogReader(address: LogAddress): Promise<LogReader> {
  const nats = await connectTo(address)
  try {
    const manager = await jetstreamManager(nats, { timeout: requestTimeoutMs })
    const { config } = await manager.streams.info('SESSIONS')
    return readerOn(nats, address.name, manager, config.num_replicas > 1, endProcess)
  } catch (error) {
    await nats.close()
    throw unavailable('there is no event log to read', error)
  }
}

/** `onFollowerError` is told what a follower's handler threw: that follower has stopped. */
export function readerOn(
  nats: NatsConnection,
  name: string,
  manager: JetStreamManager,
  isReplicated: boolean,
  onFollowerError: (error: unknown) => void,
): LogReader {
  const client = jetstream(nats, { timeout: requestTimeoutMs })
  const connection: Connection = { nats, name, manager, reconnects: watchReconnects(nats) }
  return {
    read: (filter, afterSequence = 0) => readFrom(manager, client, filter, afterSequence),
    last: (subject) => lastOn(manager, subject, isReplicated),
    at: (stream, sequence) => eventAt(manager, stream, sequence, isReplicated),
    lastSequence: (stream) => manager.streams.info(stream).then((info) => info.state.last_seq, zeroWithoutStream),
    trimmed: () =>
      manager.streams.info('MESSAGES').then(trimmedOf, (error: unknown) => {
        throw unavailable('reading failed', error)
      }),
    follow: (filter, afterSequence, handle) => followFrom(connection, filter, afterSequence, handle, onFollowerError),
    healthy: () => answers(nats),
    close: () => nats.close(),
  }
}

/** Logs of before there were checkpoints have no stream of them. */
function zeroWithoutStream(error: unknown): number {
  if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return 0
  throw unavailable('reading failed', error)
}

/** Rethrows where nothing can catch it. */
export function endProcess(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
