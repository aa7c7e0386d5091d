/**
 * Who may call how often. Calls are counted per caller: an API key by its name, a bearer of the services by its hash,
 * anybody else by address. Only an API key has been verified when the call is counted, so all others from one address
 * have a common limit as well: whoever makes up a new credential for each call gains nothing.
 */
import { createHash } from 'node:crypto'
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { apiKeyPrefix } from './api-keys/api-key.ts'
import { readCaller, requireKnownKey, type Caller, type CallerPolicy } from './caller.ts'
import type { EdgeLimits } from './limits.ts'
import type { CredentialKind, LimitName, Metrics } from './metrics.ts'
import { Refusal } from './refusal.ts'

export type Admission = Readonly<{
  /** The caller of a request, which is counted. Throws Refusal 'unauthorized' | 'rate_limited'. */
  admit: (headers: Headers) => Promise<Caller>
  /** Counts a call that was refused for its credential or token. */
  authenticationFailed: (from: Readonly<{ address: string; bearer: string | null }>) => void
  /**
   * Counts a streaming call until what it returns is called. `end` is called when the stream's API key is no longer
   * what it was let in with. Throws Refusal 'rate_limited'.
   */
  openStream: (caller: Caller, end: (reason: Refusal) => void) => () => void
  /** Ends the streams of API keys that are valid no longer, or have lost a scope. */
  recheckStreams: () => void
}>

const burstSeconds = 10
const failureSeconds = 60
/** Nobody can say when a stream of the caller will end. */
const streamRetrySeconds = 5

export function createAdmission(policy: CallerPolicy, limits: EdgeLimits, metrics: Metrics): Admission {
  const calls = new BurstyRateLimiter(
    new RateLimiterMemory({ points: limits.callsPerSecond, duration: 1 }),
    new RateLimiterMemory({ keyPrefix: 'burst', points: limits.callBurst, duration: burstSeconds }),
  )
  const addresses = new RateLimiterMemory({ points: limits.callsPerSecondPerAddress, duration: 1 })
  const failures = new RateLimiterMemory({ points: limits.authFailuresPerMinute, duration: failureSeconds })
  const streams = new Map<string, number>()
  const keyStreams = new Set<Readonly<{ caller: Caller; end: (reason: Refusal) => void }>>()

  const refuse = (limit: LimitName, message: string, seconds: number): Refusal => {
    metrics.limited(limit)
    return new Refusal('rate_limited', message, {}, seconds)
  }
  const count = async (limiter: RateLimiterMemory | BurstyRateLimiter, key: string, limit: LimitName) => {
    try {
      await limiter.consume(key)
    } catch (rejected) {
      if (!(rejected instanceof RateLimiterRes)) throw rejected
      throw refuse(limit, 'too many calls; slow down', secondsOf(rejected))
    }
  }
  /** Null unless too many authentications from there have failed. */
  const lockOf = async (address: string): Promise<RateLimiterRes | null> => {
    const failed = await failures.get(address)
    return failed !== null && failed.remainingPoints <= 0 ? failed : null
  }

  return {
    admit: async (headers) => {
      const caller = readCaller(headers, policy)
      if (caller.apiKey === null) {
        const lock = await lockOf(caller.address)
        if (lock !== null)
          throw refuse('auth_failures', 'too many failed authentications from this address', secondsOf(lock))
        await count(addresses, caller.address, 'address')
        requireKnownKey(caller)
      }
      await count(calls, limitKeyOf(caller), 'caller')
      return caller
    },
    authenticationFailed: ({ address, bearer }) => {
      metrics.authenticationFailed(kindOf(bearer))
      // In open mode, on loopback, one program that errs would lock out all others.
      if (!policy.openMode) void failures.penalty(address)
    },
    openStream: (caller, end) => {
      const key = limitKeyOf(caller)
      const open = streams.get(key) ?? 0
      if (open >= limits.streamsPerCaller) {
        throw refuse('streams', `no more than ${limits.streamsPerCaller} streams at once`, streamRetrySeconds)
      }
      streams.set(key, open + 1)
      const keyStream = { caller, end }
      if (caller.apiKey !== null) keyStreams.add(keyStream)
      return () => {
        keyStreams.delete(keyStream)
        const left = (streams.get(key) ?? 1) - 1
        if (left > 0) streams.set(key, left)
        else streams.delete(key)
      }
    },
    recheckStreams: () => {
      const isAsBefore = rechecking(policy)
      for (const { caller, end } of [...keyStreams]) if (!isAsBefore(caller)) end(endedKey())
    },
  }
}

/** Whether a caller's API key opens all that it opened before. Each key is looked up once. */
function rechecking({ apiKeys }: CallerPolicy): (caller: Caller) => boolean {
  const found = new Map<string, ReturnType<CallerPolicy['apiKeys']['find']>>()
  return ({ bearer, apiKey }) => {
    if (bearer === null || apiKey === null) return true
    const known = found.get(bearer)
    const now = known === undefined ? apiKeys.find(bearer) : known
    found.set(bearer, now)
    return now !== null && apiKey.scopes.every((scope) => now.scopes.includes(scope))
  }
}

function endedKey(): Refusal {
  return new Refusal('unauthorized', 'the API key is no longer valid', { Authorization: 'is no longer valid' })
}

function kindOf(bearer: string | null): CredentialKind {
  if (bearer === null) return 'none'
  if (bearer.startsWith(apiKeyPrefix)) return 'api_key'
  return bearer.startsWith('mpc_party_') ? 'party_credential' : 'other'
}

function limitKeyOf({ apiKey, bearer, address }: Caller): string {
  if (apiKey !== null) return `key:${apiKey.name}`
  return bearer === null ? `address:${address}` : `bearer:${createHash('sha256').update(bearer).digest('base64url')}`
}

function secondsOf({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1_000))
}
