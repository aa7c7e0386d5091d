/**
 * Reading sessions from the live log, as the NATS user `auditor` may. One session is in memory at a time, besides an
 * index of which events belong to which: some ten bytes for each event.
 */
import type { LogReader, StoredEvent } from '../events/event-log.ts'
import { decodeMessageEvent } from '../events/message-event.ts'
import { BrokenChain, decodeStored } from '../events/session-event.ts'
import {
  allMessages,
  allSessions,
  checkpoints,
  isToken,
  messagesOfSession,
  sessionIdOf,
  sessionSubject,
} from '../events/subjects.ts'
import { joinRecords, nothingOf } from './archive/join.ts'
import type { Archive } from './archive/open-archive.ts'
import type { AuditedStream, AuditSource, Extent, Finding, SessionRecords } from './records.ts'

type Indexed = { readonly lifecycle: number[]; readonly messages: number[]; started: boolean }
type Index = Map<string, Indexed>

/** Reads this many events at once where it reads one by one. */
const parallelReads = 16

/** All that is stored of one session now; null where there is nothing. */
export async function readSession(log: LogReader, sessionId: string): Promise<SessionRecords | null> {
  const subject = sessionSubject(sessionId)
  const lifecycle = await collect(log.read(subject))
  const messages = await collect(log.read(messagesOfSession(sessionId)))
  // What has started since the first look would seem to have sent messages before.
  if (messages.length > 0) lifecycle.push(...(await collect(log.read(subject, lifecycle.at(-1)?.sequence ?? 0))))
  if (lifecycle.length === 0 && messages.length === 0) return null
  return { sessionId, lifecycle, messages }
}

/** Some sessions, each with the session that made its key. `archive`: of this log. Throws UnknownSession. */
export async function selectSessions(
  log: LogReader,
  sessionIds: readonly string[],
  takenAtMs: number,
  archive: Archive | null = null,
): Promise<AuditSource> {
  const stored = await storedCheckpoints(log)
  const extent = await extentOf(log)
  const trimmed = (await log.trimmed()) ?? undefined
  const problems: Finding[] = []
  const read = async (sessionId: string): Promise<SessionRecords | null> => {
    const live = await readSession(log, sessionId)
    const archived = (await archive?.find(sessionId)) ?? null
    if (archived === null) return live
    const present = { extent, trimmedUpTo: trimmed?.upTo ?? 0 }
    return joinRecords(archived, live ?? nothingOf(sessionId), present, problems)
  }
  return {
    complete: false,
    extent,
    takenAtMs,
    checkpoints: stored,
    trimmed: archive === null ? trimmed : undefined,
    problems: () => problems,
    sessions: async function* () {
      const done = new Set<string>()
      for (const sessionId of sessionIds) {
        const records = await read(sessionId)
        if (records === null) throw new UnknownSession(sessionId)
        const keyId = keyIdOf(records)
        const needed = keyId === null || done.has(keyId) ? null : await read(keyId)
        for (const wanted of [needed, records]) {
          if (wanted === null || done.has(wanted.sessionId)) continue
          done.add(wanted.sessionId)
          yield wanted
        }
      }
    },
  }
}

export class UnknownSession extends Error {
  override readonly name = 'UnknownSession'
  constructor(sessionId: string) {
    super(`the log has no session ${sessionId}`)
  }
}

/** Before the extent is taken: what a checkpoint covers is there by then. */
async function storedCheckpoints(log: LogReader): Promise<readonly StoredEvent[]> {
  return (await log.lastSequence('CHECKPOINTS')) > 0 ? collect(log.read(checkpoints)) : []
}

/** Where both streams end now. */
async function extentOf(log: LogReader): Promise<Extent> {
  return { SESSIONS: await log.lastSequence('SESSIONS'), MESSAGES: await log.lastSequence('MESSAGES') }
}

/** Of the key that a sign session names; null for any other session. */
export function keyIdOf({ lifecycle: [first] }: SessionRecords): string | null {
  try {
    const created = first === undefined ? undefined : decodeStored(first.data).payload
    if (created?.case !== 'sessionCreated' || created.value.sessionType !== 'sign') return null
    return isToken(created.value.keyId) ? created.value.keyId : null
  } catch (error) {
    if (error instanceof BrokenChain) return null
    throw error
  }
}

/**
 * The whole log as it is now; what is appended later is left out. With its archive, and what that holds: then it is
 * complete also where it was trimmed.
 */
