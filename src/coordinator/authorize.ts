/** Who may do what to a session. The result is the actor that its events name. */
import { equalBytes } from '../crypto/bytes.ts'
import { requireScope, type Caller } from '../edge/caller.ts'
import { Refusal } from '../edge/refusal.ts'
import { hashSecret } from './credentials.ts'
import { participant, type SessionState } from './session-state.ts'

/** Creating: an API key with the scope `sessions`, or open mode. */
export function authorizeCaller(caller: Caller): string {
  return `caller:${requireScope(caller, 'sessions')}`
}

/** Closing: as creating, and an operator's API key with the scope `admin`. */
export function authorizeClosing(caller: Caller): string {
  return `caller:${requireScope(caller, 'sessions', 'admin')}`
}

/**
 * Speaking for one party: its credential. In open mode a party without keys needs none. A party that has not joined
 * has no credential yet: who may start sessions is told so by the decider, anybody else is not let in.
 */
export function authorizeParty(caller: Caller, state: SessionState, partyId: string): string {
  const actor = `party:${partyId}`
  const party = participant(state, partyId)
  if (party !== undefined && hasCredential(caller, party.credentialHash)) return actor
  if (caller.openMode && (party === undefined || party.keys === null)) return actor
  throw new Refusal('unauthorized', 'the credential of this party is required (Authorization: Bearer mpc_party_…)', {
    party_id: 'must be the party whose credential is sent as Authorization: Bearer',
  })
}

/** Starting: the credential of any party of the session, an API key with the scope `sessions`, or open mode. */
export function authorizeMember(caller: Caller, state: SessionState): string {
  return memberActor(caller, state) ?? authorizeCaller(caller)
}

/** Seeing: as starting, and an operator's API key with the scope `admin`. */
export function authorizeViewer(caller: Caller, state: SessionState): string {
  return memberActor(caller, state) ?? `caller:${requireScope(caller, 'sessions', 'admin')}`
}

/** Reading its events: the credential of any party of the session, an API key with the scope `audit`, or open mode. */
export function authorizeAuditor(caller: Caller, state: SessionState): string {
  return memberActor(caller, state) ?? `caller:${requireScope(caller, 'audit')}`
}

function memberActor(caller: Caller, state: SessionState): string | null {
  const member = state.participants.find((party) => hasCredential(caller, party.credentialHash))
  return member === undefined ? null : `party:${member.partyId}`
}

function hasCredential(caller: Caller, credentialHash: Uint8Array): boolean {
  if (caller.bearer === null || credentialHash.length === 0) return false
  return equalBytes(hashSecret(caller.bearer), credentialHash)
}
