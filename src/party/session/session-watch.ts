/**
 * Follows a session at the coordinator for one run: what it is now, when it is over, and that its history never
 * shrinks.
 */
import { equalBytes } from '../../crypto/bytes.ts'
import { maxParties } from '../../crypto/session-id.ts'
import { SessionFailure } from '../failure.ts'
import type { SessionSnapshot } from '../transport/party-transport.ts'

type Waiter = Readonly<{
  condition: (snapshot: SessionSnapshot) => boolean
  resolve: (snapshot: SessionSnapshot) => void
}>

export class SessionWatch {
  #latest: SessionSnapshot | null = null
  readonly #waiters = new Set<Waiter>()
  /** Resolves when the coordinator has nothing more to say. */
  readonly finished: Promise<void>

  /** `broken` is told once why the run cannot go on: session over, history changed, coordinator gone. */
  constructor(snapshots: AsyncIterable<SessionSnapshot>, broken: (reason: unknown) => void) {
    this.finished = this.#follow(snapshots).catch(broken)
  }

  get latest(): SessionSnapshot | null {
    return this.#latest
  }

  /**
   * The first snapshot, present one included, that fulfils the condition. Waits for ever: race it with the run's
   * signal.
   */
  until(condition: (snapshot: SessionSnapshot) => boolean): Promise<SessionSnapshot> {
    if (this.#latest !== null && condition(this.#latest)) return Promise.resolve(this.#latest)
    return new Promise((resolve) => this.#waiters.add({ condition, resolve }))
  }

  async #follow(snapshots: AsyncIterable<SessionSnapshot>): Promise<void> {
    for await (const snapshot of snapshots) {
      this.#requireGrown(snapshot)
      this.#latest = snapshot
      for (const waiter of this.#waiters) {
        if (!waiter.condition(snapshot)) continue
        this.#waiters.delete(waiter)
        waiter.resolve(snapshot)
      }
      if (snapshot.status === 'failed' || snapshot.status === 'expired') throw overFailure(snapshot)
    }
  }

  /** Events are only added. A coordinator that lost some, or tells another story, is noticed here. */
  #requireGrown(next: SessionSnapshot): void {
    const last = this.#latest
    if (last === null) return
    const rewritten = next.version === last.version && !equalBytes(next.chainHead, last.chainHead)
    if (next.version < last.version || rewritten) {
      throw new SessionFailure('history_lost', `the session's history changed at event ${next.version}`)
    }
  }
}

/**
 * What the coordinator says of a failure is hearsay: it goes into the text for people, cut down to what reasons and ids
 * consist of, and nobody is blamed for it.
 */
function overFailure({ status, failure }: SessionSnapshot): SessionFailure {
  if (failure === null) return new SessionFailure('session_over', `the session is ${status}`)
  const { reason, reportedBy, culprits } = failure
  const by = reportedBy === '' ? '' : `, reported by ${plain(reportedBy)}`
  const accused = culprits.length === 0 ? '' : `, who blames ${culprits.slice(0, maxParties).map(plain).join(', ')}`
  return new SessionFailure('session_over', `the session ${status}: ${plain(reason)}${by}${accused}`)
}

function plain(text: string): string {
  return text.slice(0, 64).replaceAll(/[^A-Za-z0-9_-]/g, '?')
}
