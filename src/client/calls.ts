/** How every call is made: with a time limit, again while the service is away, and with errors of one class. */
import type { CallOptions as ConnectCallOptions } from '@connectrpc/connect'
import { orAborted } from '../party/abort.ts'
import { systemClock } from '../party/clock.ts'
import { Patience, type Backoff } from '../party/transport/backoff.ts'
import { untilAnswered } from '../party/transport/repeating.ts'
import { mpcErrorOf } from './mpc-error.ts'

export type CallOptions = Readonly<{
  /** Aborted: the call rejects with the signal's reason. What was sent may have been done. */
  signal?: AbortSignal | undefined
}>

export type CreateOptions = CallOptions &
  Readonly<{
    /** Two calls with one key create once, also after a crash of the caller. A fresh one where absent. */
    idempotencyKey?: string | undefined
  }>

export type CallLimits = Readonly<{
  /** One attempt. */
  timeoutMs: number
  /** Pauses between attempts, and when to give up. */
  retry: Backoff
}>

export type Attempt<T> = (options: ConnectCallOptions) => Promise<T>

export const neverAborted = new AbortController().signal

export class Calls {
  readonly #limits: CallLimits

  constructor(limits: CallLimits) {
    this.#limits = limits
  }

  patience(): Patience {
    return new Patience(this.#limits.retry, systemClock)
  }

  /** For calls that may be repeated. */
  repeat<T>({ signal = neverAborted }: CallOptions, attempt: Attempt<T>, headers?: HeadersInit): Promise<T> {
    const answered = untilAnswered(this.patience(), signal, () => attempt(this.#options(signal, headers)))
    return told(signal, orAborted(answered, signal))
  }

  /** For calls whose repetition has another outcome. */
  once<T>({ signal = neverAborted }: CallOptions, attempt: Attempt<T>): Promise<T> {
    return told(signal, orAborted(attempt(this.#options(signal)), signal))
  }

  /** For calls that create: the key makes them safe to repeat. */
  create<T>({ idempotencyKey = crypto.randomUUID(), signal }: CreateOptions, attempt: Attempt<T>): Promise<T> {
    return this.repeat({ signal }, attempt, { 'idempotency-key': idempotencyKey })
  }

  #options(signal: AbortSignal, headers?: HeadersInit): ConnectCallOptions {
    return { signal, timeoutMs: this.#limits.timeoutMs, ...(headers && { headers }) }
  }
}

async function told<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw signal.aborted ? signal.reason : mpcErrorOf(error)
  }
}

/** The items of a stream that ends with the signal's reason or an MpcError. */
export async function* toldItems<T, U>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
  map: (item: T) => U,
): AsyncGenerator<U> {
  try {
    for await (const item of items) yield map(item)
  } catch (error) {
    throw signal.aborted ? signal.reason : mpcErrorOf(error)
  }
}
