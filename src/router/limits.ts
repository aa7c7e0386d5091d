/** Every limit of the router, its default, and the environment variable that sets it. */
import { z } from 'zod'
import { readEnv, wholeNumberVariable } from '../edge/config.ts'

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
  /** One answer to GetPendingMessages. */
  pageMessages: number
  pageBytes: number
  /** Longest wait for what was stored to come back from the log. */
  catchUpMs: number
  /** WebSocket: time between pings; a peer that leaves one unanswered until the next is gone. */
  pingMs: number
  /** WebSocket: bytes that wait for a slow peer before sending pauses. */
  socketBufferBytes: number
  /** WebSocket: longest frame a client may send. */
  incomingFrameBytes: number
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
  pageBytes: 3 * mebibyte,
  catchUpMs: 10_000,
  pingMs: 20_000,
  socketBufferBytes: mebibyte,
  incomingFrameBytes: 4_096,
}

const variables = z.object({
  MPC_ROUTER_MAX_SESSION_BYTES: wholeNumberVariable(1, 2 ** 40).optional(),
  MPC_ROUTER_MAX_SESSION_MESSAGES: wholeNumberVariable(1, 10_000_000).optional(),
  MPC_ROUTER_MAX_PAYLOAD_BYTES: wholeNumberVariable(1, defaultRouterLimits.payloadBytes).optional(),
  MPC_ROUTER_MEMORY_BYTES: wholeNumberVariable(0, 2 ** 40).optional(),
  MPC_ROUTER_MAX_SUBSCRIPTIONS: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_ROUTER_MAX_SUBSCRIPTIONS_PER_PARTY: wholeNumberVariable(1, 1_000).optional(),
})

/** Throws ConfigurationError naming the variable. A payload can be no longer than the contract allows (524288). */
export function routerLimitsFromEnv(env: NodeJS.ProcessEnv): RouterLimits {
  const set = readEnv(variables, env)
  const defaults = defaultRouterLimits
  return {
    ...defaults,
    sessionBytes: set.MPC_ROUTER_MAX_SESSION_BYTES ?? defaults.sessionBytes,
    sessionMessages: set.MPC_ROUTER_MAX_SESSION_MESSAGES ?? defaults.sessionMessages,
    payloadBytes: set.MPC_ROUTER_MAX_PAYLOAD_BYTES ?? defaults.payloadBytes,
    memoryBytes: set.MPC_ROUTER_MEMORY_BYTES ?? defaults.memoryBytes,
    subscriptions: set.MPC_ROUTER_MAX_SUBSCRIPTIONS ?? defaults.subscriptions,
    subscriptionsPerParty: set.MPC_ROUTER_MAX_SUBSCRIPTIONS_PER_PARTY ?? defaults.subscriptionsPerParty,
  }
}
