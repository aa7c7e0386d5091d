/**
 * Messages of one run as they arrive: early, late, twice, in any order. Each (round, sender, channel) is one slot,
 * filled once. A peer can be at most one round ahead of us, because its next round needs our message; so what is kept
 * is bounded by two rounds, and everything further is nobody's honest message.
 */
import type { Expectation, Inbound } from '../../crypto/protocol.ts'
import type { ReceivedFrom } from '../progress.ts'

export type Arrival = Readonly<{
  round: number
  /** Position in the roster. */
  from: number
  channel: 'broadcast' | 'direct'
  body: Uint8Array
  /** What the sender signed, hashed. */
  digest: string
  /** The payload it came in: its length, and its SHA-256. */
  bytes: number
  payloadHash: Uint8Array
}>

/** A message that a round was computed with. */
export type Consumed = Pick<Arrival, 'round' | 'from' | 'channel' | 'payloadHash'>

/** `conflict`: another message already holds the slot. */
export type Verdict = 'kept' | 'repeated' | 'conflict' | 'late' | 'too-early'

const roundsAhead = 1

type Slot = Readonly<{ digest: string; arrival: Arrival | null }>

export class Inbox {
  readonly #others: readonly number[]
  readonly #slots = new Map<string, Slot>()
  readonly #consumed: Consumed[] = []
  #expected: Expectation = { round: 1, broadcast: false, direct: false }
  #wake: () => void = () => {}

  /** `others`: positions of all other parties. */
  constructor(others: readonly number[]) {
    this.#others = others
  }

  /** Whether a message of this round could still be of use; asked before it costs a signature check. */
  isTooEarly(round: number): boolean {
    return round > this.#expected.round + roundsAhead
  }

  accept(arrival: Arrival): Verdict {
    const key = slotKey(arrival)
    const held = this.#slots.get(key)
    if (held !== undefined) return held.digest === arrival.digest ? 'repeated' : 'conflict'
    if (arrival.round < this.#expected.round) return 'late'
    if (this.isTooEarly(arrival.round)) return 'too-early'
    this.#slots.set(key, { digest: arrival.digest, arrival })
    this.#wake()
    return 'kept'
  }

  /** Waits until every other party's messages of a round are here, and takes them out. Rounds only go up. */
  async collect(
    expected: Expectation,
  ): Promise<Readonly<{ inbound: readonly Inbound[]; received: readonly ReceivedFromPosition[] }>> {
    this.#expected = expected
    while (this.missing().length > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const taken = this.#others.map((from) => this.#take(expected, from))
    return { inbound: taken.map(({ inbound }) => inbound), received: taken.map(({ received }) => received) }
  }

  /** What all rounds so far were computed with. */
  consumed(): readonly Consumed[] {
    return this.#consumed
  }

  /** Positions whose messages of the awaited round are not complete. */
  missing(): readonly number[] {
    const { round } = this.#expected
    return this.#others.filter((from) =>
      channelsOf(this.#expected).some((channel) => !this.#slots.has(slotKey({ round, from, channel }))),
    )
  }

  /** The digest stays, so that a second, different message is still noticed; the body goes. */
  #take(expected: Expectation, from: number): Readonly<{ inbound: Inbound; received: ReceivedFromPosition }> {
    const { round } = expected
    const bodies: { broadcast?: Uint8Array; direct?: Uint8Array } = {}
    let bytes = 0
    for (const channel of ['broadcast', 'direct'] as const) {
      const key = slotKey({ round, from, channel })
      const slot = this.#slots.get(key)
      if (slot === undefined || slot.arrival === null) continue
      this.#slots.set(key, { digest: slot.digest, arrival: null })
      if (!expected[channel]) continue // signed and sealed, but no part of this round
      bodies[channel] = slot.arrival.body
      bytes += slot.arrival.bytes
      this.#consumed.push({ round, from, channel, payloadHash: slot.arrival.payloadHash })
    }
    return { inbound: { from, ...bodies }, received: { from, bytes } }
  }
}

export type ReceivedFromPosition = Readonly<{ from: number } & Omit<ReceivedFrom, 'from'>>

function channelsOf({ broadcast, direct }: Expectation): readonly ('broadcast' | 'direct')[] {
  return [...(broadcast ? (['broadcast'] as const) : []), ...(direct ? (['direct'] as const) : [])]
}

function slotKey({ round, from, channel }: Pick<Arrival, 'round' | 'from' | 'channel'>): string {
  return `${round}.${from}.${channel}`
}
