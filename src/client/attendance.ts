/** One device's parts in sessions: what is said before, what stops them, and how their ends are told. */
import { orAborted } from '../party/abort.ts'
import { sessionIdOfToken } from '../party/join-token.ts'
import type { Party } from '../party/party.ts'
import type { OnProgress } from '../party/progress.ts'
import type { JoinOrder, SessionResult } from '../party/session/run.ts'
import type { Approve, Terms } from '../party/session/terms.ts'
import { neverAborted, type CallOptions } from './calls.ts'
import { invalidArgument, mpcErrorOf, SessionFailedError } from './mpc-error.ts'

/** Asked once, before the device says that it is ready. False declines; so does an error, which the caller gets. */
export type Agreement<T extends Terms> = (terms: T, signal: AbortSignal) => boolean | Promise<boolean>

/** Asked once, when all have joined and nothing is computed yet: are these the others? False declines. */
export type Confirmation = NonNullable<JoinOrder['confirm']>

export type PartOptions<T extends Terms> = CallOptions &
  Readonly<{
    joinToken: string
    partyId: string
    approve?: Agreement<T>
    /** Each step of the session, and each round twice: sent and received. */
    onProgress?: OnProgress
  }>

export class Attendance {
  readonly #party: Party
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  #recovered: Promise<void> | null = null

  constructor(party: Party) {
    this.#party = party
  }

  /**
   * Takes part in one session to its end. `expected` comes before `approve`. @throws MpcError, the signal's reason, or
   * what `approve` or `confirm` threw.
   */
  async attend<T extends Terms>(
    options: PartOptions<T>,
    expected: Approve,
    confirm?: Confirmation,
  ): Promise<SessionResult> {
    const { joinToken, partyId, onProgress, signal: outer = neverAborted } = options
    const sessionId = sessionIdOfToken(joinToken)
    if (sessionId === undefined) throw invalidArgument('joinToken', 'is not a join token')
    const signal = AbortSignal.any([outer, this.#closing.signal])
    const question = ask(expected, options.approve, confirm)
    const { approve, confirm: confirmed } = question
    const asked = { approve, ...(confirmed && { confirm: confirmed }) }
    const order = { joinToken, partyId, ...asked, signal, ...(onProgress && { onProgress }) }
    try {
      await orAborted(this.#recover(), signal)
      const outcome = await this.#counted(this.#party.run(order))
      if (outcome.kind !== 'failed') return outcome
      throw new SessionFailedError(sessionId, outcome.reason, outcome.detail, outcome.culprits)
    } catch (error) {
      if (question.failure !== null) throw question.failure.error
      throw signal.aborted ? signal.reason : mpcErrorOf(error)
    }
  }

  /** Stops what runs, and waits until the coordinator was told. */
  async end(): Promise<void> {
    this.#closing.abort(new DOMException('the device was closed', 'AbortError'))
    await Promise.allSettled(this.#running)
  }

  /** Sessions that an earlier process left in the middle are failed before the first new one. */
  async #recover(): Promise<void> {
    this.#recovered ??= this.#party.recover(this.#closing.signal)
    try {
      await this.#recovered
    } catch (error) {
      this.#recovered = null
      throw error
    }
  }

  async #counted<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    try {
      return await work
    } finally {
      this.#running.delete(work)
    }
  }
}

type Question = {
  readonly approve: Approve
  readonly confirm: Confirmation | undefined
  failure: Readonly<{ error: unknown }> | null
}

/** Agreement is what was expected and, where somebody is to be asked, their yes. An error of theirs is a no. */
function ask<T extends Terms>(
  expected: Approve,
  approval: Agreement<T> | undefined,
  confirmation: Confirmation | undefined,
): Question {
  const said = async (answer: () => boolean | Promise<boolean>): Promise<boolean> => {
    try {
      return await answer()
    } catch (error) {
      question.failure = { error }
      return false
    }
  }
  const question: Question = {
    failure: null,
    approve: async (terms, signal) => {
      const decision = await expected(terms, signal)
      if (decision.kind === 'decline' || approval === undefined) return decision
      // What was expected is a session of this kind.
      if (await said(() => approval(terms as T, signal))) return decision
      return { kind: 'decline', reason: 'declined', detail: 'this device declined' }
    },
    confirm: confirmation && ((others, signal) => said(() => confirmation(others, signal))),
  }
  return question
}
