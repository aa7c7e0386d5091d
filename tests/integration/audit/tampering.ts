/** Ways to change a recorded log, and what an audit has to say to each. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { emptyChain, encodeEvent, decodeStored } from '../../../src/events/session-event.ts'
import { messageId, slotOf, slotSubject } from '../../../src/events/message-slot.ts'
import { sessionIdOf } from '../../../src/events/subjects.ts'
import { MessageEventSchema, type MessageEvent } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { SessionClosedSchema, SessionEventSchema } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import { PartyEnvelopeSchema, type PartyEnvelope } from '../../../src/gen/mpc/party/v1/envelope_pb.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { statement } from '../../../src/identity/statement.ts'
import type { Raw, RawLog } from './tampered-store.ts'

type Stream = 'SESSIONS' | 'MESSAGES'
type Log = Readonly<Record<Stream, readonly Raw[]>>

export type Tampering = Readonly<{
  what: string
  change: (log: Log) => RawLog | Promise<RawLog>
  /** The first bad event and why. */
  found: Readonly<{ stream: Stream; sequence: number | null; reason: RegExp }>
}>

const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index]
  if (item === undefined) throw new RangeError(`item ${index} of ${list.length}`)
  return item
}
const replaced = <T>(list: readonly T[], index: number, item: T) => list.map((old, i) => (i === index ? item : old))
const without = <T>(list: readonly T[], index: number) => list.filter((_, i) => i !== index)
const inserted = <T>(list: readonly T[], index: number, item: T) => list.toSpliced(index, 0, item)
const swapped = <T>(list: readonly T[], a: number, b: number) =>
  list.map((item, i) => (i === a ? at(list, b) : i === b ? at(list, a) : item))

const withMessage = ({ subject, data }: Raw, change: (event: MessageEvent) => void): Raw => {
  const event = fromBinary(MessageEventSchema, data)
  change(event)
  return { subject, data: toBinary(MessageEventSchema, event) }
}
const withEnvelope = (raw: Raw, change: (envelope: PartyEnvelope) => void): Raw =>
  withMessage(raw, ({ payload }) => {
    if (payload.case !== 'messageRouted') throw new Error('no message')
    const envelope = fromBinary(PartyEnvelopeSchema, payload.value.payload)
    change(envelope)
    payload.value.payload = toBinary(PartyEnvelopeSchema, envelope)
  })
const flip = (bytes: Uint8Array, index: number) => {
  bytes[index] = (bytes[index] ?? 0) ^ 1
}
/** Index of the first message that fits. */
const find = (log: Log, wanted: (envelope: PartyEnvelope) => boolean) =>
  log.MESSAGES.findIndex(({ data }) => {
    const { payload } = fromBinary(MessageEventSchema, data)
    return payload.case === 'messageRouted' && wanted(fromBinary(PartyEnvelopeSchema, payload.value.payload))
  })
const changeMessage = (log: Log, index: number, change: (envelope: PartyEnvelope) => void) => ({
  ...log,
  MESSAGES: replaced(log.MESSAGES, index, withEnvelope(at(log.MESSAGES, index), change)),
})

/** The chain of the first session (12 events) with one event changed, and every later one made to fit again. */
export function rewrittenChain(log: Log): RawLog {
  const sessionId = sessionIdOf(at(log.SESSIONS, 0).subject) ?? ''
  let head = emptyChain
  const SESSIONS = log.SESSIONS.map((raw) => {
    if (sessionIdOf(raw.subject) !== sessionId) return raw
    const { payload, actor, causationId, correlationId, timeMs } = decodeStored(raw.data)
    const later = head.version === 4 ? 1000 : 0
    const context = { actor, causationId, correlationId, timeMs: Number(timeMs) + later }
    const { bytes, next } = encodeEvent(sessionId, head, payload, context)
    head = next
    return { subject: raw.subject, data: bytes }
  })
  return { ...log, SESSIONS }
}

