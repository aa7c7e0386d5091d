/** A joined party is ready for the protocol to begin. */
import { create } from '@bufbuild/protobuf'
import type { SessionPayload } from '../../events/session-event.ts'
import { PartyReadySchema } from '../../gen/mpc/events/v1/session_events_pb.ts'
import type { SessionState } from '../session-state.ts'
import type { MarkReady } from './command.ts'
import { requireJoined, requireNotFailed, requireUnexpired } from './require.ts'

export function markReady(state: SessionState, command: MarkReady): readonly SessionPayload[] {
  requireUnexpired(state)
  const party = requireJoined(state, command.partyId)
  if (party.status !== 'joined') return []
  requireNotFailed(state)
  return [{ case: 'partyReady', value: create(PartyReadySchema, { partyId: command.partyId }) }]
}
