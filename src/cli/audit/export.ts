/** `mpc audit export`: the log, or some sessions of it, in a file that is there whole or not at all. */
import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { openLiveLog, selectSessions } from '../../audit/live-log.ts'
import { openProver, type Prover } from '../../audit/log-prover.ts'
import { exportLines, type Exported } from '../../audit/write-export.ts'
import type { AuditSource } from '../../audit/records.ts'
import { StartupError } from '../startup-error.ts'
import { withLog, type WhereOptions } from './audited-log.ts'
import { counted } from './render.ts'

export type ExportOptions = WhereOptions & Readonly<{ output: string; force?: true }>

/** Throws StartupError, and what the log throws. */
export async function exportLog(sessionIds: readonly string[], options: ExportOptions): Promise<void> {
  const { output, force } = options
  const exported = await withLog(options, async (log) => {
    const nowMs = Date.now()
    if (sessionIds.length === 0) return writeExport(await openLiveLog(log, nowMs), output, force === true)
    const source = await selectSessions(log, sessionIds, nowMs)
    return writeExport(source, output, force === true, await openProver(log, source.checkpoints))
  })
  const { sessions, events, sha256 } = exported
  console.log(`${output}: ${counted(sessions, 'session')}, ${counted(events, 'event')}, sha256 ${sha256}`)
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
    const exported = await writeLines(exportLines(source, prove), temporary)
    // A link appears only where there is nothing; a rename takes the place of what is there.
    await (force ? rename(temporary, output) : link(temporary, output))
    return exported
  } catch (error) {
    throw explained(error, output)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function writeLines(lines: AsyncGenerator<string, Exported>, path: string): Promise<Exported> {
  const file = await open(path, 'wx', 0o600)
  try {
    for (;;) {
      const line = await lines.next()
      if (line.done === true) {
        await file.sync()
        return line.value
      }
      await file.write(line.value)
    }
  } finally {
    await file.close()
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
