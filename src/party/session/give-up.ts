/**
 * The bad end of a run. First what it means for the key is on disk, and only then does anyone hear of it: a party that
 * crashed in between would otherwise go on signing with a peer that may have learned bits of its secrets.
 */
import { within } from '../abort.ts'
import { SessionFailure } from '../failure.ts'
import { StorageError } from '../store/records.ts'
import type { Member } from '../transport/party-transport.ts'
import type { Run, SessionOutcome } from './run.ts'

export async function giveUp(run: Run, failure: SessionFailure): Promise<SessionOutcome> {
  const { parts, sessionId, order, member } = run
  let told = failure
  let mayReport = true
  try {
    await drawConsequences(run, failure)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    parts.log.error(
      { sessionId, reason: failure.reason, problem: error.message },
      'a ban could not be stored; nothing is reported',
    )
    told = new SessionFailure('storage_failed', error.message, failure.culprits, 'none', error)
    mayReport = false
  }
  const { reason, culprits, message: detail } = told
  parts.log.warn({ sessionId, partyId: order.partyId, reason, culprits, detail }, 'session given up')
  if (mayReport && member !== null) await report(run, member, told)
  run.emit({ type: 'failed', reason, culprits, detail })
  return { kind: 'failed', reason, culprits, detail }
}

/** In-memory bans and the end of other runs take effect before the first wait. */
async function drawConsequences(run: Run, failure: SessionFailure): Promise<void> {
  const { parts, sessionId, keyId } = run
  const { guard, running, clock } = parts
  if (keyId === null) return
  if (failure.consequence === 'ban') {
    const { reason, culprits } = failure
    const bannedAtMs = clock.nowMs()
    const written = culprits.map((partyId) => guard.ban({ keyId, partyId, reason, sessionId, bannedAtMs }))
    running.abortWith(keyId, culprits, sessionId)
    await Promise.all(written)
  }
  if (failure.consequence === 'count') {
    await guard.countUnattributed(keyId, { sessionId, reason: failure.reason, atMs: clock.nowMs() })
  }
  // A run that was ended by a ban from another one must not speak before that ban is stored either.
  await guard.settled(keyId)
}

/** Where the coordinator cannot be told, the journal keeps the session, and the next start of this party tells it. */
async function report({ parts, sessionId }: Run, member: Member, failure: SessionFailure): Promise<void> {
  const { clock, limits, transport, journal, log } = parts
  try {
    if (failure.reason !== 'session_over') {
      const unanswered = () => new Error('the coordinator does not answer')
      const body = { kind: 'failed', reason: failure.reason, culprits: failure.culprits } as const
      await within(clock, limits.reportTimeoutMs, new AbortController().signal, unanswered, (signal) =>
        transport.report(member, body, signal),
      )
    }
    await journal.close(sessionId)
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown'
    log.warn({ sessionId, problem }, 'the coordinator could not be told that this party gave up')
  }
}
