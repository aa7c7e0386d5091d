/** What is audited: the stored events of sessions, whether they come from the live log or from an export. */
import type { StoredEvent, StreamName } from '../events/event-log.ts'
import type { Trimmed } from '../events/trimmed.ts'

/** The streams that hold what happens in sessions. */
export const auditedStreams = ['SESSIONS', 'MESSAGES'] as const satisfies readonly StreamName[]
export type AuditedStream = (typeof auditedStreams)[number]

/** `proof`: that it is under the newest checkpoint, where it comes from a part of a log (RFC 9162, section 2.1.3). */
export type AuditedEvent = StoredEvent & Readonly<{ proof?: readonly Uint8Array[] }>

/** All that is stored of one session, in the order of each stream. */
export type SessionRecords = Readonly<{
  sessionId: string
  lifecycle: readonly AuditedEvent[]
  messages: readonly AuditedEvent[]
}>

/** Up to which sequence a source has looked at each stream. */
export type Extent = Readonly<Record<AuditedStream, number>>

export interface AuditSource {
  /** True where every event of the log up to the extent is (or should be) among its sessions. */
  readonly complete: boolean
  readonly extent: Extent
  /** Unix milliseconds: when it was taken. */
  readonly takenAtMs: number
  /** All checkpoints that there were before the extent was taken, oldest first. */
  readonly checkpoints: readonly StoredEvent[]
  /** What is left out of MESSAGES, because it was moved to an archive that is not part of the source. */
  readonly trimmed?: Trimmed | undefined
  /** Each session once, the oldest first; a key's before those that sign with it. One is in memory at a time. */
  sessions(): AsyncIterable<SessionRecords>
  /** What is wrong with where they come from, known when all have been read. */
  problems(): readonly Finding[]
}

/**
 * - `tampered`: the log is not what the services write, or holds what a party has not signed.
 * - `misconduct`: against the protocol, and signed by a party, which it is evidence against; or not signed, and in the log
 *   when its checkpoint was made: by the party, or by the router that takes messages. No evidence that the log was changed.
 * - `unjudged`: from a later version, or without what is needed to check it.
 */
export type FindingKind = 'tampered' | 'misconduct' | 'unjudged'

export type Finding = Readonly<{
  kind: FindingKind
  /** `FILE`: of an export, where `sequence` is the line. */
  stream: StreamName | 'FILE'
  /** Of the event; where something is missing, of the event that shows it. Null: nothing of the stream is there. */
  sequence: number | null
  sessionId: string | null
  reason: string
  /** Where a whole range of events does not fit: the last of it. Which one it is cannot be said. */
  upTo?: number
  /**
   * Of a message that its sender has not signed, in a session that did not complete: `tampered`, unless checkpoints vouch
   * for the log as it is (check-log.ts).
   */
  isDisputed?: true
}>
