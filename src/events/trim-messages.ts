/**
 * Drops the beginning of MESSAGES, and nothing else can: the stream denies purging and deleting for good. What a server
 * lets its operator do is to change limits, and a stream that discards old events drops down to a number of events.
 * That it is never one too many:
 *
 * 1. The stream takes its events under another subject, which nobody writes to: what routers append meanwhile meets no
 *    stream, and they try again.
 * 2. An append that cannot succeed comes back once everything that was under way before it is stored.
 * 3. In one change: as many events stay as lie after the end of what is archived, older ones are dropped, and the
 *    description says up to where and what they were. Still nothing can be appended, so nothing else is dropped.
 * 4. In one change: discards new events, no number, its own subjects.
 *
 * Killed after any step, the stream takes nothing until the next attempt or `restore`, and has lost nothing that was
 * not archived.
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  DiscardPolicy,
  jetstream,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream'
import { RequestError } from '@nats-io/transport-node'
import { LogUnavailable } from './event-log.ts'
import { unavailable, wrongLastSequence } from './jetstream-append.ts'
import { connectTo, requestTimeoutMs, type LogAddress } from './jetstream-connect.ts'
import { isParked, parkingSubject } from './streams.ts'
import { allMessages } from './subjects.ts'
import { describeTrimmed, type Trimmed } from './trimmed.ts'

const stream = 'MESSAGES'

export type Dropped = Readonly<{ messages: number; bytes: number }>

export type Trimmer = Readonly<{
  /** Makes the stream take events again where an attempt was killed. True: it was. */
  restore(): Promise<boolean>
  /** Drops everything up to `record.upTo`, which is not the newest event. Throws LogUnavailable. */
  trim(record: Trimmed): Promise<Dropped>
  close(): Promise<void>
}>

/** As the operator of deploy/nats, or as anybody where NATS knows no users. Throws LogUnavailable. */
export async function openTrimmer(address: LogAddress): Promise<Trimmer> {
  const nats = await connectTo(address)
  try {
    const manager = await jetstreamManager(nats, { timeout: requestTimeoutMs })
    const client = jetstream(nats, { timeout: requestTimeoutMs })
    return {
      restore: async () => {
        const wasParked = isParked((await manager.streams.info(stream)).config)
        if (wasParked) await restore(manager)
        return wasParked
      },
      trim: (record) =>
        trim(manager, client, record).catch((error: unknown) => {
          throw unavailable('MESSAGES cannot be trimmed', error)
        }),
      close: () => nats.close(),
    }
  } catch (error) {
    await nats.close()
    throw unavailable('there is no event log to trim', error)
  }
}

async function trim(manager: JetStreamManager, client: JetStreamClient, record: Trimmed): Promise<Dropped> {
  const subject = parkingSubject()
  try {
    await manager.streams.update(stream, { subjects: [subject] })
    const before = await settled(manager, await appendNothing(client, subject))
    const keep = before.state.last_seq - record.upTo
    if (keep < 1) throw new LogUnavailable('the newest event has to stay')
    const description = describeTrimmed(record)
    // Where a crash of the server has brought back what was dropped, positions count and not how many there are.
    await manager.streams.update(stream, {
      subjects: [subject],
      description,
      discard: DiscardPolicy.Old,
      max_msgs: keep,
    })
    const after = await settled(manager, before.state.last_seq)
    const isExact = after.state.first_seq === record.upTo + 1 && after.state.last_seq === before.state.last_seq
    if (!isExact)
      throw new LogUnavailable(`the stream begins at ${after.state.first_seq} after ${record.upTo} was dropped`)
    return {
      messages: before.state.messages - after.state.messages,
      bytes: before.state.bytes - after.state.bytes,
    }
  } finally {
    await restore(manager)
  }
}

async function restore(manager: JetStreamManager): Promise<void> {
  await manager.streams.update(stream, { subjects: [allMessages], discard: DiscardPolicy.New, max_msgs: -1 })
}

/**
 * Refused, because the stream is not that long. The server looks at appends one after the other, and says up to where
 * it has taken them; in a cluster that may be ahead of what is stored.
 */
async function appendNothing(client: JetStreamClient, subject: string): Promise<number> {
  const expect = { lastSequence: Number.MAX_SAFE_INTEGER }
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.publish(subject, new Uint8Array(0), { expect })
      throw new LogUnavailable('an append was accepted that had to be refused')
    } catch (error) {
      if (error instanceof JetStreamApiError && wrongLastSequence.includes(error.code)) {
        return Number(/(\d+)$/.exec(error.message)?.[1] ?? 0)
      }
      // The new subject may not be known everywhere in a cluster yet.
      if (!(error instanceof RequestError) || attempt === maxLooks) throw error
    }
    await delay(pauseMs)
  }
}

const maxLooks = 100
const pauseMs = 100

/** The state once it has reached `sequence`, every replica has it, and it was the same a moment ago. */
async function settled(manager: JetStreamManager, sequence: number): Promise<StreamInfo> {
  let last = -1
  for (let look = 1; look <= maxLooks; look += 1) {
    const info = await manager.streams.info(stream)
    const isEverywhere = (info.cluster?.replicas ?? []).every(({ current, lag = 0 }) => current && lag === 0)
    if (isEverywhere && info.state.last_seq >= sequence && info.state.last_seq === last) return info
    last = info.state.last_seq
    await delay(pauseMs)
  }
  throw new LogUnavailable('a replica of the stream lags behind')
}
