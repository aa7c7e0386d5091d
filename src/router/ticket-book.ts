/**
 * The tickets of one session, as the log tells: who may open a WebSocket with which, and who did. Several routers that
 * see the same ticket come to the same answer, because the first redemption in the order of the log is the one.
 */
import type { SubscriptionTicketIssued } from '../gen/mpc/events/v1/message_events_pb.ts'

export type Ticket = Readonly<{
  partyId: string
  afterSequence: number
  /** Origin of the page that asked for it; empty: none. */
  origin: string
  expiresAtMs: number
  /** Event id of the attempt that has used it. */
  redeemedBy: string | null
}>

/** How long an expired ticket is still told from one that never was, by the times in the log. */
const rememberedMs = 60_000

export class TicketBook {
  /** By the hash of the ticket in hex, in the order of issue. */
  readonly #tickets = new Map<string, Ticket>()
  readonly #issued = new Map<string, number>()

  get size(): number {
    return this.#tickets.size
  }

  /** How many tickets a party has been given, whatever became of them. */
  issuedTo(partyId: string): number {
    return this.#issued.get(partyId) ?? 0
  }

  find(ticketHash: string): Ticket | null {
    return this.#tickets.get(ticketHash) ?? null
  }

  /** `timeMs` is the event's. */
  issue(event: SubscriptionTicketIssued, timeMs: number): void {
    const { partyId, origin } = event
    const hash = Buffer.from(event.ticketHash).toString('hex')
    if (this.#tickets.has(hash)) return
    for (const [old, { expiresAtMs }] of this.#tickets) {
      if (expiresAtMs + rememberedMs > timeMs) break
      this.#tickets.delete(old)
    }
    const afterSequence = Number(event.afterSequence)
    const expiresAtMs = Number(event.expiresAtMs)
    this.#tickets.set(hash, { partyId, afterSequence, origin, expiresAtMs, redeemedBy: null })
    this.#issued.set(partyId, this.issuedTo(partyId) + 1)
  }

  redeem(ticketHash: Uint8Array, eventId: string): void {
    const hash = Buffer.from(ticketHash).toString('hex')
    const ticket = this.#tickets.get(hash)
    if (ticket?.redeemedBy === null) this.#tickets.set(hash, { ...ticket, redeemedBy: eventId })
  }
}
