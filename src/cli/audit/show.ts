/** `mpc audit show`: the timeline of a session, as it is or as it goes on. */
import { checkSession, type SessionReport } from '../../audit/check-session.ts'
import { readSession, selectSessions, UnknownSession } from '../../audit/live-log.ts'
import { openExport } from '../../audit/read-export.ts'
import type { AuditSource } from '../../audit/records.ts'
import type { KeyFacts } from '../../audit/session-facts.ts'
import type { LogReader } from '../../events/event-log.ts'
import { isToken, messagesOfSession, sessionSubject } from '../../events/subjects.ts'
import { archiveAt, withLog, type WhereOptions } from './audited-log.ts'
import { entryLine, findingText, headingOf, legend } from './render.ts'

export type ShowOptions = WhereOptions & Readonly<{ json?: true; follow?: true; file?: string; archive?: string }>

/** Throws UnknownSession, and what the log or the export throws. */
export async function show(sessionId: string, options: ShowOptions): Promise<void> {
  if (!isToken(sessionId)) throw new UnknownSession(sessionId)
  const { file, follow } = options
  if (file !== undefined) return print(await reportIn(await openExport(file), sessionId), options)
  await withLog(options, async (log) => {
    const archive = await archiveAt(options.archive)
    const report = async () => reportIn(await selectSessions(log, [sessionId], Date.now(), archive), sessionId)
    if (follow === true) await followSession(log, sessionId, report, options)
    else print(await report(), options)
  })
}

/** The session's report, made with the key that an earlier session in the source may have made. */
async function reportIn(source: AuditSource, sessionId: string): Promise<SessionReport> {
  const keys = new Map<string, KeyFacts>()
  for await (const records of source.sessions()) {
    const keyOf = (keyId: string) => keys.get(keyId) ?? null
    const report = await checkSession(records, { expectedHead: null, keyOf, trimmed: source.trimmed })
    if (report.sessionId === sessionId) return report
    if (report.key !== null) keys.set(report.key.keyId, report.key)
  }
  throw new UnknownSession(sessionId)
}

function print(report: SessionReport, { json }: ShowOptions): void {
  if (json === true) {
    const { key: _key, keyKnown: _keyKnown, spent: _spent, ...shown } = report
    console.log(JSON.stringify(shown, null, 2))
    return
  }
  console.log(headingOf(report))
  for (const entry of report.entries) console.log(entryLine(entry))
  const elsewhere = report.findings.filter(({ sequence }) => sequence === null)
  for (const finding of elsewhere) console.log(`${finding.kind}: ${findingText(finding)}`)
  console.log(`${legend}\nverdict: ${report.verdict}`)
}

/** Prints each event once, when it is there, until the session is over. With `json` one object a line. */
async function followSession(
  log: LogReader,
  sessionId: string,
  report: () => Promise<SessionReport>,
  { json }: ShowOptions,
): Promise<void> {
  if ((await readSession(log, sessionId)) === null) throw new UnknownSession(sessionId)
  let wake: () => void = () => {}
  let changed = new Promise<void>((resolve) => (wake = resolve))
  const followers = await Promise.all(
    [sessionSubject(sessionId), messagesOfSession(sessionId)].map((filter) => log.follow(filter, 0, () => wake())),
  )
  const printed = new Set<string>()
  try {
    for (;;) {
      await changed
      changed = new Promise<void>((resolve) => (wake = resolve))
      const current = await report()
      if (printed.size === 0 && json !== true) console.log(headingOf(current))
      for (const entry of current.entries) {
        const name = `${entry.stream} ${entry.sequence}`
        if (printed.has(name)) continue
        printed.add(name)
        console.log(json === true ? JSON.stringify(entry) : entryLine(entry))
      }
      if (['completed', 'failed', 'expired'].includes(current.status)) return
    }
  } finally {
    await Promise.all(followers.map((follower) => follower.close()))
  }
}