/** Without the session's events in either stream. */
export function withoutSession(log: Log, index: number): RawLog {
  const sessionId = sessionIdOf(at(log.SESSIONS, index).subject)
  const others = (events: readonly Raw[]) => events.filter(({ subject }) => sessionIdOf(subject) !== sessionId)
  return { SESSIONS: others(log.SESSIONS), MESSAGES: others(log.MESSAGES) }
}

/** Without the last event of the first session's chain. */
export function withoutEnd(log: Log): RawLog {
  return { ...log, SESSIONS: without(log.SESSIONS, 11) }
}

export const tamperings: readonly Tampering[] = [
  {
    what: 'a lifecycle event edited',
    change: (log) => {
      const { subject, data } = at(log.SESSIONS, 4)
      const event = fromBinary(SessionEventSchema, data)
      const edited = { subject, data: toBinary(SessionEventSchema, { ...event, timeMs: event.timeMs + 1n }) }
      return { ...log, SESSIONS: replaced(log.SESSIONS, 4, edited) }
    },
    found: { stream: 'SESSIONS', sequence: 5, reason: /event id is not the hash/ },
  },
  {
    what: 'a lifecycle event dropped and the stream rewritten without it',
    change: (log) => ({ ...log, SESSIONS: without(log.SESSIONS, 4) }),
    found: { stream: 'SESSIONS', sequence: 5, reason: /is numbered 6/ },
  },
  {
    what: 'a lifecycle event deleted from the store',
    change: (log) => ({ ...log, SESSIONS: replaced<Raw | null>(log.SESSIONS, 4, null) }),
    found: { stream: 'SESSIONS', sequence: 5, reason: /the event is missing/ },
  },
  {
    what: 'two lifecycle events of a session exchanged',
    change: (log) => ({ ...log, SESSIONS: swapped(log.SESSIONS, 1, 2) }),
    found: { stream: 'SESSIONS', sequence: 2, reason: /is numbered 3/ },
  },
  {
    what: 'a lifecycle event inserted at the end of a chain, which it fits',
    change: (log) => {
      const { subject, data } = at(log.SESSIONS, 11)
      const last = decodeStored(data)
      let head = emptyChain
      for (const { data: stored } of log.SESSIONS.slice(0, 12)) {
        const { payload, actor, causationId, correlationId, timeMs } = decodeStored(stored)
        const context = { actor, causationId, correlationId, timeMs: Number(timeMs) }
        head = encodeEvent(last.sessionId, head, payload, context).next
      }
      const context = { actor: 'coordinator', causationId: '', correlationId: '', timeMs: Number(last.timeMs) + 1 }
      const closed = { case: 'sessionClosed' as const, value: create(SessionClosedSchema) }
      const { bytes } = encodeEvent(last.sessionId, head, closed, context)
      return { ...log, SESSIONS: inserted(log.SESSIONS, 12, { subject, data: bytes }) }
    },
    found: { stream: 'SESSIONS', sequence: 13, reason: /the session was over: completed/ },
  },
  {
    what: 'a broadcast edited',
    change: (log) => changeMessage(log, 0, ({ body }) => body.case === 'plaintext' && flip(body.value, 40)),
    found: { stream: 'MESSAGES', sequence: 1, reason: /the envelope is not signed by/ },
  },
  {
    what: 'a sealed message edited',
    change: (log) => {
      const index = find(log, ({ to }) => to !== '')
      return changeMessage(log, index, ({ body }) => body.case === 'sealed' && flip(body.value.ciphertext, 9))
    },
    found: { stream: 'MESSAGES', sequence: 5, reason: /the envelope is not signed by/ },
  },
  {
    what: 'an envelope forged with another identity, everything else as it should be',
    change: async (log) => {
      const forger = await identityFromSeed(new Uint8Array(32).fill(1))
      const signature = await forger.sign(statement('envelope', ['anything']))
      return changeMessage(log, 1, (envelope) => void (envelope.signature = signature))
    },
    found: { stream: 'MESSAGES', sequence: 2, reason: /the envelope is not signed by/ },
  },
  {
    what: 'a message that never was inserted into a slot of its own',
    change: (log) => {
      const raw = at(log.MESSAGES, 0)
      const invented = withMessage(raw, (event) => {
        if (event.payload.case !== 'messageRouted') throw new Error('no message')
        event.payload.value.round = 5
        const { fromParty, toParties } = event.payload.value
        event.eventId = messageId(slotOf(event.sessionId, 5, fromParty, toParties))
      })
      return { ...log, MESSAGES: inserted(log.MESSAGES, 24, invented) }
    },
    found: { stream: 'MESSAGES', sequence: 25, reason: /belongs to another round/ },
  },
  {
    what: 'a message stored twice in its slot',
    change: (log) => ({ ...log, MESSAGES: inserted(log.MESSAGES, 3, at(log.MESSAGES, 1)) }),
    found: { stream: 'MESSAGES', sequence: 4, reason: /a second message for round 1/ },
  },
  {
    what: 'a message under the subject of another recipient',
    change: (log) => {
      const index = find(log, ({ to }) => to !== '')
      const raw = at(log.MESSAGES, index)
      const { sessionId } = fromBinary(MessageEventSchema, raw.data)
      const elsewhere = { ...raw, subject: slotSubject(slotOf(sessionId, 1, 'server', ['phone'])) }
      return { ...log, MESSAGES: replaced(log.MESSAGES, index, elsewhere) }
    },
    found: { stream: 'MESSAGES', sequence: 5, reason: /under the subject of another message/ },
  },
  {
    what: 'a message moved into another session',
    change: (log) => {
      const other = fromBinary(MessageEventSchema, at(log.MESSAGES, 24).data).sessionId
      const raw = at(log.MESSAGES, 0)
      return { ...log, MESSAGES: replaced(log.MESSAGES, 0, { ...raw, subject: `mpc.message.${other}.all` }) }
    },
    found: { stream: 'MESSAGES', sequence: 1, reason: /belongs to another session/ },
  },
  {
    what: 'messages in an order in which the rounds cannot have run',
    change: (log) => ({ ...log, MESSAGES: swapped(log.MESSAGES, 0, 23) }),
    found: { stream: 'MESSAGES', sequence: 1, reason: /sent round 4 before round 3/ },
  },
  {
    what: 'a message dropped and the stream rewritten without it',
    change: (log) => ({ ...log, MESSAGES: without(log.MESSAGES, 23) }),
    found: { stream: 'SESSIONS', sequence: 12, reason: /completed, but round 4 from server to all is missing/ },
  },
  {
    what: 'a message deleted from the store',
    change: (log) => ({ ...log, MESSAGES: replaced<Raw | null>(log.MESSAGES, 23, null) }),
    found: { stream: 'MESSAGES', sequence: 24, reason: /the event is missing/ },
  },
  {
    what: 'the tail of the messages cut off',
    change: (log) => ({ ...log, MESSAGES: log.MESSAGES.slice(0, -2) }),
    found: { stream: 'SESSIONS', sequence: 21, reason: /completed, but round 3/ },
  },
  {
    what: 'the messages of a session without the session',
    change: (log) => ({ ...log, SESSIONS: log.SESSIONS.slice(0, 12) }),
    found: { stream: 'SESSIONS', sequence: null, reason: /the session was never created/ },
  },
  {
    what: 'bytes that are no event',
    change: (log) => {
      const damaged = { ...at(log.MESSAGES, 6), data: Uint8Array.of(255) }
      return { ...log, MESSAGES: replaced(log.MESSAGES, 6, damaged) }
    },
    found: { stream: 'MESSAGES', sequence: 7, reason: /cannot be decoded/ },
  },
]
