/** A session as a party leaves it that sends garbage in place of its first message. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { SessionRecords } from '../../../src/audit/records.ts'
import { decodeStored, emptyChain, encodeEvent } from '../../../src/events/session-event.ts'
import { MessageEventSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { SessionFailedSchema } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'

/** The session as far as its first message, which is garbage; then a party has given it up. */
export function spoilt({ sessionId, lifecycle, messages }: SessionRecords): SessionRecords {
  const started = lifecycle.findIndex(({ data }) => decodeStored(data).payload.case === 'sessionStarted')
  const begun = lifecycle.slice(0, started + 1)
  let head = emptyChain
  for (const { data } of begun) {
    const { payload, actor, causationId, correlationId, timeMs } = decodeStored(data)
    const context = { actor, causationId, correlationId, timeMs: Number(timeMs) }
    head = encodeEvent(sessionId, head, payload, context).next
  }
  const [end, message] = [begun.at(-1), messages[0]]
  if (end === undefined || message === undefined) throw new Error('a session without events')
  const garbage = fromBinary(MessageEventSchema, message.data)
  if (garbage.payload.case !== 'messageRouted') throw new Error('no message')
  garbage.payload.value.payload = Uint8Array.of(1, 2, 3)
  const { fromParty } = garbage.payload.value
  const failure = create(SessionFailedSchema, { reason: 'protocol_failed', reportedBy: fromParty })
  const timeMs = Number(decodeStored(end.data).timeMs) + 1
  const context = { actor: `party:${fromParty}`, causationId: '', correlationId: '', timeMs }
  const { bytes } = encodeEvent(sessionId, head, { case: 'sessionFailed', value: failure }, context)
  return {
    sessionId,
    lifecycle: [...begun, { ...end, sequence: end.sequence + 1, data: bytes }],
    messages: [{ ...message, data: toBinary(MessageEventSchema, garbage) }],
  }
}
