/**
 * What a spectator sees of a run: the bodies of its broadcasts, as their senders signed them. Messages between two
 * parties are sealed. A transcript may stop anywhere: what it lacks is not judged.
 */
import { equalBytes } from './bytes.ts'
import { decodeMessage, MalformedMessage, type Message, type Schema } from './codec.ts'
import { broadcastView } from './inbound.ts'
import type { AbortReason } from './protocol.ts'

/** Round (from 1) to party (from 0) to body. */
export type Broadcasts = ReadonlyMap<number, ReadonlyMap<number, Uint8Array>>

/** A broadcast that no party of the run could have accepted. */
export type Fault = Readonly<{ round: number; party: number; reason: AbortReason }>

/** Decodes and checks a run's broadcasts, and collects what is wrong with them. */
export class TranscriptReader {
  readonly faults: Fault[] = []
  readonly #broadcasts: Broadcasts
  readonly #parties: number
  readonly #session: Uint8Array

  constructor(broadcasts: Broadcasts, parties: number, session: Uint8Array) {
    this.#broadcasts = broadcasts
    this.#parties = parties
    this.#session = session
  }

  blame(round: number, parties: readonly number[], reason: AbortReason): void {
    for (const party of parties) this.faults.push({ round, party, reason })
  }

  /** The round's well-formed messages of this session. */
  messages<const S extends Schema>(round: number, schema: S): ReadonlyMap<number, Message<S>> {
    const messages = new Map<number, Message<S>>()
    for (const [party, body] of this.#broadcasts.get(round) ?? []) {
      try {
        const message = decodeMessage(schema, body)
        // Every schema starts with the session field; the generic type cannot say so.
        const { session } = message as unknown as Readonly<{ session: Uint8Array }>
        if (equalBytes(session, this.#session)) messages.set(party, message)
        else this.blame(round, [party], 'session-mismatch')
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error
        this.blame(round, [party], 'malformed-message')
      }
    }
    return messages
  }

  /** Whether every party has sent a message of this round that is among `messages`. */
  isComplete(messages: ReadonlyMap<number, unknown>): boolean {
    return messages.size === this.#parties
  }

  /** Blames the senders of round `round` whose echo is not the hash of the broadcasts of the round before. */
  checkViews(round: number, messages: ReadonlyMap<number, Readonly<{ view: Uint8Array }>>): void {
    const echoed = this.#broadcasts.get(round - 1) ?? new Map<number, Uint8Array>()
    const own = echoed.get(0)
    if (echoed.size < this.#parties || own === undefined) return
    const others = [...echoed].filter(([from]) => from !== 0).map(([from, broadcast]) => ({ from, broadcast }))
    const view = broadcastView(this.#session, round - 1, others, { from: 0, body: own })
    this.checkEqual(round, messages, (message) => message.view, view, 'view-mismatch')
  }

  /** Blames whoever states another value than `expected`. */
  checkEqual<M>(
    round: number,
    messages: ReadonlyMap<number, M>,
    valueOf: (message: M) => Uint8Array,
    expected: Uint8Array,
    reason: AbortReason,
  ): void {
    const different = [...messages].filter(([, message]) => !equalBytes(valueOf(message), expected))
    this.blame(
      round,
      different.map(([party]) => party),
      reason,
    )
  }
}

/**
 * Which of two sessions a run had, that of the present version or that of the former: the former where round 1 has
 * messages of it and none of the present one. Who sends one of another version is not to decide what those are measured
 * by that did not.
 */
export function sessionOf(broadcasts: Broadcasts, present: Uint8Array, former: Uint8Array): Uint8Array {
  const bodies = [...(broadcasts.get(1)?.values() ?? [])]
  const occurs = (session: Uint8Array) => bodies.some((body) => equalBytes(body.subarray(0, session.length), session))
  return occurs(former) && !occurs(present) ? former : present
}
