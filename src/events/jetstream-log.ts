/**
 * The event log on NATS JetStream, for nats-server 2.9 and newer. One connection, no state of its own: everything that
 * is remembered is in the streams (streams.ts).
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { EventLog, StreamName } from './event-log.ts'
import { appendTo, unavailable } from './jetstream-append.ts'
import { connectTo, requestTimeoutMs, type LogAddress } from './jetstream-connect.ts'
import { endProcess, readerOn } from './log-reader.ts'
import { watchStreamSpace } from './stream-space.ts'
import { defaultStreamSizes, ensureStreams, streamNames, type StreamSizes } from './streams.ts'
import { streamOf } from './subjects.ts'

export type EventLogOptions = LogAddress &
  Readonly<{
    /** The streams that are read or written; the default is all. */
    streams?: readonly StreamName[]
    /** Copies of each stream, 1 to 5; not more than there are servers. */
    replicas: number
    /** Bytes that each stream may take on disk; the default is in streams.ts. */
    sizes?: StreamSizes
    /**
     * Called when a follower's handler throws: that follower has stopped. The default rethrows and ends the process.
     */
    onFollowerError?: (error: unknown) => void
  }>

/** Connects and makes sure that the streams exist as configured. Throws LogUnavailable with the reason. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const nats = await connectTo(options)
  try {
    const manager = await jetstreamManager(nats, { timeout: requestTimeoutMs })
    const sizes = options.sizes ?? defaultStreamSizes
    await ensureStreams(manager, options.replicas, sizes, options.streams ?? streamNames)
    const space = watchStreamSpace(manager, sizes)
    const client = jetstream(nats, { timeout: requestTimeoutMs })
    return {
      append: async (subject, data, how) => {
        await space.take(streamOf(subject), subject, data.length)
        return appendTo(client, manager, subject, data, how)
      },
      ...readerOn(nats, options.name, manager, options.replicas > 1, options.onFollowerError ?? endProcess),
    }
  } catch (error) {
    await nats.close()
    throw unavailable('JetStream is not usable', error)
  }
}
