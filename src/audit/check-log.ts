/**
 * A whole log, or the part of it that an export holds: every session checked, and nothing between them missing. What
 * only signed checkpoints can show (docs/audit.md) is judged by whoever is passed as `witness`.
 */
import type { StoredEvent } from '../events/event-log.ts'
import { emptyChain, type ChainHead } from '../events/session-event.ts'
import type { Trimmed } from '../events/trimmed.ts'
import { checkSession, verdictOf, type SessionReport, type Verdict } from './check-session.ts'
import {
  auditedStreams,
  type AuditedEvent,
  type AuditedStream,
  type AuditSource,
  type Finding,
  type FindingKind,
  type SessionRecords,
} from './records.ts'
import { SequenceSet } from './sequence-set.ts'
import type { KeyFacts } from './session-facts.ts'

/** Where a session's chain stood when somebody kept it. */
export type KeptHead = ChainHead & Readonly<{ /** Unix milliseconds. */ changedAtMs: number }>

/** What commits to the log as a whole, such as signed checkpoints: sees every event, then says what does not fit. */
export interface LogWitness {
  /** In any order across sessions. Whether it vouches for the event, provided that nothing is found in the end. */
  see(event: AuditedEvent): boolean
  /** After the last event. */
  conclude(): Promise<readonly Finding[]>
}

export type LogReport = Readonly<{
  verdict: Verdict
  sessions: number
  events: number
  /** Sessions whose payloads are their parties' own business. */
  opaqueSessions: number
  /** Sign sessions whose key's own session was not there to compare with. */
  withoutKeySession: number
  /** The first bad event first. Not more than a thousand of each kind are kept; `findingCount` counts all. */
  findings: readonly Finding[]
  findingCount: number
}>

export type LogCheckOptions = Readonly<{
  /** By session id, as of before the source was opened. */
  heads?: ReadonlyMap<string, KeptHead>
  witness?: LogWitness
  /** Told of each session as it is done. */
  onSession?: (report: SessionReport) => void
}>

const maxKeptFindings = 1000

export async function checkLog(source: AuditSource, options: LogCheckOptions = {}): Promise<LogReport> {
  const { heads, witness, onSession } = options
  const seen = newSequences(source)
  const keys = new Map<string, KeyFacts>()
  const sessionIds = new Set<string>()
  const approvals = new Map<string, string>()
  const counts = { events: 0, opaqueSessions: 0, withoutKeySession: 0 }
  const findings = new Findings()
  const disputed = new Findings()
  for await (const records of source.sessions()) {
    const { sessionId } = records
    if (sessionIds.has(sessionId)) findings.add(repeated(records))
    sessionIds.add(sessionId)
    const vouchedMessages = new Set<number>()
    for (const stream of auditedStreams) {
      for (const event of stream === 'SESSIONS' ? records.lifecycle : records.messages) {
        counts.events += 1
        const isVouched = witness?.see(event) === true
        if (isVouched && stream === 'MESSAGES') vouchedMessages.add(event.sequence)
        if (!seen[stream].add(event.sequence)) findings.add(misplaced(stream, event, sessionId))
      }
    }
    const expectedHead = headOf(source, sessionId, heads)
    const keyOf = (keyId: string) => keys.get(keyId) ?? null
    const report = await checkSession(records, { expectedHead, keyOf, trimmed: source.trimmed })
    if (report.key !== null) keys.set(report.key.keyId, report.key)
    if (report.opaque) counts.opaqueSessions += 1
    else if (report.type === 'sign' && !report.keyKnown) counts.withoutKeySession += 1
    for (const { isDisputed, ...finding } of report.findings) {
      const isOpen = isDisputed === true && vouchedMessages.has(finding.sequence ?? 0)
      ;(isOpen ? disputed : findings).add(finding)
    }
    for (const finding of spentTwice(report, records, approvals)) findings.add(finding)
    onSession?.(report)
  }
  if (source.complete)
    [...gaps(seen, source.trimmed), ...lostSessions(source, sessionIds, heads)].forEach((gap) => findings.add(gap))
  source.problems().forEach((problem) => findings.add(problem))
  const concluded = (await witness?.conclude()) ?? []
  concluded.forEach((finding) => findings.add(finding))
  // Where the log is as its checkpoints say, what is not signed was there from the start.
  findings.take(disputed, verdictOf(concluded) === 'intact' ? 'misconduct' : 'tampered')
  const { inOrder, count, verdict } = findings
  return { verdict, sessions: sessionIds.size, ...counts, findings: inOrder, findingCount: count }
}

/** Keeps the first of each kind, in the order in which sessions are read, and counts the rest. */
class Findings {
  readonly #kept = new Map<FindingKind, Finding[]>()
  count = 0
  verdict: Verdict = 'intact'

