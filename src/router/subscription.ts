/**
 * Following a mailbox: what there is after a position, then what comes, until the session is over and everything in
 * it was delivered. A subscription is a position in the mailbox and nothing else: it pulls, and a slow one costs no
 * memory.
 */
import type { EventLog } from '../events/event-log.ts'
import { Refusal } from '../edge/refusal.ts'
import { createBell } from './bell.ts'
import type { Lease, LiveViews } from './live-views.ts'
import type { RouterLimits } from './limits.ts'
import { indexAfter, isFor, type Entry, type Mailbox } from './mailbox.ts'
import { admit, available, type Check, type SessionBox } from './membership.ts'
import type { RouterMetrics, SubscriptionKind } from './metrics.ts'
import { payloadOf } from './payload.ts'
import type { Outcome } from './session-view.ts'

export type Delivered = Readonly<{ entry: Entry; payload: Uint8Array }>

export type SubscriptionRequest = Readonly<{ sessionId: string; partyId: string; afterSequence: number }>

export type Subscription = Readonly<{
  /** Ends with the session, or when the subscription is closed. Throws Refusal 'unavailable'. Iterate once. */
  messages: () => AsyncGenerator<Delivered, void>
  /** How the session ended, once `messages` has come to its end; null when it was the subscription that ended. */
  outcome: () => Outcome | null
  /** Frees everything, whatever `messages` is doing. */
  close: () => void
}>

export type SubscriptionParts = Readonly<{
  log: EventLog
  sessions: LiveViews<SessionBox>
  mailboxes: LiveViews<Mailbox>
  limits: RouterLimits
  metrics: RouterMetrics
}>

type Following = Readonly<{
  request: SubscriptionRequest
  kind: SubscriptionKind
  session: SessionBox
  mailbox: Mailbox
  rung: () => Promise<void>
  closed: AbortSignal
  ended: (how: Outcome) => void
}>

export class Subscriptions {
  readonly #parts: SubscriptionParts
  readonly #open = new Set<() => void>()
  readonly #perParty = new Map<string, number>()
  /** Open ones and those that are being opened. */
  #entered = 0
  #stopping = false

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#open.size
  }

  /** Throws Refusal, that of `check` too. Closed by the caller, by `signal`, or by `stop`. */
  async open(
    request: SubscriptionRequest,
    check: Check,
    signal: AbortSignal,
    kind: SubscriptionKind,
  ): Promise<Subscription> {
    const { sessions, mailboxes, metrics } = this.#parts
    const { sessionId, partyId } = request
    const session = await admit(sessions, sessionId, check)
    const leaveParty = this.#enter(session, `${sessionId}/${partyId}`)
    let mailbox: Lease<Mailbox>
    try {
      mailbox = await available(() => mailboxes.lease(sessionId))
    } catch (error) {
      leaveParty()
      throw error
    }
    const uncount = metrics.subscribed(kind)
    const bell = createBell()
    const silence = [session.onChange(bell.ring), mailbox.onChange(bell.ring)]
    const closed = new AbortController()
    const close = (): void => {
      if (closed.signal.aborted) return
      closed.abort()
      signal.removeEventListener('abort', close)
      this.#open.delete(close)
      for (const stop of silence) stop()
      mailbox.release()
      leaveParty()
      uncount()
      bell.ring()
    }
    this.#open.add(close)
    signal.addEventListener('abort', close)
    if (signal.aborted || this.#stopping) close()
    let outcome: Outcome | null = null
    const following: Following = {
      request,
      kind,
      session: session.view,
      mailbox: mailbox.view,
      rung: bell.rung,
      closed: closed.signal,
      ended: (how) => (outcome = how),
    }
    return {
      messages: () => this.#deliver(following),
      outcome: () => outcome,
      close,
    }
  }

  /** Closes every subscription; their consumers are told that the router is unavailable. */
  stop(): void {
    this.#stopping = true
    for (const close of [...this.#open]) close()
  }

  /** Counts the party in; the result takes it out and releases the session. Throws Refusal 'rate_limited'. */
  #enter(session: Lease<SessionBox>, party: string): () => void {
    const { subscriptions, subscriptionsPerParty } = this.#parts.limits
    const ofParty = this.#perParty.get(party) ?? 0
    const full = ofParty >= subscriptionsPerParty
    if (full || this.#entered >= subscriptions) {
      session.release()
      throw new Refusal('rate_limited', 'too many subscriptions are open', {
        party_id: full ? `at most ${subscriptionsPerParty} subscriptions at once` : 'this router has no room for more',
      })
    }
    this.#perParty.set(party, ofParty + 1)
    this.#entered += 1
    return () => {
      this.#entered -= 1
      session.release()
      const left = (this.#perParty.get(party) ?? 1) - 1
      if (left > 0) this.#perParty.set(party, left)
      else this.#perParty.delete(party)
    }
  }

  async *#deliver(following: Following): AsyncGenerator<Delivered, void> {
    const { request, kind, session, mailbox, rung, closed, ended } = following
    let index = indexAfter(mailbox.entries, request.afterSequence)
    while (!closed.aborted) {
      const { phase } = session.current
      if (phase.kind === 'over') await available(() => this.#allStored())
      for (let entry = mailbox.entries[index]; entry !== undefined; entry = mailbox.entries[index]) {
        index += 1
        // The position asked for may lie ahead of everything stored so far.
        if (!isFor(entry, request.partyId) || entry.sequence <= request.afterSequence) continue
        const payload = await available(() => payloadOf(this.#parts.log, entry))
        if (payload === null) continue
        if (closed.aborted) break
        this.#parts.metrics.delivered(kind, entry.length)
        yield { entry, payload }
        if (closed.aborted) break
      }
      if (phase.kind === 'over' && !closed.aborted) {
        ended(phase.outcome)
        return
      }
      await rung()
    }
    if (this.#stopping) throw new Refusal('unavailable', 'the router is stopping; go on after the last sequence')
  }

  /** Messages and lifecycle are two streams: what was stored before the end was seen may still be on its way. */
  async #allStored(): Promise<void> {
    const { log, mailboxes } = this.#parts
    await mailboxes.reaches(await log.lastSequence('MESSAGES'))
  }
}
