/** Starting fixes the roster: who takes part, with which keys and nonces. */
import { create } from '@bufbuild/protobuf'
import { rosterHash, type RosterEntry } from '../../crypto/session-id.ts'
import { Refusal } from '../../edge/refusal.ts'
import type { SessionPayload } from '../../events/session-event.ts'
import { SessionStartedSchema } from '../../gen/mpc/events/v1/session_events_pb.ts'
import type { SessionState } from '../session-state.ts'
import { requireNotFailed, requireUnexpired } from './require.ts'

export function startSession(state: SessionState): readonly SessionPayload[] {
  requireUnexpired(state)
  requireNotFailed(state)
  if (state.status === 'in_progress' || state.status === 'completed') return []
  const missing = state.participants.filter((party) => party.status !== 'ready')
  if (missing.length > 0) {
    const details = Object.fromEntries(missing.map((party) => [`participants[${party.index}]`, party.status]))
    throw new Refusal('conflict', `not ready yet: ${missing.map((party) => party.partyId).join(', ')}`, details)
  }
  return [{ case: 'sessionStarted', value: create(SessionStartedSchema, { rosterHash: hashOfRoster(state) }) }]
}

/** Empty where a party brought no keys: then the parties have a protocol, and a roster, of their own. */
function hashOfRoster(state: SessionState): Uint8Array {
  const entries: RosterEntry[] = []
  for (const { index, partyId, keys } of state.participants) {
    if (keys === null) return new Uint8Array(0)
    const { identityKey, ephemeralKey, nonce } = keys
    entries.push({ index, partyId, identityKey, ephemeralKey, nonce })
  }
  return rosterHash(entries)
}
