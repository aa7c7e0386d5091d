/**
 * Who may do what in a session. The party that a call speaks for must have made it: its credential is compared with
 * the hash in its join event. Checks are pure; `admit` adds one more look at the log before anyone is refused,
 * because a caller may have changed the session at the coordinator a moment ago.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { LogUnavailable } from '../events/event-log.ts'
import { Refusal } from '../edge/refusal.ts'
import type { Lease, LiveViews } from './live-views.ts'
import type { Outcome, SessionView } from './session-view.ts'

export type Credential = Readonly<{ openMode: boolean; bearer: string | null }>

/** A fold's present value, replaced with every event. */
export type SessionBox = { current: SessionView }

type PartyField = 'from_party' | 'party_id'

export type Check = (session: SessionView) => Refusal | null

/**
 * The session, held, once `check` has nothing against it. Throws the refusal of `check`, or 'unavailable'. The caller
 * releases the lease.
 */
export async function admit(
  sessions: LiveViews<SessionBox>,
  sessionId: string,
  check: Check,
): Promise<Lease<SessionBox>> {
  const lease = await available(() => sessions.lease(sessionId))
  try {
    if (check(lease.view.current) === null) return lease
    if (lease.view.current.phase.kind !== 'over') await available(() => lease.refresh())
    const refusal = check(lease.view.current)
    if (refusal !== null) throw refusal
    return lease
  } catch (error) {
    lease.release()
    throw error
  }
}

/** Null when `partyId` has joined. `field` is the request's name for the party. */
export function refuseStranger(session: SessionView, partyId: string, field: PartyField): Refusal | null {
  if (session.phase.kind === 'unknown') {
    return new Refusal('not_found', 'there is no such session', { session_id: 'no such session' })
  }
  return session.members.has(partyId) ? null : unauthorizedParty(field)
}

/** Null when `partyId` has joined and the call carries its credential. `field` is the request's name for the party. */
export function refuseParty(
  session: SessionView,
  partyId: string,
  credential: Credential,
  field: PartyField,
): Refusal | null {
  const member = session.members.get(partyId)
  if (member === undefined) return refuseStranger(session, partyId, field)
  if (credential.openMode && !member.hasKeys) return null
  return isCredential(credential.bearer, member.credentialHash) ? null : unauthorizedParty(field)
}

function unauthorizedParty(field: PartyField): Refusal {
  return new Refusal('unauthorized', 'this call needs the credential of a party that has joined the session', {
    [field]: 'must be the party whose credential is sent as Authorization: Bearer',
  })
}

/** Null while messages may be sent. */
export function refuseUnlessRunning(session: SessionView): Refusal | null {
  const { phase } = session
  switch (phase.kind) {
    case 'running':
      return null
    case 'unknown':
    case 'gathering':
      return new Refusal('conflict', 'the session has not started', { session_id: 'is not in progress yet' })
    case 'over':
      return refuseEnded(phase.outcome)
    default:
      return phase satisfies never
  }
}

/** Null when every recipient is another participant of the session. */
export function refuseRecipients(session: SessionView, from: string, to: readonly string[]): Refusal | null {
  const wrong: Record<string, string> = {}
  to.forEach((recipient, index) => {
    const field = `to_parties[${index}]`
    if (recipient === from) wrong[field] = 'is the sender itself'
    else if (!session.participants.has(recipient)) wrong[field] = 'is not a participant of this session'
  })
  if (Object.keys(wrong).length === 0) return null
  return new Refusal('invalid_request', 'a message goes to other participants of its session', wrong)
}

/** Runs something on the log; what fails there is 'unavailable' for the caller. */
export async function available<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LogUnavailable)) throw error
    const refusal = new Refusal('unavailable', 'the event log does not answer; try again')
    refusal.cause = error
    throw refusal
  }
}

function refuseEnded(outcome: Outcome): Refusal {
  if (outcome === 'expired') {
    return new Refusal('session_expired', 'the session has expired', { session_id: 'has expired' })
  }
  return new Refusal('conflict', `the session is ${outcome}`, { session_id: `is ${outcome}` })
}

function isCredential(bearer: string | null, credentialHash: Uint8Array): boolean {
  if (bearer === null || credentialHash.length !== 32) return false
  return timingSafeEqual(createHash('sha256').update(bearer).digest(), credentialHash)
}
