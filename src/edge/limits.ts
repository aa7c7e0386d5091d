/** Every limit of a service's edge, its default, and the environment variable that sets it. */
import { z } from 'zod'
import { readEnv, wholeNumberVariable } from './environment.ts'

export type EdgeLimits = Readonly<{
  /** Largest HTTP body and largest RPC message. A router payload of 512 KiB is 700 KiB as base64. */
  maxBodyBytes: number
  /** Bytes of requests that have not arrived whole: of one port, and of it from one address. */
  arrivingBytes: number
  arrivingBytesPerAddress: number
  maxJsonDepth: number
  maxHeaderBytes: number
  /** Per port. */
  maxConnections: number
  /** Per HTTP/2 connection. */
  maxConcurrentStreams: number
  /** Streaming calls and WebSockets that one caller may have open. */
  streamsPerCaller: number
  /** Calls of one caller per second, and how many more it may make within ten seconds. */
  callsPerSecond: number
  callBurst: number
  /** Calls per second from one address, of all callers there that show no API key. */
  callsPerSecondPerAddress: number
  /** TLS handshakes per second from one address, on each port. */
  tlsHandshakesPerSecond: number
  /** Failed authentications from one address per minute. */
  authFailuresPerMinute: number
  /** Streams a client may reset at once, and per second after that, before its connection is closed. */
  streamResetBurst: number
  streamResetsPerSecond: number
  /** Time to receive one whole request. */
  requestTimeoutMs: number
  /** Time that a client may leave what it was sent unread. */
  slowClientMs: number
  /** Time that calls and streams get to end when the service stops. */
  closeGraceMs: number
  /** How many of the last entries of X-Forwarded-For were written by proxies of ours; 0: the header is not believed. */
  trustedProxies: number
}>

export const defaultLimits: EdgeLimits = {
  maxBodyBytes: 1_572_864,
  arrivingBytes: 1_073_741_824,
  arrivingBytesPerAddress: 134_217_728,
  maxJsonDepth: 32,
  maxHeaderBytes: 16_384,
  maxConnections: 10_000,
  maxConcurrentStreams: 1_000,
  streamsPerCaller: 1_000,
  callsPerSecond: 1_000,
  callBurst: 10_000,
  callsPerSecondPerAddress: 10_000,
  tlsHandshakesPerSecond: 200,
  authFailuresPerMinute: 300,
  streamResetBurst: 10_000,
  streamResetsPerSecond: 1_000,
  requestTimeoutMs: 30_000,
  slowClientMs: 30_000,
  closeGraceMs: 5_000,
  trustedProxies: 0,
}

const variables = z.object({
  MPC_MAX_BODY_BYTES: wholeNumberVariable(1_024, 67_108_864).optional(),
  MPC_MAX_ARRIVING_BYTES: wholeNumberVariable(1_024, 2 ** 39).optional(),
  MPC_MAX_ARRIVING_BYTES_PER_ADDRESS: wholeNumberVariable(1_024, 2 ** 39).optional(),
  MPC_MAX_JSON_DEPTH: wholeNumberVariable(8, 1_000).optional(),
  MPC_MAX_HEADER_BYTES: wholeNumberVariable(4_096, 1_048_576).optional(),
  MPC_MAX_CONNECTIONS: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_MAX_CONCURRENT_STREAMS: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_MAX_STREAMS_PER_CALLER: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_RATE_LIMIT: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_RATE_LIMIT_BURST: wholeNumberVariable(0, 10_000_000).optional(),
  MPC_RATE_LIMIT_PER_ADDRESS: wholeNumberVariable(1, 10_000_000).optional(),
  MPC_TLS_HANDSHAKE_LIMIT: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_AUTH_FAILURE_LIMIT: wholeNumberVariable(1, 1_000_000).optional(),
  MPC_REQUEST_TIMEOUT_MS: wholeNumberVariable(100, 3_600_000).optional(),
  MPC_SLOW_CLIENT_MS: wholeNumberVariable(100, 3_600_000).optional(),
  MPC_CLOSE_GRACE_MS: wholeNumberVariable(0, 600_000).optional(),
  MPC_TRUSTED_PROXIES: wholeNumberVariable(0, 10).optional(),
})

/** Throws ConfigurationError naming the variable. */
export function limitsFromEnv(env: NodeJS.ProcessEnv): EdgeLimits {
  const set = readEnv(variables, env)
  const defaults = defaultLimits
  return {
    ...defaults,
    maxBodyBytes: set.MPC_MAX_BODY_BYTES ?? defaults.maxBodyBytes,
    arrivingBytes: set.MPC_MAX_ARRIVING_BYTES ?? defaults.arrivingBytes,
    arrivingBytesPerAddress: set.MPC_MAX_ARRIVING_BYTES_PER_ADDRESS ?? defaults.arrivingBytesPerAddress,
    maxJsonDepth: set.MPC_MAX_JSON_DEPTH ?? defaults.maxJsonDepth,
    maxHeaderBytes: set.MPC_MAX_HEADER_BYTES ?? defaults.maxHeaderBytes,
    maxConnections: set.MPC_MAX_CONNECTIONS ?? defaults.maxConnections,
    maxConcurrentStreams: set.MPC_MAX_CONCURRENT_STREAMS ?? defaults.maxConcurrentStreams,
    streamsPerCaller: set.MPC_MAX_STREAMS_PER_CALLER ?? defaults.streamsPerCaller,
    callsPerSecond: set.MPC_RATE_LIMIT ?? defaults.callsPerSecond,
    callBurst: set.MPC_RATE_LIMIT_BURST ?? defaults.callBurst,
    callsPerSecondPerAddress: set.MPC_RATE_LIMIT_PER_ADDRESS ?? defaults.callsPerSecondPerAddress,
    tlsHandshakesPerSecond: set.MPC_TLS_HANDSHAKE_LIMIT ?? defaults.tlsHandshakesPerSecond,
    authFailuresPerMinute: set.MPC_AUTH_FAILURE_LIMIT ?? defaults.authFailuresPerMinute,
    requestTimeoutMs: set.MPC_REQUEST_TIMEOUT_MS ?? defaults.requestTimeoutMs,
    slowClientMs: set.MPC_SLOW_CLIENT_MS ?? defaults.slowClientMs,
    closeGraceMs: set.MPC_CLOSE_GRACE_MS ?? defaults.closeGraceMs,
    trustedProxies: set.MPC_TRUSTED_PROXIES ?? defaults.trustedProxies,
  }
}
