/**
 * An event log in memory whose timing the test decides: when followers get the next event, and when a reading of
 * messages gets its next one. A reading ends where the log ended when it began, as with the real log.
 */
import {
  LogUnavailable,
  type AppendOptions,
  type Appended,
  type EventLog,
  type Follower,
  type StoredEvent,
  type StreamName,
} from '../../../src/events/event-log.ts'
import { streamOf } from '../../../src/events/subjects.ts'

type Following = { filter: string; next: number; handle: (event: StoredEvent) => Promise<void> | void }

export class ScriptedLog implements EventLog {
  /** Appending fails while it is set. */
  failing = false
  readonly #stored: Record<StreamName, StoredEvent[]> = { SESSIONS: [], MESSAGES: [], CHECKPOINTS: [] }
  readonly #ids = new Map<string, number>()
  readonly #followings = new Set<Following>()
  readonly #gates: (() => void)[] = []

  stored(stream: StreamName): readonly StoredEvent[] {
    return this.#stored[stream]
  }

  /** Stores without waiting. */
  put(subject: string, data: Uint8Array, messageId: string): Appended {
    const stream = streamOf(subject)
    const known = this.#ids.get(messageId)
    if (known !== undefined) return { sequence: known, duplicate: true }
    const sequence = this.#stored[stream].length + 1
    this.#ids.set(messageId, sequence)
    this.#stored[stream].push({ stream, sequence, subject, data })
    return { sequence, duplicate: false }
  }

  /** Hands every follower of a stream, or only the one of this number, its next event. True when there was one. */
  async deliver(stream: StreamName, which: number | null = null): Promise<boolean> {
    let delivered = false
    const followings = [...this.#followings].filter(({ filter }) => streamOf(filter) === stream)
    for (const [index, following] of followings.entries()) {
      if (which !== null && index !== which) continue
      const event = this.#stored[stream][following.next]
      if (event === undefined) continue
      following.next += 1
      delivered = true
      await following.handle(event)
    }
    return delivered
  }

  /** Lets one waiting reading go on. */
  async letRead(which: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    const [gate] = this.#gates.splice(which % Math.max(1, this.#gates.length), 1)
    gate?.()
    await new Promise((resolve) => setImmediate(resolve))
  }

  async append(subject: string, data: Uint8Array, options: AppendOptions): Promise<Appended> {
    if (this.failing) throw new LogUnavailable('event log: away')
    return this.put(subject, data, options.messageId)
  }

  async *read(filter: string, afterSequence = 0): AsyncGenerator<StoredEvent> {
    const stream = streamOf(filter)
    if (stream === 'MESSAGES') await this.#gate()
    const prefix = filter.replace(/>$/, '')
    const events = this.#stored[stream].filter(({ subject, sequence }) => {
      return sequence > afterSequence && (prefix === filter ? subject === filter : subject.startsWith(prefix))
    })
    for (const event of events) {
      yield event
      if (stream === 'MESSAGES') await this.#gate()
    }
  }

  async last(subject: string): Promise<StoredEvent | null> {
    return this.#stored[streamOf(subject)].findLast((event) => event.subject === subject) ?? null
  }

  async at(stream: StreamName, sequence: number): Promise<StoredEvent | null> {
    return this.#stored[stream][sequence - 1] ?? null
  }

  async trimmed(): Promise<null> {
    return null
  }

  async lastSequence(stream: StreamName): Promise<number> {
    return this.#stored[stream].length
  }

  async follow(filter: string, afterSequence: number, handle: Following['handle']): Promise<Follower> {
    const following = { filter, next: afterSequence, handle }
    this.#followings.add(following)
    return {
      close: async () => {
        this.#followings.delete(following)
      },
    }
  }

  async healthy(): Promise<boolean> {
    return true
  }

  async close(): Promise<void> {
    this.#followings.clear()
  }

  #gate(): Promise<void> {
    return new Promise((resolve) => this.#gates.push(resolve))
  }
}
