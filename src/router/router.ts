/** The router on one event log: what the gRPC, Connect, REST and WebSocket edges all call. */
import type { EventLog } from '../events/event-log.ts'
import { decodeEvent } from '../events/session-event.ts'
import { allMessages, allSessions, messagesOfSession, sessionSubject } from '../events/subjects.ts'
import { LiveViews } from './live-views.ts'
import type { RouterLimits } from './limits.ts'
import { emptyMailbox, take, type Mailbox } from './mailbox.ts'
import { refuseParty, refuseStranger, type Credential, type SessionBox } from './membership.ts'
import { createRouterMetrics, type RouterMetrics, type SubscriptionKind, type Usage } from './metrics.ts'
import { PayloadCache } from './payload-cache.ts'
import { wasMoved } from './payload.ts'
import { pendingPage, type Page, type PageRequest } from './pending.ts'
import { route, type Outgoing, type Routed } from './route.ts'
import { evolve, unknownSession } from './session-view.ts'
import { Subscriptions, type Subscription, type SubscriptionRequest } from './subscription.ts'
import { issueTicket, redeemTicket, type IssuedTicket, type ShownTicket, type TicketRequest } from './ticket.ts'

/** All methods throw Refusal. */
export type Router = Readonly<{
  route: (message: Outgoing, credential: Credential, correlationId: string) => Promise<Routed>
  subscribe: (
    request: SubscriptionRequest,
    credential: Credential,
    signal: AbortSignal,
    kind: SubscriptionKind,
  ) => Promise<Subscription>
  pending: (request: PageRequest, credential: Credential) => Promise<Page>
  issueTicket: (request: TicketRequest, credential: Credential, correlationId: string) => Promise<IssuedTicket>
  /** A WebSocket's subscription by a ticket, which is used up. `afterSequence` null: as the ticket says. */
  subscribeWithTicket: (
    shown: ShownTicket,
    afterSequence: number | null,
    signal: AbortSignal,
    correlationId: string,
  ) => Promise<Subscription>
  /** What the router holds in memory at this moment. */
  usage: () => Usage
  /** Ends all subscriptions and takes no new ones; calls go on. */
  stop: () => void
  /** Stops, and stops following. The log stays open. */
  close: () => Promise<void>
}>

export type RouterOptions = Readonly<{
  log: EventLog
  limits: RouterLimits
  now?: () => number
  metrics?: RouterMetrics
  /** Told about things that callers do not see. */
  warn: (message: string, error: unknown) => void
}>

/** Throws LogUnavailable. */
export async function openRouter(options: RouterOptions): Promise<Router> {
  const { log, limits, warn, now = Date.now, metrics = createRouterMetrics() } = options
  const cache = new PayloadCache(limits.memoryBytes)
  const sessions = sessionViews(log, limits)
  const mailboxes = mailboxViews(log, limits, cache)
  await Promise.all([sessions.start(), mailboxes.start()])
  const unrecorded = (error: unknown): void => warn('a refused message was not recorded', error)
  const parts = { log, sessions, mailboxes, limits, now, unrecorded, metrics }
  const subscriptions = new Subscriptions(parts)
  const { counting } = metrics
  return {
    route: (message, credential, correlationId) =>
      counting('route', async () => {
        const routed = await route(parts, message, credential, correlationId)
        metrics.routed(routed.duplicate ? 'duplicate' : 'stored', message.payload.length)
        return routed
      }),
    subscribe: (request, credential, signal, kind) =>
      counting('subscribe', () => {
        const { partyId } = request
        return subscriptions.open(request, (view) => refuseParty(view, partyId, credential, 'party_id'), signal, kind)
      }),
    pending: (request, credential) =>
      counting('pending', async () => {
        const page = await pendingPage(parts, request, credential)
        metrics.paged(page.messages.length)
        return page
      }),
    issueTicket: (request, credential, correlationId) =>
      counting('ticket', async () => {
        const issued = await issueTicket(parts, request, credential, correlationId)
        metrics.ticket('issued')
        return issued
      }),
    subscribeWithTicket: (shown, afterSequence, signal, correlationId) =>
      counting('subscribe', async () => {
        const ticket = await redeemTicket(parts, shown, correlationId)
        metrics.ticket('redeemed')
        const { sessionId, partyId } = shown
        const request = { sessionId, partyId, afterSequence: afterSequence ?? ticket.afterSequence }
        return subscriptions.open(request, (view) => refuseStranger(view, partyId, 'party_id'), signal, 'websocket')
      }),
    usage: () => ({
      sessions: sessions.views,
      mailboxes: mailboxes.views,
      indexedMessages: mailboxes.weight - mailboxes.views,
      payloadBytes: cache.bytes,
      subscriptions: subscriptions.size,
    }),
    stop: () => subscriptions.stop(),
    close: async () => {
      subscriptions.stop()
      await Promise.all([sessions.close(), mailboxes.close()])
    },
  }
}

function sessionViews(log: EventLog, limits: RouterLimits): LiveViews<SessionBox> {
  return new LiveViews<SessionBox>(
    log,
    {
      stream: 'SESSIONS',
      all: allSessions,
      one: sessionSubject,
      create: () => ({ current: unknownSession }),
      apply: (box, stored) => {
        const event = decoded(stored.data)
        if (event !== null) box.current = evolve(box.current, event)
      },
      weigh: () => 1,
      drop: () => undefined,
    },
    { maxWeight: limits.sessions, idleMs: limits.idleMs, catchUpMs: limits.catchUpMs },
  )
}

function mailboxViews(log: EventLog, limits: RouterLimits, cache: PayloadCache): LiveViews<Mailbox> {
  return new LiveViews<Mailbox>(
    log,
    {
      stream: 'MESSAGES',
      all: allMessages,
      one: messagesOfSession,
      create: emptyMailbox,
      apply: (mailbox, stored) => take(mailbox, stored, cache),
      weigh: (mailbox) => 1 + mailbox.entries.length + mailbox.tickets.size,
      drop: (mailbox) => {
        for (const entry of mailbox.entries) cache.forget(entry)
      },
      isMoved: (sequence) => wasMoved(log, sequence),
    },
    { maxWeight: limits.indexedMessages, idleMs: limits.idleMs, catchUpMs: limits.catchUpMs },
  )
}

/** What is no event changes no session: the coordinator and the audit are who reports a damaged log. */
function decoded(data: Uint8Array) {
  try {
    return decodeEvent(data)
  } catch {
    return null
  }
}
