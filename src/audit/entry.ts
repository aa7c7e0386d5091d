/** One event of a session on its way through the check, and as the timeline shows it. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { StoredEvent } from '../events/event-log.ts'
import type { AuditedStream, Finding, FindingKind } from './records.ts'
import type { SessionFacts } from './session-facts.ts'

/** `opaque`: in order as far as can be told, but its content is the parties' own. */
export type Mark = 'ok' | 'opaque' | FindingKind

export type TimelineEntry = Readonly<{
  stream: AuditedStream
  sequence: number
  /** Unix milliseconds. */
  timeMs: number
  /** Since the session was created. */
  sinceStartMs: number
  /** `SessionCreated` … `SubscriptionTicketRedeemed`. */
  kind: string
  /** Who caused it: a party id, `coordinator` or `caller:<name>`; empty where the event does not say. */
  actor: string
  /** Of messages: party ids, or `all`. */
  to: readonly string[]
  round: number | null
  /** Length of the stored event. */
  bytes: number
  /** Of the stored event, hex. */
  sha256: string
  /** What it says, in a few words; may be empty. */
  detail: string
  mark: Mark
  /** Why, where it is not in order. */
  reason: string
}>

export type Description = Readonly<{
  timeMs: number
  kind: string
  actor: string
  to?: readonly string[]
  round?: number
  detail?: string
}>

export class Entry {
  readonly stream: AuditedStream
  readonly #record: StoredEvent
  readonly #description: Description
  readonly #problems: Pick<Finding, 'kind' | 'reason' | 'isDisputed'>[] = []
  #opaque = false

  constructor(stream: AuditedStream, record: StoredEvent, description: Description) {
    this.stream = stream
    this.#record = record
    this.#description = description
  }

  get timeMs(): number {
    return this.#description.timeMs
  }

  get kind(): string {
    return this.#description.kind
  }

  get sequence(): number {
    return this.#record.sequence
  }

  get isTampered(): boolean {
    return this.#has('tampered')
  }

  get isUnjudged(): boolean {
    return this.#has('unjudged')
  }

  /** Null: whoever it is. */
  actsFor(partyId: string | null): boolean {
    return partyId === null || this.#description.actor === partyId
  }

  blame(kind: FindingKind, reason: string): void {
    this.#problems.push({ kind, reason })
  }

  /** For a message that is not signed, in a session that did not complete. */
  dispute(reason: string): void {
    this.#problems.push({ kind: 'tampered', reason, isDisputed: true })
  }

  markOpaque(): void {
    this.#opaque = true
  }

  findings(sessionId: string): readonly Finding[] {
    const { stream } = this
    const { sequence } = this.#record
    return this.#problems.map((problem) => ({ ...problem, stream, sequence, sessionId }))
  }

  #has(wanted: FindingKind): boolean {
    return this.#problems.some(({ kind }) => kind === wanted)
  }

  shown({ createdMs }: Pick<SessionFacts, 'createdMs'>): TimelineEntry {
    const { sequence, data } = this.#record
    const { timeMs, kind, actor, to = [], round = null, detail = '' } = this.#description
    const worst = (['tampered', 'unjudged', 'misconduct'] as const).find((kind) => this.#has(kind))
    return {
      stream: this.stream,
      sequence,
      timeMs,
      sinceStartMs: timeMs - createdMs,
      kind,
      actor,
      to,
      round,
      bytes: data.length,
      sha256: bytesToHex(sha256(data)),
      detail,
      mark: worst ?? (this.#opaque ? 'opaque' : 'ok'),
      reason: this.#problems.map(({ reason }) => reason).join('; '),
    }
  }
}
