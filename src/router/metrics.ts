/** What the router counts, in Prometheus' terms. No label holds an id, so the number of series is bounded. */
import { Counter, Gauge, type Metric, type Registry } from 'prom-client'
import { refusalOf } from '../edge/refusal-error.ts'
import type { RefusalCode } from '../edge/refusal.ts'

export type SubscriptionKind = 'grpc' | 'grpc-web' | 'connect' | 'websocket'

export type Operation = 'route' | 'subscribe' | 'pending' | 'ticket'

/** Why a client was dropped that the router could not go on with. */
export type DropReason = 'slow' | 'silent' | 'flooding' | 'oversized'

/** What the router holds in memory at a moment. */
export type Usage = Readonly<{
  sessions: number
  mailboxes: number
  indexedMessages: number
  payloadBytes: number
  subscriptions: number
}>

export type RouterMetrics = Readonly<{
  routed: (outcome: 'stored' | 'duplicate', bytes: number) => void
  delivered: (kind: SubscriptionKind, bytes: number) => void
  /** Counts the opening; the result counts the end. */
  subscribed: (kind: SubscriptionKind) => () => void
  paged: (messages: number) => void
  ticket: (step: 'issued' | 'redeemed') => void
  dropped: (reason: DropReason) => void
  /** Runs an operation and counts it where it is refused. */
  counting: <Value>(operation: Operation, work: () => Promise<Value>) => Promise<Value>
  /** Puts all of them, and what `usage` tells, into a service's metrics. */
  register: (registry: Registry, usage: () => Usage) => void
}>

export function createRouterMetrics(): RouterMetrics {
  const messages = counter('messages_total', 'Routed messages, by whether they were new.', ['outcome'])
  const bytes = counter('message_bytes_total', 'Bytes of payload in new messages.')
  const delivered = counter('delivered_messages_total', 'Messages given to subscriptions.', ['kind'])
  const deliveredBytes = counter('delivered_bytes_total', 'Bytes of payload given to subscriptions.', ['kind'])
  const pages = counter('pending_pages_total', 'Answers to GetPendingMessages.')
  const paged = counter('pending_messages_total', 'Messages in these answers.')
  const tickets = counter('tickets_total', 'Tickets for WebSockets.', ['step'])
  const dropped = counter('dropped_clients_total', 'Subscribers that were cut off, by reason.', ['reason'])
  const refusals = counter('refusals_total', 'Refused operations, by code.', ['operation', 'code'])
  const open = new Gauge({
    name: `${prefix}subscriptions`,
    help: 'Open subscriptions.',
    labelNames: ['kind'],
    registers: [],
  })
  return {
    routed: (outcome, size) => {
      messages.inc({ outcome })
      if (outcome === 'stored') bytes.inc(size)
    },
    delivered: (kind, size) => {
      delivered.inc({ kind })
      deliveredBytes.inc({ kind }, size)
    },
    subscribed: (kind) => {
      open.inc({ kind })
      return () => open.dec({ kind })
    },
    paged: (count) => {
      pages.inc()
      paged.inc(count)
    },
    ticket: (step) => tickets.inc({ step }),
    dropped: (reason) => dropped.inc({ reason }),
    counting: async (operation, work) => {
      try {
        return await work()
      } catch (error) {
        const code: RefusalCode = refusalOf(error).code
        refusals.inc({ operation, code })
        throw error
      }
    },
    register: (registry, usage) => {
      const own = [messages, bytes, delivered, deliveredBytes, pages, paged, tickets, dropped, refusals, open]
      for (const metric of [...own, ...usageGauges(usage)]) registry.registerMetric(metric as Metric)
    },
  }
}

const prefix = 'mpc_router_'

function counter<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
  return new Counter({ name: prefix + name, help, labelNames: [...labelNames], registers: [] })
}

function usageGauges(usage: () => Usage): Gauge[] {
  const gauge = (name: string, help: string, value: (usage: Usage) => number): Gauge =>
    new Gauge({
      name: prefix + name,
      help,
      registers: [],
      collect() {
        this.set(value(usage()))
      },
    })
  return [
    gauge('sessions', 'Sessions in memory.', ({ sessions }) => sessions),
    gauge('mailboxes', 'Sessions whose messages are indexed in memory.', ({ mailboxes }) => mailboxes),
    gauge('indexed_messages', 'Messages whose place in the log is in memory.', (held) => held.indexedMessages),
    gauge('memory_payload_bytes', 'Bytes of payload in memory.', ({ payloadBytes }) => payloadBytes),
  ]
}
