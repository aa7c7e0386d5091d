/** A waiting loop's alarm: rung any number of times before the loop looks, it wakes the loop once. */
export type Bell = Readonly<{
  ring: () => void
  /** Resolves at the first ring since the last call. One waiter at a time. */
  rung: () => Promise<void>
}>

export function createBell(): Bell {
  let isRung = false
  let wake: (() => void) | null = null
  return {
    ring: () => {
      isRung = true
      wake?.()
      wake = null
    },
    rung: async () => {
      if (!isRung) await new Promise<void>((resolve) => (wake = resolve))
      isRung = false
    },
  }
}
