/** The sessions that a party is in at this moment, so that a ban reaches all of them at once. */
import { SessionFailure } from '../failure.ts'

type Running = { keyId: string | null; peers: readonly string[]; readonly abort: (reason: SessionFailure) => void }

export class RunningSessions {
  readonly #bySession = new Map<string, Running>()

  get size(): number {
    return this.#bySession.size
  }

  has(sessionId: string): boolean {
    return this.#bySession.has(sessionId)
  }

  /** Call the returned function when the run is over. @throws SessionFailure 'already_running' */
  enter(sessionId: string, abort: (reason: SessionFailure) => void): () => void {
    if (this.#bySession.has(sessionId))
      throw new SessionFailure('already_running', 'this party is in that session already')
    this.#bySession.set(sessionId, { keyId: null, peers: [], abort })
    return () => this.#bySession.delete(sessionId)
  }

  /** From here on a ban of one of these peers for this key ends the run. Comes before bans are looked up. */
  usesKey(sessionId: string, keyId: string, peers: readonly string[]): void {
    const running = this.#bySession.get(sessionId)
    if (running === undefined) return
    running.keyId = keyId
    running.peers = peers
  }

  /** Ends every other run that uses the key together with one of these peers. */
  abortWith(keyId: string, peers: readonly string[], exceptSession: string): void {
    for (const [sessionId, running] of this.#bySession) {
      const shared = running.peers.filter((peer) => peers.includes(peer))
      if (sessionId === exceptSession || running.keyId !== keyId || shared.length === 0) continue
      running.abort(
        new SessionFailure('peer_banned', `banned in another session of this key: ${shared.join(', ')}`, shared),
      )
    }
  }
}
