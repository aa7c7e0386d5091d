/** An archive as what was read from a log: its sessions, each once and whole. Whoever reads it checks it. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { lineOf, maxLineBytes } from '../export-lines.ts'
import { openExport, UnreadableExport } from '../read-export.ts'
import { auditedStreams, type AuditedEvent, type AuditSource, type Finding, type SessionRecords } from '../records.ts'
import { BadLine, linesOf } from '../text-lines.ts'
import { hashFile } from './durable-files.ts'
import { Positions, readManifest, UnreadableArchive, type ArchiveFile } from './manifest.ts'

export type Archive = Readonly<{
  folder: string
  files: readonly ArchiveFile[]
  /** Those of the first file first. `problems` is told what is wrong with the files. */
  sessions(problems: Finding[]): AsyncGenerator<SessionRecords>
  /** As it was archived last; null where it was not. Its file is not checked. */
  find(sessionId: string): Promise<SessionRecords | null>
}>

/** Throws UnreadableArchive. */
export async function openArchive(folder: string): Promise<Archive> {
  const files = await readManifest(folder)
  if (files === null) throw new UnreadableArchive(`${folder} holds no archive`)
  return archiveOf(folder, files)
}

export function archiveOf(folder: string, files: readonly ArchiveFile[]): Archive {
  const findIn = (file: ArchiveFile, sessionId: string) => sessionIn(join(folder, file.name), sessionId)
  return {
    folder,
    files,
    sessions: (problems) => readAll(folder, files, findIn, problems),
    find: async (sessionId) => {
      for (const file of files.toReversed()) {
        const found = await findIn(file, sessionId)
        if (found !== null) return found
      }
      return null
    },
  }
}

async function* readAll(
  folder: string,
  files: readonly ArchiveFile[],
  findIn: (file: ArchiveFile, sessionId: string) => Promise<SessionRecords | null>,
  problems: Finding[],
): AsyncGenerator<SessionRecords> {
  const newest = new Map(files.flatMap((file) => file.again.map((sessionId) => [sessionId, file] as const)))
  const done = new Set<string>()
  for (const file of files) {
    for await (const records of readChecked(folder, file, problems)) {
      const { sessionId } = records
      // The session of a key is in every file with signatures by it.
      if (done.has(sessionId)) continue
      done.add(sessionId)
      const again = newest.get(sessionId)
      yield again === undefined || again === file ? records : ((await findIn(again, sessionId)) ?? records)
    }
  }
}

/** The sessions of a file, which has to be the one of the manifest. */
async function* readChecked(folder: string, file: ArchiveFile, problems: Finding[]): AsyncGenerator<SessionRecords> {
  const blame = (reason: string, line: number | null = null) =>
    problems.push({
      kind: 'tampered',
      stream: 'FILE',
      sequence: line,
      sessionId: null,
      reason: `${file.name}: ${reason}`,
    })
  const path = join(folder, file.name)
  let source: AuditSource
  try {
    const { sha256, bytes } = await hashFile(path)
    if (sha256 !== file.sha256 || bytes !== file.bytes) blame('it is not the file that the manifest names')
    source = await openExport(path)
  } catch (error) {
    const isExpected = error instanceof UnreadableExport || (error instanceof Error && 'code' in error)
    if (!isExpected) throw error
    blame(`it cannot be read: ${error.message}`)
    return
  }
  const positions = new Positions()
  for await (const records of source.sessions()) {
    for (const { stream, sequence } of eventsOf(records))
      positions.add(stream === 'MESSAGES' ? stream : 'SESSIONS', sequence)
    yield records
  }
  for (const { reason, sequence } of source.problems()) blame(reason, sequence)
  const found = positions.ranges()
  const isSame = auditedStreams.every(
    (stream) => JSON.stringify(found[stream]) === JSON.stringify(file.streams[stream]),
  )
  if (!isSame) blame('it holds other events than the manifest says')
}

export function eventsOf({ lifecycle, messages }: SessionRecords): readonly AuditedEvent[] {
  return [...lifecycle, ...messages]
}

async function sessionIn(path: string, sessionId: string): Promise<SessionRecords | null> {
  if (!(await mentions(path, sessionId))) return null
  for await (const records of (await openExport(path)).sessions()) if (records.sessionId === sessionId) return records
  return null
}

/** Looks for the line that begins the session, which is much faster than reading what is in them all. */
async function mentions(path: string, sessionId: string): Promise<boolean> {
  const wanted = lineOf({ session: sessionId }).trimEnd()
  try {
    for await (const { text } of linesOf(createReadStream(path), maxLineBytes)) if (text === wanted) return true
    return false
  } catch (error) {
    if (error instanceof BadLine || (error instanceof Error && 'code' in error)) return false
    throw error
  }
}
