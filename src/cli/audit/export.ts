/** `mpc audit export`: the log, or some sessions of it, in a file that is there whole or not at all. */
import { randomBytes } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import { writeNew } from '../../audit/archive/durable-files.ts'
import { openLiveLog, selectSessions } from '../../audit/live-log.ts'
import { openProver, type Prover } from '../../audit/log-prover.ts'
import { exportLines, type Exported } from '../../audit/write-export.ts'
import type { AuditSource } from '../../audit/records.ts'
import type { Trimmed } from '../../events/trimmed.ts'
import { StartupError } from '../startup-error.ts'
import { archiveAt, withLog, type WhereOptions } from './audited-log.ts'
import { counted } from './render.ts'

export type ExportOptions = WhereOptions & Readonly<{ output: string; force?: true; archive?: string }>

/** Throws StartupError, and what the log throws. */
export async function exportLog(sessionIds: readonly string[], options: ExportOptions): Promise<void> {
  const { output, force } = options
  const exported = await withLog(options, async (log) => {
    const nowMs = Date.now()
    const archive = await archiveAt(options.archive)
    if (sessionIds.length === 0) {
      const source = await openLiveLog(log, nowMs, archive)
      if (source.trimmed !== undefined) throw partMovedAway(source.trimmed)
      return writeExport(source, output, force === true)
    }
    const source = await selectSessions(log, sessionIds, nowMs, archive)
    return writeExport(
      wholeSessions(source),
      output,
      force === true,
      await openProver(log, source.checkpoints, archive),
    )
  })
  const { sessions, events, sha256 } = exported
  console.log(`${output}: ${counted(sessions, 'session')}, ${counted(events, 'event')}, sha256 ${sha256}`)
}

/** Throws StartupError at a session of which the source has only a part. */
function wholeSessions(source: AuditSource): AuditSource {
  const { trimmed } = source
  if (trimmed === undefined) return source
  return {
    ...source,
    sessions: async function* () {
      for await (const records of source.sessions()) {
        if ((records.lifecycle[0]?.sequence ?? 0) <= trimmed.sessionsUpTo) throw partMovedAway(trimmed)
        yield records
      }
    },
  }
}

function partMovedAway({ upTo }: Trimmed): StartupError {
  return new StartupError(`MESSAGES was moved to an archive up to event ${upTo}: name that with --archive`)
}

/** Never replaces a file unless `force`. Throws StartupError. */
export async function writeExport(
  source: AuditSource,
  output: string,
  force: boolean,
  prove?: Prover,
): Promise<Exported> {
  const temporary = `${output}.${randomBytes(6).toString('hex')}.part`
  try {
    const exported = await writeNew(temporary, exportLines(source, prove))
    // A link appears only where there is nothing; a rename takes the place of what is there.
    await (force ? rename(temporary, output) : link(temporary, output))
    return exported
  } catch (error) {
    throw explained(error, output)
  } finally {
    await rm(temporary, { force: true })
  }
}

function explained(error: unknown, output: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EEXIST') return new StartupError(`${output} is there already: name another file, or use --force`)
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'its folder does not exist',
    EACCES: 'no permission',
    ENOSPC: 'the disk is full',
    EROFS: 'read-only',
    ENOTDIR: 'its folder is a file',
  }
  const reason = typeof code === 'string' ? reasons[code] : undefined
  return reason === undefined ? error : new StartupError(`${output} cannot be written: ${reason}`)
}
