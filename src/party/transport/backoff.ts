/** Trying again: which failures are worth it, and how long to wait. */
import { Code, ConnectError } from '@connectrpc/connect'
import { refusalOf } from '../../edge/refusal-error.ts'
import { ErrorDetailSchema } from '../../gen/mpc/api/v1/error_pb.ts'
import type { Clock } from '../clock.ts'

export type Backoff = Readonly<{
  firstDelayMs: number
  maxDelayMs: number
  /** After so long without success the failure is passed on. */
  giveUpAfterMs: number
}>

/** Outlasts the restart of a service; the session's own deadline ends it earlier where that is near. */
export const defaultBackoff: Backoff = { firstDelayMs: 50, maxDelayMs: 2_000, giveUpAfterMs: 60_000 }

/** Failures of the connection rather than of the request. Every call a party makes may be repeated after one. */
const transientCodes: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Canceled,
  // What a broken HTTP/2 stream or a proxy's error page becomes.
  Code.Internal,
  Code.Unknown,
])

/**
 * True when the same call may succeed later. A service's own refusal is final unless it says that it is unavailable, or
 * that the caller is too fast and for how long.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false
  const detail = error.findDetails(ErrorDetailSchema)[0]
  if (detail === undefined) return transientCodes.has(error.code)
  return detail.error === 'unavailable' || (detail.error === 'rate_limited' && retryAfterMs(error) !== null)
}

/** How long the service asks to wait, where it does. */
export function retryAfterMs(error: ConnectError): number | null {
  const seconds = error.metadata.has('retry-after') ? refusalOf(error).retryAfterSeconds : null
  return seconds === null ? null : seconds * 1_000
}

/**
 * Counts failures in a row. `pause` waits, at least as long as the service asks for, or throws `error` where it is
 * final or lasts too long.
 */
export class Patience {
  readonly #backoff: Backoff
  readonly #clock: Clock
  #delayMs = 0
  #failingSinceMs: number | null = null

  constructor(backoff: Backoff, clock: Clock) {
    this.#backoff = backoff
    this.#clock = clock
  }

  succeeded(): void {
    this.#delayMs = 0
    this.#failingSinceMs = null
  }

  /** On the clock that failures are counted on. */
  nowMs(): number {
    return this.#clock.nowMs()
  }

  /** Something that was open since then has ended: if it outlasted the longest pause, no failure is counted yet. */
  lastedSince(openedAtMs: number): void {
    if (this.nowMs() - openedAtMs >= this.#backoff.maxDelayMs) this.succeeded()
  }

  async pause(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason
    if (!isTransient(error)) throw error
    const nowMs = this.nowMs()
    this.#failingSinceMs ??= nowMs
    const { firstDelayMs, maxDelayMs, giveUpAfterMs } = this.#backoff
    const askedMs = (error instanceof ConnectError ? retryAfterMs(error) : null) ?? 0
    const failingMs = nowMs - this.#failingSinceMs
    if (failingMs >= giveUpAfterMs || failingMs + askedMs > giveUpAfterMs) throw error
    this.#delayMs = Math.min(Math.max(this.#delayMs * 2, firstDelayMs), maxDelayMs)
    // Between half and all of it: parties that lost the same service do not come back in step.
    await this.#clock.sleep(Math.max(askedMs, this.#delayMs * (0.5 + Math.random() / 2)), signal)
  }
}
