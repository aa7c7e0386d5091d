/** A bounded queue between a producer that never waits and one reader that does. */
export type Mailbox<T> = Readonly<{
  put(letter: T): void
  /** The oldest letter, waited for; null when the mailbox or `signal` has ended. One call at a time. */
  take(signal: AbortSignal): Promise<T | null>
  end(): void
}>

/** A full mailbox either ends, or takes in what comes as one with what it holds. `ended` is called once. */
export function createMailbox<T>(capacity: number, whenFull: 'end' | 'merge', ended: () => void): Mailbox<T> {
  const letters: T[] = []
  let open = true
  let wake = (): void => undefined
  const end = (): void => {
    if (!open) return
    open = false
    ended()
    wake()
  }
  return {
    end,
    put: (letter) => {
      if (!open) return
      if (letters.length < capacity) letters.push(letter)
      else if (whenFull === 'end') end()
      wake()
    },
    take: async (signal) => {
      if (letters.length === 0 && open && !signal.aborted) {
        const aborted = (): void => wake()
        signal.addEventListener('abort', aborted, { once: true })
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        signal.removeEventListener('abort', aborted)
      }
      if (!open || signal.aborted) return null
      return letters.shift() ?? null
    },
  }
}
