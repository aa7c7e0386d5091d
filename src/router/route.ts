/**
 * Routing one message: stored once per slot and acknowledged only when it is stored. What the sender is told is what
 * the order of the log says: after storing, the router waits until its own view of the log has come to that position,
 * and looks who holds the slot. So two routers, a lost acknowledgement and an expired duplicate window all end in the
 * same answer.
 */
import { createHash } from 'node:crypto'
import type { EventLog } from '../events/event-log.ts'
import { messageId, refusalId, slotKey, slotOf, slotSubject, type Slot } from '../events/message-slot.ts'
import { Refusal } from '../edge/refusal.ts'
import type { MessageEvent } from '../gen/mpc/events/v1/message_events_pb.ts'
import type { Lease, LiveViews } from './live-views.ts'
import type { RouterLimits } from './limits.ts'
import type { Entry, Mailbox } from './mailbox.ts'
import {
  admit,
  available,
  refuseParty,
  refuseRecipients,
  refuseUnlessRunning,
  type Credential,
  type SessionBox,
} from './membership.ts'
import { payloadOf } from './payload.ts'
import { storeEvent } from './store-event.ts'

export type Outgoing = Readonly<{
  sessionId: string
  from: string
  /** Empty: everyone else. */
  to: readonly string[]
  /** What the request says; must not contradict `to`. */
  isBroadcast: boolean
  round: number
  payload: Uint8Array
}>

export type Routed = Readonly<{ sequence: number; duplicate: boolean }>

export type RouteParts = Readonly<{
  log: EventLog
  sessions: LiveViews<SessionBox>
  mailboxes: LiveViews<Mailbox>
  limits: RouterLimits
  now: () => number
  /** Told when a refusal could not be recorded. */
  unrecorded: (error: unknown) => void
}>

/** Throws Refusal. `correlationId` goes into the stored event. */
export async function route(
  parts: RouteParts,
  message: Outgoing,
  credential: Credential,
  correlationId: string,
): Promise<Routed> {
  const { limits } = parts
  if (message.isBroadcast && message.to.length > 0) {
    throw new Refusal('invalid_request', 'a broadcast names no recipients', {
      is_broadcast: 'must be false where to_parties is not empty',
    })
  }
  const session = await admit(
    parts.sessions,
    message.sessionId,
    (view) =>
      refuseParty(view, message.from, credential, 'from_party') ??
      refuseUnlessRunning(view) ??
      refuseRecipients(view, message.from, message.to),
  )
  session.release()
  if (message.payload.length > limits.payloadBytes) {
    throw new Refusal('payload_too_large', 'the payload is too large', {
      payload: `must have at most ${limits.payloadBytes} bytes`,
    })
  }
  const mailbox = await available(() => parts.mailboxes.lease(message.sessionId))
  try {
    return await routeInto(parts, mailbox, message, correlationId)
  } finally {
    mailbox.release()
  }
}

async function routeInto(
  parts: RouteParts,
  mailbox: Lease<Mailbox>,
  message: Outgoing,
  correlationId: string,
): Promise<Routed> {
  const { sessionId, round, from, payload } = message
  const slot = slotOf(sessionId, round, from, message.to)
  const held = mailbox.view.slots.get(slotKey(slot))
  if (held !== undefined) return answerFor(parts, mailbox.view, slot, held, payload, correlationId, null)
  refuseBeyondLimits(parts, mailbox.view, payload.length)

  const { underway } = mailbox.view
  underway.messages += 1
  underway.bytes += payload.length
  try {
    const event: MessageEvent['payload'] = {
      case: 'messageRouted',
      value: { $typeName: 'mpc.events.v1.MessageRouted', fromParty: from, toParties: [...slot.to], round, payload },
    }
    const id = messageId(slot)
    const stored = await available(() => store(parts, slot, id, event, correlationId))
    await available(() => parts.mailboxes.reaches(stored.sequence))
    const holder = mailbox.view.slots.get(slotKey(slot))
    if (holder === undefined) throw new Refusal('unavailable', 'the message is not where it was stored; try again')
    const storedNow = stored.duplicate ? null : stored.sequence
    return await answerFor(parts, mailbox.view, slot, holder, payload, correlationId, storedNow)
  } finally {
    underway.messages -= 1
    underway.bytes -= payload.length
  }
}

/** `storedNow` is where this call has stored the message, or null. */
async function answerFor(
  parts: RouteParts,
  mailbox: Mailbox,
  slot: Slot,
  holder: Entry,
  payload: Uint8Array,
  correlationId: string,
  storedNow: number | null,
): Promise<Routed> {
  if (holder.sequence === storedNow) return { sequence: storedNow, duplicate: false }
  const first = await available(() => payloadOf(parts.log, holder))
  if (first === null) throw new Refusal('unavailable', 'the session has ended meanwhile; try again')
  if (Buffer.compare(first, payload) === 0) return { sequence: holder.sequence, duplicate: true }
  await recordRefusal(parts, mailbox, slot, holder, payload, correlationId).catch(parts.unrecorded)
  throw new Refusal('conflict', 'another message of this round, sender and recipients was routed before', {
    payload: `differs from the one stored at sequence ${holder.sequence}`,
  })
}

/** Evidence against the sender: once for each slot and payload, and only so many for a session. */
async function recordRefusal(
  parts: RouteParts,
  mailbox: Mailbox,
  slot: Slot,
  holder: Entry,
  payload: Uint8Array,
  correlationId: string,
): Promise<void> {
  const payloadHash = createHash('sha256').update(payload).digest()
  const id = refusalId(slot, payloadHash.toString('hex'))
  if (mailbox.refusals.has(id) || mailbox.refusals.size >= parts.limits.sessionRefusals) return
  mailbox.refusals.add(id)
  const event: MessageEvent['payload'] = {
    case: 'messageRefused',
    value: {
      $typeName: 'mpc.events.v1.MessageRefused',
      fromParty: slot.from,
      toParties: [...slot.to],
      round: slot.round,
      payloadHash,
      storedSequence: BigInt(holder.sequence),
    },
  }
  try {
    await store(parts, slot, id, event, correlationId)
  } catch (error) {
    mailbox.refusals.delete(id)
    throw error
  }
}

function store(parts: RouteParts, slot: Slot, id: string, payload: MessageEvent['payload'], correlationId: string) {
  return storeEvent(parts, { subject: slotSubject(slot), sessionId: slot.sessionId, id, correlationId, payload })
}

function refuseBeyondLimits(parts: RouteParts, mailbox: Mailbox, bytes: number): void {
  const { limits } = parts
  if (mailbox.entries.length + mailbox.underway.messages >= limits.sessionMessages) {
    throw new Refusal('rate_limited', 'the session has reached its number of messages', {
      session_id: `at most ${limits.sessionMessages} messages in one session`,
    })
  }
  if (mailbox.bytes + mailbox.underway.bytes + bytes > limits.sessionBytes) {
    throw new Refusal('rate_limited', 'the session has reached its number of bytes', {
      session_id: `at most ${limits.sessionBytes} bytes of payload in one session`,
    })
  }
  if (!parts.mailboxes.hasRoom()) throw new Refusal('unavailable', 'the router is full of live sessions; try again')
}
