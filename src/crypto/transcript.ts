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
  /** What the run is measured by: that of the former version where nobody began with another. */
  readonly session: Uint8Array
  readonly #broadcasts: Broadcasts
  readonly #parties: number
  /** The other session where both were begun with. Who is of which version is then nobody's fault. */
  readonly #unjudged: Uint8Array | null

  /** `present` and `former`: the run's session, for parties of the protocol's present version and of the former. */
  constructor(broadcasts: Broadcasts, parties: number, present: Uint8Array, former = present) {
    const bodies = [...(broadcasts.get(1)?.values() ?? [])]
    const occurs = (session: Uint8Array) => bodies.some((body) => isOfSession(body, session))
    this.session = occurs(former) && !occurs(present) ? former : present
    this.#unjudged = occurs(present) && occurs(former) ? former : null
    this.#broadcasts = broadcasts
    this.#parties = parties
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
        if (isOfSession(body, this.session)) messages.set(party, message)
        else if (this.#unjudged === null || !isOfSession(body, this.#unjudged)) {
          this.blame(round, [party], 'session-mismatch')
        }
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
    const view = broadcastView(this.session, round - 1, others, { from: 0, body: own })
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

/** Every schema starts with the session. */
function isOfSession(body: Uint8Array, session: Uint8Array): boolean {
  return equalBytes(body.subarray(0, session.length), session)
}
