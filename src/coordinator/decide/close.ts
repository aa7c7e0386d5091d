/** Closing a session that is not over makes it failed, with reason `closed`. */
import { create } from '@bufbuild/protobuf'
import { Refusal } from '../../edge/refusal.ts'
import type { SessionPayload } from '../../events/session-event.ts'
import { SessionClosedSchema } from '../../gen/mpc/events/v1/session_events_pb.ts'
import { isFinal, type SessionState } from '../session-state.ts'

export function closeSession(state: SessionState): readonly SessionPayload[] {
  if (state.status === 'none') throw new Refusal('not_found', 'session not found')
  if (isFinal(state.status)) return []
  return [{ case: 'sessionClosed', value: create(SessionClosedSchema) }]
}
