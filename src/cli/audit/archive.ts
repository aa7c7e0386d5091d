/** `mpc audit archive`: copies sessions that are over into checked files. Takes nothing out of the log. */
import { hexToBytes } from '@noble/hashes/utils.js'
import { archiveLog, type Archived } from '../../audit/archive/write-archive.ts'
import { archiveOf } from '../../audit/archive/open-archive.ts'
import { readManifest, type ArchiveFile } from '../../audit/archive/manifest.ts'
import { makeFolder } from '../../party/node/make-folder.ts'
import { lockFolder } from '../stack/data-lock.ts'
import { StartupError } from '../startup-error.ts'
import { archivedCheckpoints, keptCheckpoints, withLog, type WhereOptions } from './audited-log.ts'
import { counted, verdictLine } from './render.ts'

export type ArchiveCommand = WhereOptions &
  Readonly<{
    output: string
    /** Unix milliseconds. */
    before: number
    fileSize: number
    database?: string | true
    coordinatorKey: readonly string[]
    json?: true
  }>

/** Resolves to the exit code: as `verify` has it, of the log and what is archived of it. */
export async function archive(options: ArchiveCommand): Promise<number> {
  try {
    return await archiveInto(options)
  } catch (error) {
    console.error(`mpc: nothing more was archived: ${error instanceof Error ? error.message : String(error)}`)
    return 2
  }
}

async function archiveInto(options: ArchiveCommand): Promise<number> {
  const { output: folder, before, fileSize, database, coordinatorKey, json } = options
  makeFolder(folder, 0o700)
  const release = lockFolder(folder, (pid) => `process ${pid} writes to the archive ${folder}`)
  try {
    const files = (await readManifest(folder)) ?? []
    const kept = [...(await archivedCheckpoints(archiveOf(folder, files)))]
    if (database !== undefined) kept.push(await keptCheckpoints(database, options))
    const archived = await withLog(options, (log) =>
      archiveLog(log, {
        folder,
        files,
        beforeMs: before,
        nowMs: Date.now(),
        fileBytes: fileSize,
        coordinatorKeys: coordinatorKey.map((hex) => hexToBytes(hex)),
        kept,
        onFile: (file) => {
          if (json !== true) console.log(fileLine(folder, file))
        },
      }),
    )
    return report(archived, options)
  } finally {
    release()
  }
}

function report(
  { report: found, checkpoints, files, left }: Archived,
  { output: folder, json }: ArchiveCommand,
): number {
  if (json === true) {
    const { verdict, findings } = found
    console.log(JSON.stringify({ verdict, findings, checkpoints, files, left }, null, 2))
  } else if (found.verdict !== 'intact') {
    console.log(`nothing was archived: ${verdictLine(found)}`)
  } else {
    const sum = files.reduce((count, { sessions }) => count + sessions, 0)
    const done = files.length === 0 ? 'nothing more to archive' : `${counted(sum, 'session')} archived in ${folder}`
    console.log(`${done}; ${counted(left, 'session')} left for a later run`)
  }
  if (found.verdict !== 'intact') return found.verdict === 'tampered' ? 1 : 2
  if (found.sessions > 0 && checkpoints.startsWith('no checkpoints')) {
    throw new StartupError('nothing can be archived: the log has no checkpoint yet')
  }
  return 0
}

function fileLine(folder: string, { name, sessions, events, sha256, checkpoint }: ArchiveFile): string {
  const what = `${counted(sessions, 'session')}, ${counted(events, 'event')}`
  return `${folder}/${name}: ${what}, checked under checkpoint ${checkpoint.sequence}, sha256 ${sha256}`
}
