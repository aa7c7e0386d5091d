/** `mpc audit verify`: one line, and an exit code: 0 intact, 1 tampered with, 2 cannot be judged. */
import { existsSync } from 'node:fs'
import { hexToBytes } from '@noble/hashes/utils.js'
import { checkArchive } from '../../audit/archive/check-archive.ts'
import type { Archive } from '../../audit/archive/open-archive.ts'
import { checkLog, type KeptHead, type LogReport } from '../../audit/check-log.ts'
import { createCheckpointWitness } from '../../audit/checkpoint-witness.ts'
import { keyNames, type KeptCheckpoints } from '../../audit/checkpoint-chain.ts'
import { openLiveLog, selectSessions } from '../../audit/live-log.ts'
import type { AuditSource } from '../../audit/records.ts'
import { openExport } from '../../audit/read-export.ts'
import { isToken } from '../../events/subjects.ts'
import { StartupError } from '../startup-error.ts'
import {
  archiveAt,
  archivedCheckpoints,
  chainHeads,
  keptCheckpoints,
  withLog,
  type WhereOptions,
} from './audited-log.ts'
import { consistencyIn, verifyConsistencyFile } from './prove.ts'
import { findingText, verdictLine } from './render.ts'

export type VerifyOptions = WhereOptions &
  Readonly<{
    all?: true
    json?: true
    database?: string | true
    /** Public keys of the coordinators, hex. */
    coordinatorKey: readonly string[]
    /** Earlier exports of the same log. */
    since: readonly string[]
    /** Folder of an archive of the same log. */
    archive?: string
  }>

const exitCodes: Readonly<Record<LogReport['verdict'], number>> = { intact: 0, tampered: 1, unjudged: 2 }
/** More would not be read; `--json` has them all. */
const maxShown = 20

/** Resolves to the exit code; prints what it is about. */
export async function verify(target: string | undefined, options: VerifyOptions): Promise<number> {
  try {
    const proof = target !== undefined && existsSync(target) ? consistencyIn(target) : null
    if (proof !== null) return await verifyConsistencyFile(proof, keysOf(options), options.json === true)
    const { report, checkpoints } = await judge(target, options)
    if (options.json === true) console.log(JSON.stringify({ ...report, checkpoints }, null, 2))
    else {
      console.log(verdictLine(report))
      console.log(`  ${checkpoints}`)
      report.findings.slice(1, maxShown).forEach((finding) => console.log(`  ${finding.kind}: ${findingText(finding)}`))
    }
    return exitCodes[report.verdict]
  } catch (error) {
    console.error(`mpc: cannot judge: ${error instanceof Error ? error.message : String(error)}`)
    return exitCodes.unjudged
  }
}

function keysOf({ coordinatorKey }: VerifyOptions): readonly Uint8Array[] {
  return coordinatorKey.map((hex) => hexToBytes(hex))
}

type Judged = Readonly<{ report: LogReport; /** What they cover, in one line. */ checkpoints: string }>

async function judge(target: string | undefined, options: VerifyOptions): Promise<Judged> {
  const { all, database, since } = options
  const coordinatorKeys = keysOf(options)
  const archive = await archiveAt(options.archive)
  if (archive !== null && target === undefined && all !== true) return judgeArchive(archive, coordinatorKeys)
  const isOneThing = (target === undefined) === (all === true)
  if (!isOneThing) throw new StartupError('name an export file or a session, or use --all')
  const heads = database === undefined ? undefined : await chainHeads(database, options)
  // Before the source is opened: what was kept by then has to be in it.
  const kept = await Promise.all(since.map(checkpointsOf))
  if (database !== undefined) kept.push(await keptCheckpoints(database, options))
  if (archive !== null) kept.push(...(await archivedCheckpoints(archive)))
  const check = async (source: AuditSource, expectsProofs = false): Promise<Judged> => {
    const witness = await createCheckpointWitness(source, { coordinatorKeys, kept, expectsProofs })
    const report = await checkLog(source, { ...withHeads(heads), witness })
    return { report, checkpoints: witness.summary() }
  }
  if (target !== undefined && existsSync(target)) return check(await openExport(target), true)
  if (target !== undefined && !isToken(target)) throw new StartupError(`there is no file ${target}`)
  return withLog(options, async (log) => {
    if (target === undefined) return check(await openLiveLog(log, Date.now(), archive))
    return check(await selectSessions(log, [target], Date.now(), archive))
  })
}

/** By itself, without the log: every file, and that each goes on where the one before ended. */
async function judgeArchive(archive: Archive, coordinatorKeys: readonly Uint8Array[]): Promise<Judged> {
  const { report, checkpoint } = await checkArchive(archive, coordinatorKeys)
  const key = checkpoint === null ? '' : `; signed by ${keyNames([checkpoint.coordinatorKey])}`
  const trust = coordinatorKeys.length > 0 ? '' : ', taken from the first file: compare it with what the operator says'
  const upTo = checkpoint === null ? 'no checkpoints' : `archived under checkpoint ${checkpoint.sequence}`
  return { report, checkpoints: `${upTo}${key}${trust}` }
}

async function checkpointsOf(path: string): Promise<KeptCheckpoints> {
  return { keeper: path, checkpoints: (await openExport(path)).checkpoints }
}

function withHeads(heads: ReadonlyMap<string, KeptHead> | undefined) {
  return heads === undefined ? {} : { heads }
}
