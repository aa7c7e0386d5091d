/**
 * One-time tickets for WebSockets: a browser cannot send a credential with one, and a credential does not belong into a
 * URL. A ticket is 'mpc_ticket_' and 32 random bytes. The log holds its hash and everything that it is bound to, and
 * whoever redeems it appends that: so every router knows a ticket that another one has issued, and of two that are
 * shown it at the same time the order of the log lets one through. Nothing is shared between routers but the log.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Refusal } from '../edge/refusal.ts'
import type { EventLog } from '../events/event-log.ts'
import { messageSubject } from '../events/subjects.ts'
import type { LiveViews } from './live-views.ts'
import type { RouterLimits } from './limits.ts'
import type { Mailbox } from './mailbox.ts'
import { admit, available, refuseParty, refuseStranger, type Credential, type SessionBox } from './membership.ts'
import { storeEvent } from './store-event.ts'
import type { Ticket } from './ticket-book.ts'

export type TicketRequest = Readonly<{
  sessionId: string
  partyId: string
  afterSequence: number
  /** Origin of the page that asks, or empty. */
  origin: string
}>

export type IssuedTicket = Readonly<{ ticket: string; expiresAtMs: number }>

/** A ticket as it comes with a WebSocket. `origin` as above. */
export type ShownTicket = Readonly<{ sessionId: string; partyId: string; ticket: string; origin: string }>

export type TicketParts = Readonly<{
  log: EventLog
  sessions: LiveViews<SessionBox>
  mailboxes: LiveViews<Mailbox>
  limits: RouterLimits
  now: () => number
}>

export const ticketPrefix = 'mpc_ticket_'

/** Throws Refusal. Calls at the same time may exceed the party's number of tickets by as many as they are. */
export async function issueTicket(
  parts: TicketParts,
  request: TicketRequest,
  credential: Credential,
  correlationId: string,
): Promise<IssuedTicket> {
  const { sessionId, partyId, afterSequence, origin } = request
  const session = await admit(parts.sessions, sessionId, (view) => refuseParty(view, partyId, credential, 'party_id'))
  session.release()
  const mailbox = await available(() => parts.mailboxes.lease(sessionId))
  try {
    const { ticketsPerParty, ticketMs } = parts.limits
    if (mailbox.view.tickets.issuedTo(partyId) >= ticketsPerParty) {
      throw new Refusal('rate_limited', 'the party has had its number of tickets', {
        party_id: `at most ${ticketsPerParty} tickets in one session`,
      })
    }
    const ticket = ticketPrefix + randomBytes(32).toString('base64url')
    const expiresAtMs = parts.now() + ticketMs
    const stored = await available(() =>
      storeEvent(parts, {
        subject: messageSubject(sessionId, partyId),
        sessionId,
        id: randomUUID(),
        correlationId,
        payload: {
          case: 'subscriptionTicketIssued',
          value: {
            $typeName: 'mpc.events.v1.SubscriptionTicketIssued',
            ticketHash: hashOf(ticket),
            partyId,
            afterSequence: BigInt(afterSequence),
            origin,
            expiresAtMs: BigInt(expiresAtMs),
          },
        },
      }),
    )
    await available(() => parts.mailboxes.reaches(stored.sequence))
    return { ticket, expiresAtMs }
  } finally {
    mailbox.release()
  }
}

/** Uses the ticket up and tells what it was issued for. Throws Refusal 'unauthorized' where it is not to be used. */
export async function redeemTicket(parts: TicketParts, shown: ShownTicket, correlationId: string): Promise<Ticket> {
  const { sessionId, partyId } = shown
  const session = await admit(parts.sessions, sessionId, (view) => refuseStranger(view, partyId, 'party_id'))
  session.release()
  const mailbox = await available(() => parts.mailboxes.lease(sessionId))
  try {
    const ticketHash = hashOf(shown.ticket)
    const key = ticketHash.toString('hex')
    const { tickets } = mailbox.view
    // Another router may have issued it a moment ago.
    if (tickets.find(key) === null) await available(() => mailbox.refresh())
    const ticket = usable(tickets.find(key), shown, parts.now())
    const id = randomUUID()
    const stored = await available(() =>
      storeEvent(parts, {
        subject: messageSubject(sessionId, partyId),
        sessionId,
        id,
        correlationId,
        payload: {
          case: 'subscriptionTicketRedeemed',
          value: { $typeName: 'mpc.events.v1.SubscriptionTicketRedeemed', ticketHash },
        },
      }),
    )
    await available(() => parts.mailboxes.reaches(stored.sequence))
    if (tickets.find(key)?.redeemedBy !== id) throw refusedTicket('has been used')
    return ticket
  } finally {
    mailbox.release()
  }
}

function usable(ticket: Ticket | null, shown: ShownTicket, nowMs: number): Ticket {
  if (ticket === null || ticket.partyId !== shown.partyId) throw refusedTicket('is not one of this session and party')
  if (ticket.redeemedBy !== null) throw refusedTicket('has been used')
  if (ticket.expiresAtMs <= nowMs) throw refusedTicket('has expired')
  if (ticket.origin !== '' && ticket.origin !== shown.origin) throw refusedTicket('was issued to another origin')
  return ticket
}

function refusedTicket(problem: string): Refusal {
  return new Refusal('unauthorized', `the ticket ${problem}; ask for a new one`, { ticket: problem })
}

function hashOf(ticket: string): Buffer {
  return createHash('sha256').update(ticket).digest()
}
