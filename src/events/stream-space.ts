/**
 * Keeps streams from being filled to the brim. A stream that discards new messages should refuse what does not fit;
 * but nats-server 2.9 leaves the record's own overhead out of that check, stores the message, and then drops the
 * oldest ones to get back under the limit. So appending ends a little before the limit is reached.
 */
import type { JetStreamManager } from '@nats-io/jetstream'
import { LogUnavailable, type StreamName } from './event-log.ts'
import type { StreamSizes } from './streams.ts'

export type StreamSpace = Readonly<{
  /** Throws LogUnavailable when an event of this size may no longer fit. */
  take(stream: StreamName, subject: string, dataBytes: number): Promise<void>
}>

/** Room left for what other processes append between two looks. */
const reservedShare = 0.02
const lookAgainAfterMs = 1000
/** More than a record's header, checksum, message id and expectations take. */
const overheadBytes = 256

type Known = { usedBytes: number; lookedAtMs: number; looking: Promise<void> | null }

export function watchStreamSpace(manager: JetStreamManager, sizes: StreamSizes): StreamSpace {
  const never = (): Known => ({ usedBytes: 0, lookedAtMs: -Infinity, looking: null })
  const streams: Readonly<Record<StreamName, Known>> = { SESSIONS: never(), MESSAGES: never(), CHECKPOINTS: never() }

  /** Without an answer the append itself will tell what is wrong. */
  async function look(stream: StreamName, known: Known): Promise<void> {
    try {
      const info = await manager.streams.info(stream)
      known.usedBytes = info.state.bytes
    } catch {
      return
    } finally {
      known.lookedAtMs = performance.now()
      known.looking = null
    }
  }

  return {
    take: async (stream, subject, dataBytes) => {
      const known = streams[stream]
      const wantedBytes = dataBytes + subject.length + overheadBytes
      const limit = Math.floor(sizes[stream] * (1 - reservedShare))
      const outdated = performance.now() - known.lookedAtMs > lookAgainAfterMs
      if (outdated || known.usedBytes + wantedBytes > limit) {
        known.looking ??= look(stream, known)
        await known.looking
      }
      if (known.usedBytes + wantedBytes > limit) throw new LogUnavailable(`event log: the stream ${stream} is full`)
      known.usedBytes += wantedBytes
    },
  }
}