export async function openLiveLog(
  log: LogReader,
  takenAtMs: number,
  archive: Archive | null = null,
): Promise<AuditSource> {
  const index: Index = new Map()
  const trimmed = (await log.trimmed()) ?? undefined
  const stored = await storedCheckpoints(log)
  const lastLifecycle = await log.lastSequence('SESSIONS')
  // Taken after the other: every message of a session that is completed by then is there.
  const lastMessage = await log.lastSequence('MESSAGES')
  await indexLifecycle(log, index, lastLifecycle)
  const messagesEnd = await indexMessages(log, index, lastMessage, lastLifecycle)
  const extent: Extent = { SESSIONS: lastLifecycle, MESSAGES: messagesEnd }
  const problems: Finding[] = []
  return {
    complete: true,
    extent,
    takenAtMs,
    checkpoints: stored,
    trimmed: archive === null ? trimmed : undefined,
    problems: () => problems,
    sessions: async function* () {
      const present = { extent, trimmedUpTo: trimmed?.upTo ?? 0 }
      const rest = new Map(index)
      problems.length = 0
      for await (const archived of archive?.sessions(problems) ?? []) {
        const { sessionId } = archived
        const indexed = rest.get(sessionId)
        rest.delete(sessionId)
        const live = indexed === undefined ? nothingOf(sessionId) : await readIndexed(log, sessionId, indexed)
        yield joinRecords(archived, live, present, problems)
      }
      for (const [sessionId, indexed] of rest) yield await readIndexed(log, sessionId, indexed)
    },
  }
}

async function readIndexed(
  log: LogReader,
  sessionId: string,
  { lifecycle, messages }: Indexed,
): Promise<SessionRecords> {
  return {
    sessionId,
    lifecycle: await readAt(log, 'SESSIONS', lifecycle),
    messages: await readAt(log, 'MESSAGES', messages),
  }
}

async function indexLifecycle(log: LogReader, index: Index, last: number): Promise<void> {
  for await (const record of upTo(log.read(allSessions), last)) {
    const entry = entryOf(index, record)
    entry?.lifecycle.push(record.sequence)
    if (entry !== null && isStart(record)) entry.started = true
  }
}

/**
 * Up to which sequence messages belong to the cut: before the first of a session that has started only after
 * `lastLifecycle`. Whatever completed before that has all its messages before those.
 */
async function indexMessages(log: LogReader, index: Index, last: number, lastLifecycle: number): Promise<number> {
  for await (const record of upTo(log.read(allMessages), last)) {
    const sessionId = sessionIdOf(record.subject)
    const known = sessionId === null ? undefined : index.get(sessionId)
    const isAhead = known?.started !== true && sessionId !== null && isRouted(record)
    if (isAhead && (await startsAfter(log, sessionId, lastLifecycle))) return record.sequence - 1
    entryOf(index, record)?.messages.push(record.sequence)
  }
  return last
}

async function startsAfter(log: LogReader, sessionId: string, sequence: number): Promise<boolean> {
  for await (const record of log.read(sessionSubject(sessionId), sequence)) if (isStart(record)) return true
  return false
}

/** Null for what lies under a subject of no session. */
function entryOf(index: Index, { subject }: StoredEvent): Indexed | null {
  const sessionId = sessionIdOf(subject)
  if (sessionId === null) return null
  const entry = index.get(sessionId) ?? { lifecycle: [], messages: [], started: false }
  index.set(sessionId, entry)
  return entry
}

function isStart({ data }: StoredEvent): boolean {
  try {
    return decodeStored(data).payload.case === 'sessionStarted'
  } catch (error) {
    if (error instanceof BrokenChain) return false
    throw error
  }
}

function isRouted({ data }: StoredEvent): boolean {
  return decodeMessageEvent(data)?.payload.case === 'messageRouted'
}

async function readAt(log: LogReader, stream: AuditedStream, sequences: readonly number[]): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for (let first = 0; first < sequences.length; first += parallelReads) {
    const batch = sequences.slice(first, first + parallelReads)
    const read = await Promise.all(batch.map((sequence) => log.at(stream, sequence)))
    // What has gone since it was indexed is reported as a gap.
    events.push(...read.filter((event) => event !== null))
  }
  return events
}

async function* upTo(events: AsyncIterable<StoredEvent>, last: number): AsyncGenerator<StoredEvent> {
  for await (const event of events) {
    if (event.sequence > last) return
    yield event
  }
}

async function collect(events: AsyncIterable<StoredEvent>): Promise<StoredEvent[]> {
  const collected: StoredEvent[] = []
  for await (const event of events) collected.push(event)
  return collected
}
