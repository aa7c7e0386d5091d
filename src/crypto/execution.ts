/**
 * Chains a protocol's rounds into the `Execution` the driver sees. Holds one round's secret state at a time and the
 * last step, so that a round delivered again gets the very same answer and no state is ever computed from twice.
 */
import { equalBytes, wipe } from './bytes.ts'
import type { Abort, AbortReason, Execution, Expectation, Inbound, Outbound, Step } from './protocol.ts'

/** What a round function returns: the secret state for the next round and messages, the result, or an abort. */
export type Outcome<State, Result> =
  | Readonly<{ kind: 'next'; state: State; outbound: readonly Outbound[] }>
  | Readonly<{ kind: 'done'; result: Result }>
  | Abort

/** Secret state while the messages of `round` are awaited. */
export type RoundState = Readonly<{
  round: number
  /**
   * Secret byte arrays the state owns. They are overwritten when the next state does not list them any more, or when
   * the run aborts. A run that is done leaves them alone: they may be part of the result.
   */
  erasable: readonly Uint8Array[]
}>

export type Protocol<State extends RoundState, Result> = Readonly<{
  parties: number
  self: number
  /** Which messages each round has, round 1 first. */
  rounds: readonly Readonly<{ broadcast: boolean; direct: boolean }>[]
  begin(): Outcome<State, Result>
  /** `inbound` is complete and in ascending order of sender. */
  advance(state: State, inbound: readonly Inbound[]): Outcome<State, Result>
}>

/** The last round as it was delivered, to know it again. Copies, because bodies are the driver's; they hold secrets. */
type Delivery = Readonly<{ round: number; inbound: readonly Inbound[] }>

export function abort(reason: AbortReason, culprits: readonly number[], severity: Abort['severity'] = 'retry'): Abort {
  return { kind: 'abort', reason, culprits, severity }
}

export function createExecution<State extends RoundState, Result>(
  protocol: Protocol<State, Result>,
): Execution<Result> {
  let state: State | undefined
  let last: Step<Result> | undefined
  let delivered: Delivery | undefined
  const expectation = (round: number): Expectation => {
    const messages = protocol.rounds[round - 1]
    if (messages === undefined) throw new RangeError(`the protocol has no round ${round}`)
    return { round, ...messages }
  }

  /** Runs one round. Whatever happens, even a bug's exception, the state it started from is never used again. */
  const run = (round: () => Outcome<State, Result>): Step<Result> => {
    const previous = state
    state = undefined
    last = abort('replayed-round', []) // what a run that threw answers from then on
    let outcome: Outcome<State, Result>
    try {
      outcome = round()
    } catch (error) {
      eraseAllBut([], previous)
      throw error
    }
    if (outcome.kind === 'abort') eraseAllBut([], previous)
    if (outcome.kind === 'next') {
      const { outbound } = outcome
      eraseAllBut(outcome.state.erasable, previous)
      state = outcome.state
      last = { kind: 'next', round: state.round, outbound, expect: expectation(state.round) }
    } else {
      last = outcome
    }
    return last
  }

  return {
    start: () => last ?? run(() => protocol.begin()),
    receive: (round, inbound) => {
      const sorted = checkedInbound(protocol, expectation(round), inbound)
      if (last !== undefined && delivered?.round === round) {
        const before = delivered.inbound
        const changed = sorted.map(({ from }) => from).filter((_, i) => !sameBodies(sorted[i], before[i]))
        return changed.length === 0 ? last : run(() => abort('replayed-round', changed))
      }
      if (state === undefined) throw new Error(`round ${round} was delivered to a run that is not waiting for one`)
      if (state.round !== round) throw new Error(`round ${round} was delivered, round ${state.round} is awaited`)
      const current = state
      forget(delivered)
      delivered = { round, inbound: sorted.map(copyOf) }
      return run(() => protocol.advance(current, sorted))
    },
    erase: () => {
      eraseAllBut([], state)
      state = undefined
      last = abort('replayed-round', [])
      forget(delivered)
      delivered = undefined
    },
  }
}

function eraseAllBut(kept: readonly Uint8Array[], state: RoundState | undefined): void {
  wipe(...(state?.erasable ?? []).filter((secret) => !kept.includes(secret)))
}

/** Delivering an incomplete or misaddressed round is a mistake of the driver, not of a peer: it throws. */
function checkedInbound(
  { parties, self }: Readonly<{ parties: number; self: number }>,
  expected: Expectation,
  inbound: readonly Inbound[],
): readonly Inbound[] {
  const sorted = [...inbound].sort((a, b) => a.from - b.from)
  const others = Array.from({ length: parties }, (_, party) => party).filter((party) => party !== self)
  if (sorted.length !== others.length || sorted.some(({ from }, i) => from !== others[i])) {
    throw new Error(`round ${expected.round} needs exactly one entry from each of parties ${others.join(', ')}`)
  }
  for (const message of sorted) {
    for (const channel of ['broadcast', 'direct'] as const) {
      if ((message[channel] !== undefined) === expected[channel]) continue
      const problem = expected[channel] ? 'is missing' : 'is not expected'
      throw new Error(`round ${expected.round}: the ${channel} message from party ${message.from} ${problem}`)
    }
  }
  return sorted
}

function copyOf({ from, broadcast, direct }: Inbound): Inbound {
  return { from, ...(broadcast && { broadcast: broadcast.slice() }), ...(direct && { direct: direct.slice() }) }
}

function forget(delivery: Delivery | undefined): void {
  for (const { broadcast, direct } of delivery?.inbound ?? []) {
    wipe(...[broadcast, direct].filter((body) => body !== undefined))
  }
}

/** Whether one sender's messages are the same. A round's expectation fixes which of them exist. */
function sameBodies(a: Inbound | undefined, b: Inbound | undefined): boolean {
  const absent = new Uint8Array(0)
  return (['broadcast', 'direct'] as const).every((channel) =>
    equalBytes(a?.[channel] ?? absent, b?.[channel] ?? absent),
  )
}
