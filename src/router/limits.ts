/** Every limit of the router, its default, and the environment variable that sets it. */
import { z } from 'zod'
import { readEnv, wholeNumberVariable } from '../edge/environment.ts'

export type RouterLimits = Readonly<{
  /** Per session, over all its messages. */
  sessionBytes: number
  sessionMessages: number
  payloadBytes: number
  /** Recorded refusals per session; further ones are refused without a record. */
  sessionRefusals: number
  /** Payloads in memory, over all sessions; the rest is read from the log. */
  memoryBytes: number
  /** Messages whose place in the log is in memory, over all sessions. */
  indexedMessages: number
  /** Sessions in memory. */
  sessions: number
  /** Sessions that nobody used for so long leave memory. */
  idleMs: number
  subscriptions: number
  subscriptionsPerParty: number
  /** One answer to GetPendingMessages: messages when no limit is asked for, messages at most, bytes of payload. */
  pageMessages: number
  maxPageMessages: number
  pageBytes: number
  /** Longest wait for what was stored to come back from the log. */
  catchUpMs: number
  /** WebSocket: time between pings; a peer that leaves one unanswered until the next is gone. */
  pingMs: number
  /** WebSocket: bytes that wait for a slow peer before sending pauses. */
  socketBufferBytes: number
  /** WebSocket: a peer that does not take what waits for it within this time is dropped. */
  drainMs: number
  /** WebSocket: longest frame a client may send, and how many between two pings. */
  incomingFrameBytes: number
  incomingFrames: number
  /** How long a ticket for a WebSocket can be used. */
  ticketMs: number
  /** Tickets that one party gets in one session, used or not. */
  ticketsPerParty: number
}>

const mebibyte = 1_048_576

/** A gRPC client refuses answers over 4 MiB by default, so a page stays below it. */
export const defaultRouterLimits: RouterLimits = {
  sessionBytes: 64 * mebibyte,
  sessionMessages: 20_000,
  payloadBytes: 524_288,
  sessionRefusals: 100,
  memoryBytes: 256 * mebibyte,
  indexedMessages: 500_000,
  sessions: 20_000,
  idleMs: 300_000,
  subscriptions: 10_000,
  subscriptionsPerParty: 4,
  pageMessages: 100,
  maxPageMessages: 1_000,
  pageBytes: 3 * mebibyte,
  catchUpMs: 10_000,
  pingMs: 20_000,
  socketBufferBytes: mebibyte,
  drainMs: 15_000,
  incomingFrameBytes: 4_096,
  incomingFrames: 100,
  ticketMs: 30_000,
  ticketsPerParty: 1_000,
}

type Variable = readonly [name: string, min: number, max: number]

/** A payload and a page can be no larger than the contract allows. */
const variables: Readonly<Record<keyof RouterLimits, Variable>> = {
  sessionBytes: ['MPC_ROUTER_MAX_SESSION_BYTES', 1, 2 ** 40],
  sessionMessages: ['MPC_ROUTER_MAX_SESSION_MESSAGES', 1, 10_000_000],
  payloadBytes: ['MPC_ROUTER_MAX_PAYLOAD_BYTES', 1, defaultRouterLimits.payloadBytes],
  sessionRefusals: ['MPC_ROUTER_MAX_SESSION_REFUSALS', 0, 1_000_000],
  memoryBytes: ['MPC_ROUTER_MEMORY_BYTES', 0, 2 ** 40],
  indexedMessages: ['MPC_ROUTER_MAX_INDEXED_MESSAGES', 1, 1_000_000_000],
  sessions: ['MPC_ROUTER_MAX_SESSIONS', 1, 10_000_000],
  idleMs: ['MPC_ROUTER_IDLE_MS', 10, 86_400_000],
  subscriptions: ['MPC_ROUTER_MAX_SUBSCRIPTIONS', 1, 1_000_000],
  subscriptionsPerParty: ['MPC_ROUTER_MAX_SUBSCRIPTIONS_PER_PARTY', 1, 1_000],
  pageMessages: ['MPC_ROUTER_PAGE_MESSAGES', 1, 1_000],
  maxPageMessages: ['MPC_ROUTER_MAX_PAGE_MESSAGES', 1, 1_000],
  pageBytes: ['MPC_ROUTER_MAX_PAGE_BYTES', 1, 64 * mebibyte],
  catchUpMs: ['MPC_ROUTER_CATCH_UP_MS', 10, 600_000],
  pingMs: ['MPC_ROUTER_PING_MS', 10, 600_000],
  socketBufferBytes: ['MPC_ROUTER_SOCKET_BUFFER_BYTES', 0, 64 * mebibyte],
  drainMs: ['MPC_ROUTER_DRAIN_MS', 10, 600_000],
  incomingFrameBytes: ['MPC_ROUTER_MAX_INCOMING_FRAME_BYTES', 0, mebibyte],
  incomingFrames: ['MPC_ROUTER_MAX_INCOMING_FRAMES', 1, 1_000_000],
  ticketMs: ['MPC_ROUTER_TICKET_MS', 10, 30_000],
  ticketsPerParty: ['MPC_ROUTER_MAX_TICKETS_PER_PARTY', 0, 1_000_000],
}

const schema = z.object(
  Object.fromEntries(
    Object.values(variables).map(([name, min, max]) => [name, wholeNumberVariable(min, max).optional()]),
  ),
)

/** Throws ConfigurationError naming the variable. */
export function routerLimitsFromEnv(env: NodeJS.ProcessEnv): RouterLimits {
  const set = readEnv(schema, env)
  const limits: Record<keyof RouterLimits, number> = { ...defaultRouterLimits }
  // Exactly the keys of the record above.
  for (const limit of Object.keys(variables) as (keyof RouterLimits)[]) {
    limits[limit] = set[variables[limit][0]] ?? defaultRouterLimits[limit]
  }
  return limits
}
