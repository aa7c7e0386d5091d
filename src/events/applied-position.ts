/** How far something has got, and who waits for it to get further. */
export type AppliedPosition = Readonly<{
  value(): number
  /** Never goes back. */
  moveTo(sequence: number): void
  /** Goes back, where what was applied is gone. */
  restartAt(sequence: number): void
  /** True once `value()` has reached `sequence`; false when that takes longer. */
  reached(sequence: number, timeoutMs: number): Promise<boolean>
  /** Whether anybody waits now. */
  awaited(): boolean
}>

export function createAppliedPosition(start: number, onWait: () => void): AppliedPosition {
  let value = start
  const waiters = new Set<Readonly<{ sequence: number; wake: () => void }>>()
  return {
    value: () => value,
    awaited: () => waiters.size > 0,
    moveTo: (sequence) => {
      value = Math.max(value, sequence)
      for (const waiter of [...waiters]) if (waiter.sequence <= value) waiter.wake()
    },
    restartAt: (sequence) => {
      value = sequence
    },
    reached: (sequence, timeoutMs) => {
      if (value >= sequence) return Promise.resolve(true)
      return new Promise((resolve) => {
        const settle = (outcome: boolean): void => {
          clearTimeout(timer)
          waiters.delete(waiter)
          resolve(outcome)
        }
        const waiter = { sequence, wake: () => settle(true) }
        const timer = setTimeout(() => settle(false), timeoutMs)
        waiters.add(waiter)
        onWait()
      })
    },
  }
}
