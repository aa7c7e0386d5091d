/** An export, line by line: everything that an audit of its sessions needs, without the log. */
import { createHash } from 'node:crypto'
import { checkpointToLine, eventToLine, exportVersion, lineOf } from './export-lines.ts'
import type { Prover } from './log-prover.ts'
import type { AuditedEvent, AuditSource, SessionRecords } from './records.ts'

export type Exported = Readonly<{ sessions: number; events: number; sha256: string }>

/**
 * Yields every line with its newline, and in the end returns what was written. `prove`: for part of a log, what shows
 * that each event is under the newest checkpoint.
 */
export async function* exportLines(
  source: AuditSource,
  prove: Prover = () => null,
): AsyncGenerator<string, Exported> {
  const hash = createHash('sha256')
  let sessions = 0
  let events = 0
  for await (const line of linesBeforeTrailer(source, prove)) {
    hash.update(line.text)
    if (line.kind === 'session') sessions += 1
    if (line.kind === 'event') events += 1
    yield line.text
  }
  const sha256 = hash.digest('hex')
  yield lineOf({ events, sha256 })
  return { sessions, events, sha256 }
}

type Line = Readonly<{ kind: 'header' | 'checkpoint' | 'session' | 'event'; text: string }>

async function* linesBeforeTrailer(source: AuditSource, prove: Prover): AsyncGenerator<Line> {
  const { complete, extent, takenAtMs, checkpoints } = source
  const last = checkpoints.at(-1)
  const header = lineOf({
    format: 'mpc-audit',
    version: exportVersion,
    exported_at: new Date(takenAtMs).toISOString(),
    complete,
    streams: {
      SESSIONS: { last_sequence: extent.SESSIONS },
      MESSAGES: { last_sequence: extent.MESSAGES },
      ...(last !== undefined && { CHECKPOINTS: { last_sequence: last.sequence } }),
    },
  })
  yield { kind: 'header', text: header }
  for (const checkpoint of checkpoints) yield { kind: 'checkpoint', text: checkpointToLine(checkpoint) }
  for await (const records of source.sessions()) yield* linesOfSession(records, prove)
}

function* linesOfSession({ sessionId, lifecycle, messages }: SessionRecords, prove: Prover): Generator<Line> {
  const proven = (event: AuditedEvent): AuditedEvent => {
    const proof = event.proof ?? prove(event)
    return proof === null ? event : { ...event, proof }
  }
  yield { kind: 'session', text: lineOf({ session: sessionId }) }
  for (const event of lifecycle) yield { kind: 'event', text: eventToLine(proven(event), 'SESSIONS') }
  for (const event of messages) yield { kind: 'event', text: eventToLine(proven(event), 'MESSAGES') }
}
