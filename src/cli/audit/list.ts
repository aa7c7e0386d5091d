/** `mpc audit list`: the newest sessions, one a line. */
import { summarizeSession, type SessionSummary } from '../../audit/session-summary.ts'
import { readSession } from '../../audit/live-log.ts'
import { openExport } from '../../audit/read-export.ts'
import type { LogReader } from '../../events/event-log.ts'
import { allSessions, sessionIdOf } from '../../events/subjects.ts'
import { withLog, type WhereOptions } from './audited-log.ts'

export type ListOptions = WhereOptions & Readonly<{ json?: true; limit: number; file?: string }>

export async function list(options: ListOptions): Promise<void> {
  const { limit, file, json } = options
  const sessions =
    file === undefined ? await withLog(options, (log) => newestOf(log, limit)) : await newestOfExport(file, limit)
  if (json === true) {
    console.log(JSON.stringify(sessions, null, 2))
    return
  }
  const rows = sessions.map(({ sessionId, type, keyType, status, createdAt, events, messages }) => {
    return [sessionId, type, keyType, status, createdAt, String(events), String(messages)]
  })
  for (const line of table(['SESSION', 'TYPE', 'KEY TYPE', 'STATUS', 'STARTED', 'EVENTS', 'MESSAGES'], rows)) {
    console.log(line)
  }
}

async function newestOf(log: LogReader, limit: number): Promise<readonly SessionSummary[]> {
  const ids = new Set<string>()
  for await (const { subject } of log.read(allSessions)) {
    const sessionId = sessionIdOf(subject)
    if (sessionId !== null) ids.add(sessionId)
  }
  const sessions: SessionSummary[] = []
  for (const sessionId of [...ids].slice(-limit)) {
    const records = await readSession(log, sessionId)
    if (records !== null) sessions.push(summarizeSession(records))
  }
  return sessions
}

async function newestOfExport(file: string, limit: number): Promise<readonly SessionSummary[]> {
  const newest: SessionSummary[] = []
  for await (const records of (await openExport(file)).sessions()) {
    newest.push(summarizeSession(records))
    if (newest.length > limit) newest.shift()
  }
  return newest
}

/** Columns as wide as what is in them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd())
}
