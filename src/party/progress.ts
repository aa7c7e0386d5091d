/** What a run tells whoever watches it, step by step. Nothing in it is secret. */
import type { FailureReason } from './failure.ts'

export type Sent = Readonly<{
  /** A party id, or "all" for a broadcast. */
  to: string
  /** Length of the payload handed to the router. */
  bytes: number
}>

export type ReceivedFrom = Readonly<{ from: string; bytes: number }>

type Step =
  | Readonly<{ type: 'joined'; partyIndex: number }>
  | Readonly<{ type: 'ready'; allReady: boolean }>
  /**
   * Before anything is computed. `fingerprints` of the identities of all, by party id; `sid` and `rosterHash` as hex:
   * equal for all parties.
   */
  | Readonly<{
      type: 'started'
      parties: readonly string[]
      fingerprints: Readonly<Record<string, string>>
      rosterHash: string
      sid: string
    }>
  | Readonly<{ type: 'round'; round: number; phase: 'sent'; sent: readonly Sent[] }>
  | Readonly<{ type: 'round'; round: number; phase: 'received'; received: readonly ReceivedFrom[] }>
  /** A key share is on disk. */
  | Readonly<{ type: 'stored'; keyId: string }>
  | Readonly<{ type: 'reported'; allCompleted: boolean }>
  | Readonly<{ type: 'completed' }>
  | Readonly<{ type: 'failed'; reason: FailureReason; culprits: readonly string[]; detail: string }>

export type ProgressEvent = Step & Readonly<{ sessionId: string; partyId: string; timeMs: number }>

/** A step without what every event has in common. */
export type ProgressStep = Step

export type OnProgress = (event: ProgressEvent) => void
