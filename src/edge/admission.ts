/**
 * Who may call how often. Calls are counted per caller: an API key by its name, a bearer of the services by its hash,
 * anybody else by address. Only an API key has been verified when the call is counted, so all others from one address
 * have a common limit as well: whoever makes up a new credential for each call gains nothing.
 */
import { createHash } from 'node:crypto'
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { readCaller, requireKnownKey, type Caller, type CallerPolicy } from './caller.ts'
import type { EdgeLimits } from './limits.ts'
import type { LimitName, Metrics } from './metrics.ts'
import { Refusal } from './refusal.ts'

export type Admission = Readonly<{
  /** The caller of a request, which is counted. Throws Refusal 'unauthorized' | 'rate_limited'. */
  admit: (headers: Headers) => Promise<Caller>
  /** Counts a call that was refused for its credential or token. */
  authenticationFailed: (address: string) => void
  /** Counts a streaming call until what it returns is called. Throws Refusal 'rate_limited'. */
  openStream: (caller: Caller) => () => void
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
    authenticationFailed: (address) => {
      metrics.authenticationFailed()
      // In open mode, on loopback, one program that errs would lock out all others.
      if (!policy.openMode) void failures.penalty(address)
    },
    openStream: (caller) => {
      const key = limitKeyOf(caller)
      const open = streams.get(key) ?? 0
      if (open >= limits.streamsPerCaller) {
        throw refuse('streams', `no more than ${limits.streamsPerCaller} streams at once`, streamRetrySeconds)
      }
      streams.set(key, open + 1)
      return () => {
        const left = (streams.get(key) ?? 1) - 1
        if (left > 0) streams.set(key, left)
        else streams.delete(key)
      }
    },
  }
}

function limitKeyOf({ apiKey, bearer, address }: Caller): string {
  if (apiKey !== null) return `key:${apiKey.name}`
  return bearer === null ? `address:${address}` : `bearer:${createHash('sha256').update(bearer).digest('base64url')}`
}

function secondsOf({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1_000))
}
