/** What an archive and the log both have of a session: the same, or one of them was changed. */
import { equalBytes } from '../../crypto/bytes.ts'
import type { AuditedEvent, AuditedStream, Extent, Finding, SessionRecords } from '../records.ts'

/** Where the log begins and ends. */
export type Present = Readonly<{ extent: Extent; /** MESSAGES up to here may be gone. */ trimmedUpTo: number }>

/** The events of both, each once. `problems` is told what only one of them has, and should not, and what differs. */
export function joinRecords(
  archived: SessionRecords,
  live: SessionRecords,
  { extent, trimmedUpTo }: Present,
  problems: Finding[],
): SessionRecords {
  const { sessionId } = archived
  const join = (stream: AuditedStream, kept: readonly AuditedEvent[], present: readonly AuditedEvent[]) => {
    const known = new Map(present.map((event) => [event.sequence, event]))
    const found = (sequence: number, reason: string) =>
      problems.push({ kind: 'tampered', stream, sequence, sessionId, reason })
    for (const { proof: _proof, ...event } of kept) {
      const { sequence } = event
      const same = known.get(sequence)
      if (same === undefined) {
        known.set(sequence, event)
        const mayBeGone = stream === 'MESSAGES' && sequence <= trimmedUpTo
        if (!mayBeGone && sequence <= extent[stream]) found(sequence, 'the log has lost it: the archive has it')
      } else if (same.subject !== event.subject || !equalBytes(same.data, event.data)) {
        found(sequence, 'the archive has another event in its place')
      }
    }
    return [...known.values()].sort((a, b) => a.sequence - b.sequence)
  }
  return {
    sessionId,
    lifecycle: join('SESSIONS', archived.lifecycle, live.lifecycle),
    messages: join('MESSAGES', archived.messages, live.messages),
  }
}

export function nothingOf(sessionId: string): SessionRecords {
  return { sessionId, lifecycle: [], messages: [] }
}
