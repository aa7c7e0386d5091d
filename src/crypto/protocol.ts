/**
 * What every interactive protocol in this folder looks like to the code that drives it.
 *
 * An execution is one party's run of one protocol. It is synchronous and does no I/O: the driver delivers each round's
 * messages (already authenticated and decrypted) and sends what comes back. Parties are numbered by their position in
 * the session's roster, from 0.
 */

/**
 * `length` fresh random bytes in an array that the caller owns and overwrites: a copy would survive that. Always passed
 * in, so that runs can be reproduced in tests.
 */
export type Rng = (length: number) => Uint8Array

/** A message of one round. `direct` bodies hold secrets of the pair: the driver seals them to the recipient. */
export type Outbound =
  | Readonly<{ kind: 'broadcast'; body: Uint8Array }>
  | Readonly<{ kind: 'direct'; to: number; body: Uint8Array }>

/** What the next round waits for from every other party. */
export type Expectation = Readonly<{ round: number; broadcast: boolean; direct: boolean }>

/** Everything one peer sent for one round. A body is present exactly where the expectation says so. */
export type Inbound = Readonly<{ from: number; broadcast?: Uint8Array; direct?: Uint8Array }>

export type AbortReason =
  | 'malformed-message'
  | 'session-mismatch'
  | 'view-mismatch'
  | 'commitment-mismatch'
  | 'proof-invalid'
  | 'share-invalid'
  | 'public-key-invalid'
  | 'confirmation-mismatch'
  | 'ot-check-failed'
  | 'rvole-check-failed'
  | 'public-key-mismatch'
  | 'nonce-degenerate'
  | 'signature-share-invalid'
  | 'signature-invalid'
  | 'replayed-round'

/**
 * `ban`: a failed check that only a cheating peer can cause and that may have leaked bits of OT state; the driver must
 * erase the pair's OT state and refuse the peer for this key. `retry`: anything else.
 */
export type Abort = Readonly<{
  kind: 'abort'
  reason: AbortReason
  culprits: readonly number[]
  severity: 'retry' | 'ban'
}>

export type Step<Result> =
  | Readonly<{ kind: 'next'; round: number; outbound: readonly Outbound[]; expect: Expectation }>
  | Readonly<{ kind: 'done'; result: Result }>
  | Abort

export interface Execution<Result> {
  /** Round 1. */
  start(): Step<Result>
  /**
   * Delivers one round, complete: one entry for every other party, in any order. The last round delivered again with
   * the same bytes returns the same step; with other bytes it aborts with `replayed-round`, naming who sent others.
   * Anything but the awaited or the last round, or an incomplete one, is a mistake of the driver: it throws.
   */
  receive(round: number, inbound: readonly Inbound[]): Step<Result>
  /**
   * Ends the run wherever it stands and overwrites what it holds. To be called on every run that is over or given up; a
   * result that it has returned is the caller's and stays.
   */
  erase(): void
}
