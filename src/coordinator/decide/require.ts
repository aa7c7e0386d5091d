/** Conditions that several commands share, each with its refusal. */
import { Refusal } from '../../edge/refusal.ts'
import { participant, type Participant, type SessionState } from '../session-state.ts'

/** What of a request names the session. */
type SessionField = 'session_id' | 'join_token'

/** Refuses an unknown session (404). */
export function requireKnown(state: SessionState, field: SessionField = 'session_id'): void {
  if (state.status === 'none') throw new Refusal('not_found', 'session not found', { [field]: 'names no session' })
}

/** Refuses an unknown session (404) and one past its expiry (410). */
export function requireUnexpired(state: SessionState, field: SessionField = 'session_id'): void {
  requireKnown(state, field)
  if (state.status !== 'expired') return
  throw new Refusal('session_expired', 'the session has expired', { [field]: 'names a session that has expired' })
}

/** Refuses a session that is over without a result. */
export function requireNotFailed(state: SessionState): void {
  if (state.status !== 'failed') return
  const reason = state.failure?.reason ?? 'unknown'
  throw new Refusal('conflict', `the session has failed: ${reason}`, { status: 'failed', reason })
}

/** Refuses a session that is over, whatever came of it. Expiry has its own refusal. */
export function requireNotOver(state: SessionState): void {
  requireNotFailed(state)
  if (state.status !== 'completed') return
  throw new Refusal('conflict', 'the session is completed', { status: 'completed' })
}

export function requireParticipant(state: SessionState, partyId: string): Participant {
  const party = participant(state, partyId)
  if (party === undefined) {
    throw new Refusal('not_found', 'no such party in this session', { party_id: 'not a participant' })
  }
  return party
}

/** A party that has joined, whatever it did since. */
export function requireJoined(state: SessionState, partyId: string): Participant {
  const party = requireParticipant(state, partyId)
  if (party.credentialHash.length === 0) {
    throw new Refusal('conflict', 'the party has not joined yet', { party_id: 'waiting' })
  }
  return party
}
