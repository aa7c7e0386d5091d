/**
 * Joining. The token is the credential: every wrong one gets the same answer. A repeat with the same keys changes
 * nothing. The token dies with the session: after its end nobody gets the party's credential with it any more.
 */
import { create } from '@bufbuild/protobuf'
import { equalBytes } from '../../crypto/bytes.ts'
import { Refusal } from '../../edge/refusal.ts'
import type { SessionPayload } from '../../events/session-event.ts'
import { PartyJoinedSchema, type JoinedKeys } from '../../gen/mpc/events/v1/session_events_pb.ts'
import { participant, type Participant, type SessionState } from '../session-state.ts'
import type { JoinSession } from './command.ts'
import { requireKnown, requireNotOver, requireUnexpired } from './require.ts'

/** Says no more than that, whatever is wrong: who guesses tokens learns nothing. */
export function invalidToken(): Refusal {
  return new Refusal('unauthorized', 'the join token is not valid', { join_token: 'is not valid for this party' })
}

export function joinSession(state: SessionState, command: JoinSession): readonly SessionPayload[] {
  requireKnown(state, 'join_token')
  const party = invitedBy(state, command)
  requireUnexpired(state, 'join_token')
  requireExpectedIdentity(party, command.keys)
  if (party.credentialHash.length > 0) {
    requireSameKeys(party.keys, command.keys)
    requireNotOver(state)
    return []
  }
  requireNotOver(state)
  requireFreshKeys(state, command.keys)
  const { partyId, deviceType, deviceId, credentialHash } = command
  const keys = command.keys === null ? {} : { keys: command.keys }
  const value = create(PartyJoinedSchema, { partyId, deviceType, deviceId, credentialHash, ...keys })
  return [{ case: 'partyJoined', value }]
}

/** The participant that the token was made for, if it is the one that claims to join. All hashes are compared. */
function invitedBy(state: SessionState, command: JoinSession): Participant {
  const matches = state.participants.filter((party) => equalBytes(party.joinTokenHash, command.tokenHash))
  const [owner] = matches
  if (owner === undefined) throw invalidToken()
  if (owner.partyId === command.partyId) return owner
  const full = state.participants.every((party) => party.credentialHash.length > 0)
  if (full && participant(state, command.partyId) === undefined) {
    throw new Refusal('session_full', 'all parties of the session have joined', { party_id: 'not a participant' })
  }
  throw invalidToken()
}

/** Only who has the token hears of it, and the identity is no secret: the session shows it. */
function requireExpectedIdentity({ partyId, expectedIdentityKey }: Participant, offered: JoinedKeys | null): void {
  if (expectedIdentityKey.length === 0 || hasIdentity(offered, expectedIdentityKey)) return
  throw new Refusal('unauthorized', `${partyId} must join with the identity that was fixed for it`, {
    'keys.identity_key': offered === null ? 'is required of this party' : 'is not the one fixed for this party',
  })
}

function requireSameKeys(stored: JoinedKeys | null, offered: JoinedKeys | null): void {
  if (stored === null && offered === null) return
  if (stored === null || !hasIdentity(offered, stored.identityKey)) throw invalidToken()
  const same =
    offered !== null &&
    equalBytes(stored.ephemeralKey, offered.ephemeralKey) &&
    equalBytes(stored.nonce, offered.nonce)
  if (!same) {
    const details = { 'keys.ephemeral_key': 'differs from the one joined with' }
    throw new Refusal('conflict', 'the party has already joined with other keys', details)
  }
}

/** Two parties with one identity, ephemeral key or nonce would be one party counted twice, or a replay. */
function requireFreshKeys(state: SessionState, offered: JoinedKeys | null): void {
  if (offered === null) return
  for (const { keys } of state.participants) {
    if (keys === null) continue
    const taken = (['identityKey', 'ephemeralKey', 'nonce'] as const).find((part) =>
      equalBytes(keys[part], offered[part]),
    )
    if (taken === undefined) continue
    const field = { identityKey: 'identity_key', ephemeralKey: 'ephemeral_key', nonce: 'nonce' }[taken]
    throw new Refusal('conflict', 'another party joined with the same keys', { [`keys.${field}`]: 'already used' })
  }
}

function hasIdentity(keys: JoinedKeys | null, identityKey: Uint8Array): boolean {
  return keys !== null && equalBytes(keys.identityKey, identityKey)
}
