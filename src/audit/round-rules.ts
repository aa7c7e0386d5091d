/**
 * Rounds as the log shows them: which messages a run has to have, and that nobody sent what depends on messages which
 * were not stored yet. A party sends round r when it has received everything of round r − 1.
 */
import { roundsOf, type RoundShape } from '../crypto/protocol-rounds.ts'
import type { Binding, SignedMessage } from './session-messages.ts'

export type RoundProblem = Readonly<{ record: SignedMessage['record']; reason: string }>

/** What is against the rounds of the protocol among `messages`, which are in the order of the log. */
export function checkRounds(
  { protocol, roster }: Binding,
  messages: readonly SignedMessage[],
): readonly RoundProblem[] {
  const shapes = roundsOf(protocol)
  const problems: RoundProblem[] = []
  const name = (position: number) => roster[position]?.partyId ?? 'nobody'
  const stored = new Set<string>()
  for (const message of messages) {
    const { record, round, from, to } = message
    const shape = shapes[round - 1]
    const isExpected = shape !== undefined && (to === null ? shape.broadcast : shape.direct)
    if (!isExpected) problems.push({ record, reason: `${protocol} has no such message in round ${round}` })
    const late = slotsTowards(shapes[round - 2], round - 1, from, roster.length).find((slot) => !stored.has(slot.key))
    if (late !== undefined) {
      const reason = `${name(from)} sent round ${round} before round ${round - 1} of ${name(late.from)} was stored`
      problems.push({ record, reason })
    }
    stored.add(keyOf(round, from, to))
  }
  return problems
}

/** What a run that came to its end must have, and has not. */
export function missingMessages({ protocol, roster }: Binding, messages: readonly SignedMessage[]): readonly string[] {
  const present = new Set(messages.map(({ round, from, to }) => keyOf(round, from, to)))
  const name = (position: number) => roster[position]?.partyId ?? 'nobody'
  return roundsOf(protocol).flatMap((shape, index) => {
    const round = index + 1
    const slots = roster.flatMap((_, to) => slotsTowards(shape, round, to, roster.length))
    const missing = new Map(slots.filter(({ key }) => !present.has(key)).map((slot) => [slot.key, slot]))
    return [...missing.values()].map(
      ({ from, to }) => `round ${round} from ${name(from)} to ${to === null ? 'all' : name(to)} is missing`,
    )
  })
}

type Slot = Readonly<{ key: string; from: number; to: number | null }>

/** The messages of a round that reach party `self`. */
function slotsTowards(shape: RoundShape | undefined, round: number, self: number, parties: number): readonly Slot[] {
  if (shape === undefined) return []
  const others = Array.from({ length: parties }, (_, from) => from).filter((from) => from !== self)
  return others.flatMap((from) => {
    const recipients = [...(shape.broadcast ? [null] : []), ...(shape.direct ? [self] : [])]
    return recipients.map((to) => ({ key: keyOf(round, from, to), from, to }))
  })
}

function keyOf(round: number, from: number, to: number | null): string {
  return `${round}.${from}.${to ?? 'all'}`
}
