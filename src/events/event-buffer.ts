/**
 * Events between a follower that delivers them and a worker that takes them in batches. A full buffer holds the
 * follower up.
 */
import type { StoredEvent } from './event-log.ts'

export type EventBuffer = Readonly<{
  /** Resolves when there is room for the next one. */
  add(event: StoredEvent): Promise<void>
  /** The oldest events; they stay until dropped. */
  first(count: number): readonly StoredEvent[]
  drop(count: number): void
  /** Drops all of them, and lets a held-up `add` go. */
  clear(): void
  /** Until the first event is there, somebody calls `wake`, or, where given, the time is over. */
  wait(timeoutMs?: number): Promise<void>
  /** Ends the present `wait`, and lets a held-up `add` go. */
  wake(): void
}>

export function createEventBuffer(capacity: number): EventBuffer {
  let events: StoredEvent[] = []
  let release = (): void => undefined
  let proceed = (): void => undefined
  return {
    add: (event) => {
      events.push(event)
      if (events.length === 1) proceed()
      if (events.length < capacity) return Promise.resolve()
      return new Promise((resolve) => {
        release = resolve
      })
    },
    first: (count) => events.slice(0, count),
    drop: (count) => {
      events = events.slice(count)
      release()
    },
    clear: () => {
      events = []
      release()
    },
    wait: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs)
        proceed = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
    wake: () => {
      proceed()
      release()
    },
  }
}
