/** `mpc audit trim`: drops from the log what an archive holds, after everything in both was checked once more. */
import { hexToBytes } from '@noble/hashes/utils.js'
import { openArchive } from '../../audit/archive/open-archive.ts'
import { planTrim, type TrimPlan } from '../../audit/archive/plan-trim.ts'
import { openTrimmer, type Trimmer } from '../../events/trim-messages.ts'
import {
  addressOf,
  archivedCheckpoints,
  chainHeads,
  keptCheckpoints,
  withLog,
  type WhereOptions,
} from './audited-log.ts'
import { counted, verdictLine } from './render.ts'

export type TrimCommand = WhereOptions &
  Readonly<{
    archive: string
    /** Without it only says what would be dropped. */
    yes?: true
    database?: string | true
    coordinatorKey: readonly string[]
  }>

/** Resolves to the exit code: as `verify` has it. */
export async function trim(options: TrimCommand): Promise<number> {
  try {
    return await checkAndTrim(options)
  } catch (error) {
    console.error(`mpc: ${error instanceof Error ? error.message : String(error)}`)
    return 2
  }
}

async function checkAndTrim(options: TrimCommand): Promise<number> {
  const trimmer = options.yes === true ? await openTrimmer({ ...addressOf(options), name: 'operator' }) : null
  try {
    if ((await trimmer?.restore()) === true) console.log('an earlier trim was interrupted: MESSAGES takes events again')
    const plan = await planFor(options)
    if (plan.report.verdict !== 'intact') {
      console.log(`nothing was dropped: ${verdictLine(plan.report)}`)
      return plan.report.verdict === 'tampered' ? 1 : 2
    }
    console.log(`${verdictLine(plan.report)}\n  ${plan.checkpoints}`)
    console.log(await dropped(plan, trimmer))
    return 0
  } finally {
    await trimmer?.close()
  }
}

async function planFor(options: TrimCommand): Promise<TrimPlan> {
  const { database, coordinatorKey } = options
  const archive = await openArchive(options.archive)
  const kept = [...(await archivedCheckpoints(archive))]
  const heads = database === undefined ? undefined : await chainHeads(database, options)
  if (database !== undefined) kept.push(await keptCheckpoints(database, options))
  const coordinatorKeys = coordinatorKey.map((hex) => hexToBytes(hex))
  const withHeads = heads === undefined ? {} : { heads }
  return withLog(options, (log) => planTrim(log, archive, Date.now(), { coordinatorKeys, kept, ...withHeads }))
}

async function dropped({ trim: record, trimmedUpTo }: TrimPlan, trimmer: Trimmer | null): Promise<string> {
  if (record === null) return `nothing more to drop: MESSAGES begins after event ${trimmedUpTo}`
  const what = `MESSAGES ${trimmedUpTo + 1} to ${record.upTo}`
  if (trimmer === null) return `${what} are archived, checked, and may be dropped: call again with --yes`
  const { messages, bytes } = await trimmer.trim(record)
  return `${what} dropped: ${counted(messages, 'event')}, ${bytes} bytes. From now on audits need the archive: keep it`
}
