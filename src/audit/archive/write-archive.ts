/**
 * Copies sessions that are over from the log into an archive, file by file. A file is read back and checked before the
 * manifest names it; killed at any point, the archive is what it was, and the next run goes on from there. Whatever the
 * log and the archive say has to be in order first: nothing is taken from a log that was tampered with.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { LogReader } from '../../events/event-log.ts'
import { checkLog, type LogReport } from '../check-log.ts'
import type { SessionReport } from '../check-session.ts'
import { createCheckpointWitness, type CheckpointOptions, type CheckpointWitness } from '../checkpoint-witness.ts'
import { keyIdOf, openLiveLog, selectSessions } from '../live-log.ts'
import { proverOf, treeOf, type Prover } from '../log-prover.ts'
import type { AuditedStream, AuditSource, SessionRecords } from '../records.ts'
import { exportLines } from '../write-export.ts'
import { checkArchiveFile } from './check-file.ts'
import { hashFile, moveInto, partSuffix, writeNew } from './durable-files.ts'
import { archivedIn, writeManifest, type ArchiveFile } from './manifest.ts'
import { archiveOf, eventsOf } from './open-archive.ts'

export type ArchiveOptions = CheckpointOptions &
  Readonly<{
    folder: string
    /** What the manifest names already. */
    files: readonly ArchiveFile[]
    /** Only sessions that were over before, unix milliseconds. */
    beforeMs: number
    nowMs: number
    /** A file is ended after the session that brings it to this many bytes of events. */
    fileBytes: number
    /** Told of each file once the manifest names it. */
    onFile: (file: ArchiveFile) => void
  }>

export type Archived = Readonly<{
  /** Of the log and the archive together, before. Where it is not intact, nothing was archived. */
  report: LogReport
  checkpoints: string
  files: readonly ArchiveFile[]
  /** Sessions that are not in the archive: not over, not long enough, or not under a checkpoint yet. */
  left: number
}>

/** What was written is not what was read: a broken disk, or somebody else writes here too. */
export class BadArchiveFile extends Error {
  override readonly name = 'BadArchiveFile'
}

type Candidate = Readonly<{ sessionId: string; first: number; isAgain: boolean }>

/** Throws LogUnavailable, BadArchiveFile, what the file system throws. */
export async function archiveLog(log: LogReader, options: ArchiveOptions): Promise<Archived> {
  const { folder, files, nowMs } = options
  await removeParts(folder)
  const source = await openLiveLog(log, nowMs, files.length === 0 ? null : archiveOf(folder, files))
  const witness = await createCheckpointWitness(source, options)
  const isArchived = { SESSIONS: archivedIn(files, 'SESSIONS'), MESSAGES: archivedIn(files, 'MESSAGES') }
  const candidates: Candidate[] = []
  let left = 0
  const report = await checkLog(source, {
    witness,
    onSession: (session) => {
      const candidate = candidateOf(session, isArchived, witness, options.beforeMs)
      if (candidate === 'waits') left += 1
      else if (candidate !== 'archived') candidates.push(candidate)
    },
  })
  const checkpoints = witness.summary()
  if (report.verdict !== 'intact' || witness.newest === null) return { report, checkpoints, files: [], left }
  const written = await writeFiles(log, options, witness, source.checkpoints, candidates)
  return { report, checkpoints, files: written, left }
}

function candidateOf(
  { sessionId, status, entries }: SessionReport,
  isArchived: Readonly<Record<AuditedStream, (sequence: number) => boolean>>,
  { newest }: CheckpointWitness,
  beforeMs: number,
): Candidate | 'archived' | 'waits' {
  if (entries.every(({ stream, sequence }) => isArchived[stream](sequence))) return 'archived'
  const size = { SESSIONS: newest?.sessions.size ?? 0, MESSAGES: newest?.messages.size ?? 0 }
  const lifecycle = entries.filter(({ stream }) => stream === 'SESSIONS')
  const isOver = status === 'completed' || status === 'failed' || status === 'expired'
  const endedMs = lifecycle.at(-1)?.timeMs ?? Infinity
  const isCovered = entries.every(({ stream, sequence }) => sequence <= size[stream])
  if (!isOver || endedMs >= beforeMs || !isCovered) return 'waits'
  const first = lifecycle[0]?.sequence ?? 0
  return { sessionId, first, isAgain: isArchived.SESSIONS(first) }
}

