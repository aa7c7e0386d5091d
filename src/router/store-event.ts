/** Appending what happens to the messages of a session. */
import { create, toBinary } from '@bufbuild/protobuf'
import type { Appended, EventLog } from '../events/event-log.ts'
import { messageSchemaVersion } from '../events/message-event.ts'
import { MessageEventSchema, type MessageEvent } from '../gen/mpc/events/v1/message_events_pb.ts'

export type EventWriter = Readonly<{ log: EventLog; now: () => number }>

export type NewEvent = Readonly<{
  subject: string
  sessionId: string
  /** Storing the same id again stores nothing. */
  id: string
  correlationId: string
  payload: MessageEvent['payload']
}>

/** Throws LogUnavailable. */
export function storeEvent(writer: EventWriter, event: NewEvent): Promise<Appended> {
  const { subject, sessionId, id, correlationId, payload } = event
  const stored = create(MessageEventSchema, {
    eventId: id,
    sessionId,
    timeMs: BigInt(writer.now()),
    correlationId,
    schemaVersion: messageSchemaVersion,
    payload,
  })
  return writer.log.append(subject, toBinary(MessageEventSchema, stored), { messageId: id })
}
