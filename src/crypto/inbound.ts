/** Opening a round's messages: everything that is checked before any of their content is used. */
import { equalBytes } from './bytes.ts'
import { bytes, decodeMessage, MalformedMessage, type Message, type Schema } from './codec.ts'
import { abort } from './execution.ts'
import { H, hashLength } from './hash.ts'
import type { Abort, Inbound } from './protocol.ts'
import { tag } from './tags.ts'

/** First field of every message: the session its sender believes to be in. */
export const session = bytes('session', hashLength)

type InSession = Readonly<{ session: Uint8Array }>
export type Opened<S extends Schema> = Readonly<{ kind: 'opened'; messages: ReadonlyMap<number, Message<S>> }>

/**
 * Decodes one channel's messages of a round and compares sessions. A body that does not decode is its sender's doing;
 * a different session may as well be ours, so nobody is named.
 */
export function open<const S extends Schema>(
  inbound: readonly Inbound[],
  channel: 'broadcast' | 'direct',
  schema: S,
  expectedSession: Uint8Array,
): Opened<S> | Abort {
  const messages = new Map<number, Message<S>>()
  const malformed: number[] = []
  for (const { from, [channel]: body } of inbound) {
    try {
      messages.set(from, decodeMessage(schema, body ?? new Uint8Array(0)))
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error
      malformed.push(from)
    }
  }
  if (malformed.length > 0) return abort('malformed-message', malformed)
  for (const message of messages.values()) {
    // Every schema here starts with the session field; the generic type cannot say so.
    if (!equalBytes((message as unknown as InSession).session, expectedSession)) return abort('session-mismatch', [])
  }
  return { kind: 'opened', messages }
}

/** The echo of a round's broadcasts: one hash over all of them, own included, by sender. */
export function broadcastView(
  expectedSession: Uint8Array,
  round: number,
  inbound: readonly Inbound[],
  own: Readonly<{ from: number; body: Uint8Array }>,
): Uint8Array {
  const bodies = inbound.map(({ from, broadcast }) => ({ from, body: broadcast ?? new Uint8Array(0) }))
  const ordered = [...bodies, own].sort((a, b) => a.from - b.from)
  return H(tag.broadcastView, expectedSession, round, ...ordered.flatMap(({ from, body }) => [from, body]))
}

/** Whether every peer saw the broadcasts we saw. Whoever differs may be right: nobody can be named. */
export function sameView(messages: Iterable<Readonly<{ view: Uint8Array }>>, own: Uint8Array): boolean {
  return [...messages].every(({ view }) => equalBytes(view, own))
}

/** The senders among `messages` for which `holds` is false. */
export function offenders<M>(messages: ReadonlyMap<number, M>, holds: (message: M, from: number) => boolean): number[] {
  return [...messages].filter(([from, message]) => !holds(message, from)).map(([from]) => from)
}

/** The message of `from`, which must be there: the driver delivered a complete round. */
export function messageOf<M>(messages: ReadonlyMap<number, M>, from: number): M {
  const message = messages.get(from)
  if (message === undefined) throw new Error(`no message from party ${from}`)
  return message
}
