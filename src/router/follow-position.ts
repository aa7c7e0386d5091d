/** How far a follower has come: overall, and in the sessions it came by last. Others wait here for a position. */
import { LogUnavailable } from '../events/event-log.ts'

type Waiter = Readonly<{ sequence: number; resolve: () => void; reject: (error: Error) => void }>

/** Sessions whose newest position is remembered. */
const maxSessions = 10_000

export class FollowPosition {
  readonly #maxWaitMs: number
  readonly #waiters = new Set<Waiter>()
  /** Newest position by session, the least recent first. */
  readonly #sessions = new Map<string, number>()
  #current = 0

  constructor(maxWaitMs: number) {
    this.#maxWaitMs = maxWaitMs
  }

  get current(): number {
    return this.#current
  }

  /** Newest position delivered for a session; 0 when there was none lately. */
  ofSession(sessionId: string): number {
    return this.#sessions.get(sessionId) ?? 0
  }

  /** `sessionId` is null where the event belongs to no session. */
  advance(sequence: number, sessionId: string | null): void {
    this.#current = sequence
    if (sessionId !== null) this.#remember(sessionId, sequence)
    for (const waiter of [...this.#waiters]) if (waiter.sequence <= sequence) waiter.resolve()
  }

  /** Resolves at `sequence`. Throws LogUnavailable when that takes too long. */
  async reaches(sequence: number): Promise<void> {
    if (this.#current >= sequence) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { sequence, resolve, reject }
    const late = new LogUnavailable('event log: the follower did not catch up in time')
    const timer = setTimeout(() => reject(late), this.#maxWaitMs)
    this.#waiters.add(waiter)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#waiters.delete(waiter)
    }
  }

  /** Nothing more will come: whoever waits is told. */
  close(): void {
    for (const waiter of this.#waiters) waiter.reject(new LogUnavailable('event log: closed'))
  }

  #remember(sessionId: string, sequence: number): void {
    this.#sessions.delete(sessionId)
    this.#sessions.set(sessionId, sequence)
    if (this.#sessions.size <= maxSessions) return
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest)
      return
    }
  }
}
