/** Session and message events for unit tests, as the log would hold them. */
import { create, toBinary } from '@bufbuild/protobuf'
import { MessageEventSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { SessionEventSchema, type SessionEvent } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import type { Slot } from '../../../src/events/message-slot.ts'

export function sessionEvent(sessionId: string, payload: SessionEvent['payload']): SessionEvent {
  return create(SessionEventSchema, { sessionId, payload })
}

export function created(sessionId: string, partyIds: readonly string[]): SessionEvent {
  return create(SessionEventSchema, {
    sessionId,
    payload: { case: 'sessionCreated', value: { participants: partyIds.map((partyId) => ({ partyId })) } },
  })
}

export function joined(
  sessionId: string,
  partyId: string,
  member: { hasKeys?: boolean; credentialHash?: Uint8Array } = {},
): SessionEvent {
  const { hasKeys = true, credentialHash = new Uint8Array(32) } = member
  return create(SessionEventSchema, {
    sessionId,
    payload: { case: 'partyJoined', value: { partyId, credentialHash, ...(hasKeys ? { keys: {} } : {}) } },
  })
}

export function started(sessionId: string): SessionEvent {
  return create(SessionEventSchema, { sessionId, payload: { case: 'sessionStarted', value: {} } })
}

export function completed(sessionId: string): SessionEvent {
  return create(SessionEventSchema, { sessionId, payload: { case: 'sessionCompleted', value: {} } })
}

export function encoded(event: SessionEvent): Uint8Array {
  return toBinary(SessionEventSchema, event)
}

export function routedBytes(slot: Slot, payload: Uint8Array, timeMs = 0): Uint8Array {
  const { sessionId, from, to, round } = slot
  const event = create(MessageEventSchema, {
    eventId: 'event',
    sessionId,
    timeMs: BigInt(timeMs),
    payload: { case: 'messageRouted', value: { fromParty: from, toParties: [...to], round, payload } },
  })
  return toBinary(MessageEventSchema, event)
}
