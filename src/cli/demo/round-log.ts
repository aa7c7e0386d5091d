/** Who sent how much to whom in each round, collected from what the parties of this process saw. */
import type { ProgressEvent } from '../../party/progress.ts'

/** `to` is a party or, for a broadcast of a party of ours, "all". */
export type Sent = Readonly<{ to: string; bytes: number }>
export type RoundLine = Readonly<{ round: number; from: string; sent: readonly Sent[] }>

export class RoundLog {
  readonly #lines = new Map<string, { round: number; from: string; sent: Sent[] }>()
  readonly #locals: ReadonlySet<string>

  /** `locals`: the parties whose events will be observed. */
  constructor(locals: readonly string[]) {
    this.#locals = new Set(locals)
  }

  readonly observe = (event: ProgressEvent): void => {
    if (event.type !== 'round') return
    if (event.phase === 'sent') {
      for (const { to, bytes } of event.sent) this.#add(event.round, event.partyId, { to, bytes })
      return
    }
    // What parties of ours received from each other is known from its sender already.
    for (const { from, bytes } of event.received) {
      if (!this.#locals.has(from)) this.#add(event.round, from, { to: event.partyId, bytes })
    }
  }

  /** One line per round and sender. Of a party elsewhere only what reached the parties here is known. */
  lines(): readonly RoundLine[] {
    return [...this.#lines.values()].sort((a, b) => a.round - b.round || (a.from < b.from ? -1 : 1))
  }

  #add(round: number, from: string, sent: Sent): void {
    const key = `${round} ${from}`
    const line = this.#lines.get(key) ?? { round, from, sent: [] }
    line.sent.push(sent)
    this.#lines.set(key, line)
  }
}
