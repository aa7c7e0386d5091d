/** Messages that were dropped, counted by reason. Anyone can cause them, so they never end a session. */
import type { RejectionReason } from '../envelope.ts'
import type { PartyLog } from '../party-log.ts'

export type DropReason = RejectionReason | 'too-early' | 'equivocation'

export type Drop = Readonly<{ sessionId: string; from: string; round: number; reason: DropReason }>

export class Rejections {
  readonly #log: PartyLog
  readonly #counts = new Map<DropReason, number>()

  constructor(log: PartyLog) {
    this.#log = log
  }

  counts(): ReadonlyMap<DropReason, number> {
    return this.#counts
  }

  /** Records the drops of one session, of which only the first `logged` are written one by one. */
  ofSession(logged: number): (drop: Drop) => void {
    let left = logged
    return (drop) => {
      this.#counts.set(drop.reason, (this.#counts.get(drop.reason) ?? 0) + 1)
      if (left <= 0) return
      left -= 1
      this.#log.warn(drop, 'message dropped')
    }
  }
}