  add(finding: Finding): void {
    this.count += 1
    const verdict = verdictOf([finding])
    if (verdict === 'tampered' || this.verdict === 'intact') this.verdict = verdict
    const kept = this.#kept.get(finding.kind) ?? []
    this.#kept.set(finding.kind, kept)
    if (kept.length < maxKeptFindings) kept.push(finding)
  }

  /** Those of others, which are of `kind` then. */
  take(others: Findings, kind: FindingKind): void {
    const kept = others.inOrder
    kept.forEach((finding) => this.add({ ...finding, kind }))
    this.count += others.count - kept.length
  }

  /**
   * What makes the verdict comes first; then gaps, of which other findings may be consequences; then by position. What
   * is found of a range only comes last: what was found in it says more.
   */
  get inOrder(): readonly Finding[] {
    const kinds = ['tampered', 'unjudged', 'misconduct']
    const streams = ['SESSIONS', 'MESSAGES', 'CHECKPOINTS', 'FILE']
    const rank = ({ kind, stream, sessionId, upTo }: Finding) => {
      const isGap = sessionId === null && stream !== 'FILE'
      const place = upTo !== undefined ? 2 : isGap ? 0 : 1
      return streams.length * (3 * kinds.indexOf(kind) + place) + streams.indexOf(stream)
    }
    const position = ({ sequence }: Finding) => sequence ?? Infinity
    return [...this.#kept.values()].flat().sort((a, b) => rank(a) - rank(b) || position(a) - position(b))
  }
}

function newSequences({ extent }: AuditSource): Readonly<Record<AuditedStream, SequenceSet>> {
  return { SESSIONS: new SequenceSet(extent.SESSIONS), MESSAGES: new SequenceSet(extent.MESSAGES) }
}

function* gaps(seen: Readonly<Record<AuditedStream, SequenceSet>>, trimmed?: Trimmed): Generator<Finding> {
  for (const stream of auditedStreams) {
    const moved = stream === 'MESSAGES' ? (trimmed?.upTo ?? 0) : 0
    for (const gap of seen[stream].gaps()) {
      const { last } = gap
      if (gap.first <= moved) yield movedAway(stream, moved)
      if (last <= moved) continue
      const first = Math.max(gap.first, moved + 1)
      const reason = first === last ? 'the event is missing' : `the events up to ${last} are missing`
      yield { kind: 'tampered', stream, sequence: first, sessionId: null, reason }
    }
  }
}

function movedAway(stream: AuditedStream, upTo: number): Finding {
  const reason = `the events up to ${upTo} were moved to an archive: name that with --archive`
  return { kind: 'unjudged', stream, sequence: 1, sessionId: null, reason }
}

function* lostSessions(
  source: AuditSource,
  present: ReadonlySet<string>,
  heads: ReadonlyMap<string, KeptHead> = new Map(),
): Generator<Finding> {
  for (const sessionId of heads.keys()) {
    if (present.has(sessionId) || headOf(source, sessionId, heads) === null) continue
    const reason = 'the session is missing: the end of its chain is in the database'
    yield { kind: 'tampered', stream: 'SESSIONS', sequence: null, sessionId, reason }
  }
}

/** Null where nothing was kept, or only what is newer than the source. */
function headOf(
  { takenAtMs }: AuditSource,
  sessionId: string,
  heads: ReadonlyMap<string, KeptHead> | undefined,
): ChainHead | null {
  const kept = heads?.get(sessionId)
  return kept === undefined || kept.changedAtMs > takenAtMs || kept.version === emptyChain.version ? null : kept
}

/** `approvals`: by name, the session that spent it first. */
function* spentTwice(
  { sessionId, spent }: SessionReport,
  { lifecycle }: SessionRecords,
  approvals: Map<string, string>,
): Generator<Finding> {
  for (const name of spent) {
    const earlier = approvals.get(name)
    if (earlier === undefined) approvals.set(name, sessionId)
    if (earlier === undefined || earlier === sessionId) continue
    const reason = `one of its approvals has counted for session ${earlier} already`
    yield { kind: 'tampered', stream: 'SESSIONS', sequence: lifecycle.at(-1)?.sequence ?? null, sessionId, reason }
  }
}

function misplaced(stream: AuditedStream, { sequence }: StoredEvent, sessionId: string): Finding {
  return { kind: 'tampered', stream, sequence, sessionId, reason: 'the sequence occurs twice, or is beyond the end' }
}

function repeated({ sessionId, lifecycle }: SessionRecords): Finding {
  const sequence = lifecycle[0]?.sequence ?? null
  return { kind: 'tampered', stream: 'SESSIONS', sequence, sessionId, reason: 'the session occurs twice' }
}
