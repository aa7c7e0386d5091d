/** The router on one event log: what the gRPC, Connect, REST and WebSocket edges all call. */
import type { EventLog } from '../events/event-log.ts'
import { decodeEvent } from '../events/session-event.ts'
import { allMessages, allSessions, messagesOfSession, sessionSubject } from '../events/subjects.ts'
import { LiveViews } from './live-views.ts'
import type { RouterLimits } from './limits.ts'
import { emptyMailbox, take, type Mailbox } from './mailbox.ts'
import type { Credential, SessionBox } from './membership.ts'
import { PayloadCache } from './payload-cache.ts'
import { pendingPage, type Page, type PageRequest } from './pending.ts'
import { route, type Outgoing, type Routed } from './route.ts'
import { evolve, unknownSession } from './session-view.ts'
import { Subscriptions, type Subscription, type SubscriptionRequest } from './subscription.ts'

export type Usage = Readonly<{
  sessions: number
  mailboxes: number
  indexedMessages: number
  payloadBytes: number
  subscriptions: number
}>

/** All methods throw Refusal. */
export type Router = Readonly<{
  route: (message: Outgoing, credential: Credential, correlationId: string) => Promise<Routed>
  subscribe: (request: SubscriptionRequest, credential: Credential, signal: AbortSignal) => Promise<Subscription>
  pending: (request: PageRequest, credential: Credential) => Promise<Page>
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
  /** Told about things that callers do not see. */
  warn: (message: string, error: unknown) => void
}>

/** Throws LogUnavailable. */
export async function openRouter(options: RouterOptions): Promise<Router> {
  const { log, limits, warn, now = Date.now } = options
  const cache = new PayloadCache(limits.memoryBytes)
  const sessions = sessionViews(log, limits)
  const mailboxes = mailboxViews(log, limits, cache)
  await Promise.all([sessions.start(), mailboxes.start()])
  const unrecorded = (error: unknown): void => warn('a refused message was not recorded', error)
  const parts = { log, sessions, mailboxes, limits, now, unrecorded }
  const subscriptions = new Subscriptions(parts)
  return {
    route: (message, credential, correlationId) => route(parts, message, credential, correlationId),
    subscribe: (request, credential, signal) => subscriptions.open(request, credential, signal),
    pending: (request, credential) => pendingPage(parts, request, credential),
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
      weigh: (mailbox) => 1 + mailbox.entries.length,
      drop: (mailbox) => {
        for (const entry of mailbox.entries) cache.forget(entry)
      },
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