async function writeFiles(
  log: LogReader,
  options: ArchiveOptions,
  witness: CheckpointWitness,
  checkpoints: AuditSource['checkpoints'],
  candidates: readonly Candidate[],
): Promise<readonly ArchiveFile[]> {
  const { newest, leaves } = witness
  if (newest === null) return []
  const prove = proverOf({
    SESSIONS: treeOf(leaves.SESSIONS, 'SESSIONS', newest.sessions.size),
    MESSAGES: treeOf(leaves.MESSAGES, 'MESSAGES', newest.messages.size),
  })
  const queue = candidates.toSorted((a, b) => a.first - b.first)
  const written: ArchiveFile[] = []
  while (queue.length > 0) {
    const files = [...options.files, ...written]
    const after = files.at(-1)?.checkpoint.sequence ?? 0
    const reading = { ...options, files, checkpoints: checkpoints.filter(({ sequence }) => sequence >= after) }
    const taken: Candidate[] = []
    const file = await writeFile(reading, sessionsFrom(log, reading, newest, queue, taken), prove, newest, taken)
    await writeManifest(options.folder, [...files, file])
    written.push(file)
    options.onFile(file)
  }
  return written
}

type Reading = ArchiveOptions & Readonly<{ checkpoints: AuditSource['checkpoints'] }>
type Newest = NonNullable<CheckpointWitness['newest']>

/** From the queue, until the file is large enough, each with the session that made its key. */
async function* sessionsFrom(
  log: LogReader,
  { folder, files, nowMs, fileBytes }: Reading,
  newest: Newest,
  queue: Candidate[],
  taken: Candidate[],
): AsyncGenerator<SessionRecords> {
  const archive = files.length === 0 ? null : archiveOf(folder, files)
  const read = async (sessionId: string): Promise<SessionRecords | null> => {
    for await (const records of (await selectSessions(log, [sessionId], nowMs, archive)).sessions()) {
      if (records.sessionId === sessionId) return covered(records, newest)
    }
    return null
  }
  const done = new Set<string>()
  for (let bytes = 0; bytes < fileBytes; ) {
    const next = queue.shift()
    if (next === undefined) return
    taken.push(next)
    const records = done.has(next.sessionId) ? null : await read(next.sessionId)
    const keyId = records === null ? null : keyIdOf(records)
    const key = keyId === null || done.has(keyId) ? null : await read(keyId)
    for (const wanted of [key, records]) {
      if (wanted === null) continue
      done.add(wanted.sessionId)
      bytes += eventsOf(wanted).reduce((sum, { data }) => sum + data.length, 0)
      yield wanted
    }
  }
}

/** What was appended since comes with the next run. */
function covered({ sessionId, lifecycle, messages }: SessionRecords, newest: Newest): SessionRecords {
  return {
    sessionId,
    lifecycle: lifecycle.filter(({ sequence }) => sequence <= newest.sessions.size),
    messages: messages.filter(({ sequence }) => sequence <= newest.messages.size),
  }
}

async function writeFile(
  { folder, files, nowMs, checkpoints, coordinatorKeys = [] }: Reading,
  sessions: AsyncGenerator<SessionRecords>,
  prove: Prover,
  newest: Newest,
  taken: readonly Candidate[],
): Promise<ArchiveFile> {
  const name = `mpc-audit-${String(files.length + 1).padStart(6, '0')}.jsonl`
  const path = join(folder, name)
  const part = path + partSuffix
  const extent = { SESSIONS: newest.sessions.size, MESSAGES: newest.messages.size }
  const source = {
    complete: false,
    extent,
    takenAtMs: nowMs,
    checkpoints,
    problems: () => [],
    sessions: () => sessions,
  }
  const exported = await writeNew(part, exportLines(source, prove))
  const keys = coordinatorKeys.length > 0 ? coordinatorKeys : [newest.coordinatorKey]
  // Read back from the disk, as an auditor will, and trusting nobody but who has signed the log's checkpoints so far.
  const { report, positions } = await checkArchiveFile(part, keys)
  const isWhole =
    report.verdict === 'intact' && report.sessions === exported.sessions && report.events === exported.events
  if (!isWhole)
    throw new BadArchiveFile(`${part} is not what was written: ${report.findings[0]?.reason ?? 'cut short'}`)
  const hashed = await hashFile(part)
  await moveInto(part, path)
  return {
    name,
    ...hashed,
    sessions: report.sessions,
    events: report.events,
    streams: { SESSIONS: [...positions.SESSIONS], MESSAGES: [...positions.MESSAGES] },
    checkpoint: { sequence: newest.sequence, sha256: bytesToHex(newest.hash) },
    again: taken.filter(({ isAgain }) => isAgain).map(({ sessionId }) => sessionId),
    archived_at: new Date(nowMs).toISOString(),
  }
}

/** What a run that was killed has left. */
async function removeParts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.endsWith(partSuffix)) await rm(join(folder, name))
}
