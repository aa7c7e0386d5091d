/**
 * Time-outs that come soon after the lie, and never before it, however slow the machine is: a party waits as long as it
 * must until the lie is told, and a moment from then on.
 */
import { orAborted } from '../../src/party/abort.ts'
import { systemClock, type Clock } from '../../src/party/clock.ts'
import type { Lie } from './lie.ts'

/** Of every round; no other wait of a party is as long as this. */
export const roundTimeoutMs = 171_234
/** A session's own time and the difference of clocks that is allowed for are longer than this. */
const sessionMs = 200_000

const momentMs = 400

export function hurriedClock({ end, laterMs = 0 }: Pick<Lie, 'end' | 'laterMs'>, told: Promise<void>): Clock {
  let aheadMs = 0
  void told.then(() => (aheadMs = laterMs))
  const hurriesRounds = end.includes('round_timed_out')
  const hurriesSession = end.includes('session_timed_out')
  return {
    nowMs: () => systemClock.nowMs() + aheadMs,
    sleep: async (delayMs, signal) => {
      const isHurried = (hurriesRounds && delayMs === roundTimeoutMs) || (hurriesSession && delayMs > sessionMs)
      if (!isHurried) return systemClock.sleep(delayMs, signal)
      await orAborted(told, signal)
      return systemClock.sleep(momentMs, signal)
    },
  }
}
