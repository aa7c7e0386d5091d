/** How often, and with what pauses, something is tried again that lost a race. */
import { setTimeout as delay } from 'node:timers/promises'

export type RetryPolicy = Readonly<{ attempts: number; firstPauseMs: number; longestPauseMs: number }>

/**
 * For conflicts between processes on one session. Within a process commands on a session wait for each other, so the
 * competitors are the other coordinators, not the callers.
 */
export const conflictRetry: RetryPolicy = { attempts: 20, firstPauseMs: 2, longestPauseMs: 100 }

/** Waits before attempt number `attempt` (the second is 2): exponential, at a random point of the full range. */
export async function pauseBefore(policy: RetryPolicy, attempt: number): Promise<void> {
  const range = Math.min(policy.firstPauseMs * 2 ** (attempt - 1), policy.longestPauseMs)
  await delay(Math.random() * range)
}
