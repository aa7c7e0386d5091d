/**
 * The messages of one session in the order of the log. The index is complete, payloads may have left memory. The first
 * message of a slot counts; whoever reads the log, live or later, comes to the same mailbox.
 */
import type { StoredEvent } from '../events/event-log.ts'
import { decodeMessageEvent } from '../events/message-event.ts'
import { slotKey } from '../events/message-slot.ts'
import type { MessageRouted } from '../gen/mpc/events/v1/message_events_pb.ts'
import type { PayloadCache } from './payload-cache.ts'
import { TicketBook } from './ticket-book.ts'

export type Entry = {
  readonly sequence: number
  readonly from: string
  /** Empty: everyone but the sender. */
  readonly to: readonly string[]
  readonly round: number
  readonly timeMs: number
  /** Length of the payload in bytes, also when it is not in memory. */
  readonly length: number
  payload: Uint8Array | null
}

export type Mailbox = {
  readonly sessionId: string
  readonly entries: Entry[]
  readonly slots: Map<string, Entry>
  /** Ids of the recorded refusals. */
  readonly refusals: Set<string>
  readonly tickets: TicketBook
  /** Sum of the payloads' lengths. */
  bytes: number
  /** What this router is storing right now and does not have in `entries` yet. */
  underway: { messages: number; bytes: number }
}

export function emptyMailbox(sessionId: string): Mailbox {
  return {
    sessionId,
    entries: [],
    slots: new Map(),
    refusals: new Set(),
    tickets: new TicketBook(),
    bytes: 0,
    underway: { messages: 0, bytes: 0 },
  }
}

/** Takes the next event of the session's subjects; events come in the order of the log. Anything foreign is ignored. */
export function take(mailbox: Mailbox, stored: StoredEvent, cache: PayloadCache): void {
  const event = decodeMessageEvent(stored.data)
  if (event === null || event.sessionId !== mailbox.sessionId) return
  const { payload, eventId, timeMs } = event
  switch (payload.case) {
    case 'messageRouted':
      return takeMessage(mailbox, payload.value, stored.sequence, Number(timeMs), cache)
    case 'messageRefused':
      return void mailbox.refusals.add(eventId)
    case 'subscriptionTicketIssued':
      return mailbox.tickets.issue(payload.value, Number(timeMs))
    case 'subscriptionTicketRedeemed':
      return mailbox.tickets.redeem(payload.value.ticketHash, eventId)
    case undefined:
      return
    default:
      return payload satisfies never
  }
}

function takeMessage(
  mailbox: Mailbox,
  message: MessageRouted,
  sequence: number,
  timeMs: number,
  cache: PayloadCache,
): void {
  const { fromParty: from, toParties: to, round, payload } = message
  const key = slotKey({ round, from, to })
  if (mailbox.slots.has(key)) return
  const entry: Entry = { sequence, from, to, round, timeMs, length: payload.length, payload }
  mailbox.entries.push(entry)
  mailbox.slots.set(key, entry)
  mailbox.bytes += entry.length
  cache.keep(entry)
}

/** True for broadcasts of others and for messages that name the party; never for its own. */
export function isFor(entry: Pick<Entry, 'from' | 'to'>, partyId: string): boolean {
  return entry.from !== partyId && (entry.to.length === 0 || entry.to.includes(partyId))
}

/** Index of the first entry after a position of the log. */
export function indexAfter(entries: readonly Entry[], afterSequence: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]
    if (entry !== undefined && entry.sequence <= afterSequence) low = middle + 1
    else high = middle
  }
  return low
}
