/**
 * Appending to JetStream. A publish whose acknowledgement is lost is sent again under the same message id. Servers
 * differ in what they check first, the message id (2.9) or the expected position (2.15): so a conflict is only
 * reported after a look at whether the event in the way is the very one that was to be appended.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { JetStreamApiError, PubHeaders, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream'
import { RequestError, TimeoutError } from '@nats-io/transport-node'
import { AppendConflict, LogUnavailable, type Appended, type AppendOptions } from './event-log.ts'
import { maxEventBytes } from './streams.ts'
import { streamOf } from './subjects.ts'

/** JSStreamWrongLastSequenceErrF and, from 2.12 on, its variant that does not tell the last sequence. */
export const wrongLastSequence: readonly number[] = [10071, 10164]

/** How long one attempt waits for its acknowledgement, and how long all attempts together go on. */
const attemptMs = 1000
const deadlineMs = 10_000
const firstPauseMs = 50
const longestPauseMs = 500

/** Throws AppendConflict, LogUnavailable, or RangeError for a foreign subject or an event that is too large. */
export async function appendTo(
  client: JetStreamClient,
  manager: JetStreamManager,
  subject: string,
  data: Uint8Array,
  options: AppendOptions,
): Promise<Appended> {
  const stream = streamOf(subject)
  if (data.length > maxEventBytes[stream]) {
    throw new RangeError(`an event of ${stream} has at most ${maxEventBytes[stream]} bytes`)
  }
  const expected = options.expectedLastSequence
  const expect = { streamName: stream, ...(expected === undefined ? {} : { lastSubjectSequence: expected }) }
  const giveUpAt = Date.now() + deadlineMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      const ack = await client.publish(subject, data, { msgID: options.messageId, timeout: attemptMs, expect })
      return { sequence: ack.seq, duplicate: ack.duplicate }
    } catch (error) {
      if (error instanceof JetStreamApiError && wrongLastSequence.includes(error.code)) {
        const stored = await ownEvent(manager, subject, options.messageId, expected ?? 0)
        if (stored !== null) return stored
        throw new AppendConflict(`${subject} has newer events`, { cause: error })
      }
      if (!isUnanswered(error) || Date.now() + pauseMs >= giveUpAt) throw unavailable('the append failed', error)
      await delay(pauseMs)
    }
  }
}

/** The first event after the expected position, if it has our message id: an earlier attempt of this append. */
async function ownEvent(
  manager: JetStreamManager,
  subject: string,
  messageId: string,
  afterSequence: number,
): Promise<Appended | null> {
  try {
    const query = { seq: afterSequence + 1, next_by_subj: subject }
    const next = await manager.direct.getMessage(streamOf(subject), query)
    if (next === null || next.header.get(PubHeaders.MsgIdHdr) !== messageId) return null
    return { sequence: next.seq, duplicate: true }
  } catch (error) {
    throw unavailable('the append met a newer event that cannot be read', error)
  }
}

/** Wraps whatever the client threw; what it says about the server stays in `cause`. */
export function unavailable(what: string, cause: unknown): LogUnavailable {
  if (cause instanceof LogUnavailable) return cause
  const reason = cause instanceof Error ? cause.message : 'unknown reason'
  return new LogUnavailable(`event log: ${what}: ${reason}`, { cause })
}

/**
 * No acknowledgement and no refusal: the server is restarting, electing a leader, or the connection is being remade.
 */
function isUnanswered(error: unknown): boolean {
  const origin = error instanceof Error && error.cause instanceof RequestError ? error.cause : error
  return origin instanceof TimeoutError || origin instanceof RequestError
}
