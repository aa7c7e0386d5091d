/** Reports of audits as a person reads them. */
import type { LogReport } from '../../audit/check-log.ts'
import type { SessionReport } from '../../audit/check-session.ts'
import type { Mark, TimelineEntry } from '../../audit/entry.ts'
import type { Finding } from '../../audit/records.ts'

const marks: Readonly<Record<Mark, string>> = {
  ok: '✓',
  opaque: '·',
  tampered: '✗',
  misconduct: '!',
  unjudged: '?',
}

export function headingOf({ sessionId, type, keyType, status, createdMs }: SessionReport): string {
  return `session ${sessionId}  ${type}  ${keyType}  ${status}  created ${new Date(createdMs).toISOString()}`
}

/** Time since the start, mark, position, what, who, size, the first 8 bytes of the hash, and what it says. */
export function entryLine(entry: TimelineEntry): string {
  const { stream, sequence, kind, actor, to, round, bytes, sha256, detail, mark, reason, sinceStartMs } = entry
  const who = to.length > 0 ? `${actor} → ${to.join(', ')}` : actor
  const what = round === null ? kind : `${kind} ${round}`
  const cells = [
    `+${(sinceStartMs / 1000).toFixed(3)}s`.padStart(10),
    marks[mark],
    `${stream} ${sequence}`.padEnd(14),
    what.padEnd(17),
    who.padEnd(24),
    `${bytes} B`.padStart(9),
    sha256.slice(0, 16),
    reason === '' ? detail : `${mark.toUpperCase()}: ${reason}`,
  ]
  return cells.join('  ').trimEnd()
}

export const legend =
  "✓ in order   · of the parties' own protocol   ! misconduct of a party   ? cannot be judged   ✗ tampered with"

/** One line that says it all. */
export function verdictLine(report: LogReport): string {
  const { verdict, sessions, events, opaqueSessions, findings, findingCount } = report
  const [first] = findings
  const more = findingCount > 1 ? ` (and ${findingCount - 1} more)` : ''
  if (verdict === 'tampered' && first !== undefined) return `TAMPERED: ${findingText(first)}${more}`
  if (verdict === 'unjudged' && first !== undefined) return `cannot judge: ${findingText(first)}${more}`
  const misconduct = findings.length === 0 ? '' : `; misconduct by parties: ${findings.map(findingText)[0]}${more}`
  const opaque = opaqueSessions === 0 ? '' : `, ${opaqueSessions} with payloads of their own protocols`
  return `intact: ${counted(sessions, 'session')}, ${counted(events, 'event')}${opaque}${misconduct}`
}

export function findingText({ stream, sequence, sessionId, reason }: Finding): string {
  const place = `${stream === 'FILE' && sequence !== null ? 'line' : stream}${sequence === null ? '' : ` ${sequence}`}`
  return `${place}${sessionId === null ? '' : ` of session ${sessionId}`}: ${reason}`
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
