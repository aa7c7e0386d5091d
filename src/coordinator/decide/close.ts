/** Closing a session that is not over makes it failed, with reason `closed`. */
import { create } from '@bufbuild/protobuf'
import type { SessionPayload } from '../../events/session-event.ts'
import { SessionClosedSchema } from '../../gen/mpc/events/v1/session_events_pb.ts'
import { isFinal, type SessionState } from '../session-state.ts'
import { requireKnown } from './require.ts'

export function closeSession(state: SessionState): readonly SessionPayload[] {
  requireKnown(state)
  if (isFinal(state.status)) return []
  return [{ case: 'sessionClosed', value: create(SessionClosedSchema) }]
}
