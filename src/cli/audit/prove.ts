/** `mpc audit prove`: that a checkpoint's log only adds to an earlier one's; and the check of it, without the log. */
import { statSync, readFileSync } from 'node:fs'
import { checkConsistency, parseConsistency, proveConsistency, type Consistency } from '../../audit/consistency.ts'
import { keyNames } from '../../audit/checkpoint-chain.ts'
import { readTrees } from '../../audit/log-prover.ts'
import type { LogReader, StoredEvent } from '../../events/event-log.ts'
import { StartupError } from '../startup-error.ts'
import { archiveAt, withLog, type WhereOptions } from './audited-log.ts'

export type ProveOptions = WhereOptions & Readonly<{ from: number; to?: number; archive?: string }>

/** Throws StartupError, LogUnavailable. */
export async function prove(options: ProveOptions): Promise<void> {
  await withLog(options, async (log) => {
    const to = await checkpointAt(log, options.to ?? (await log.lastSequence('CHECKPOINTS')))
    const from = await checkpointAt(log, options.from)
    if (from.sequence > to.sequence) throw new StartupError('--from is after --to')
    const trees = await readTrees(log, to, await archiveAt(options.archive))
    console.log(JSON.stringify(proved(from, to, trees)))
  })
}

function proved(from: StoredEvent, to: StoredEvent, trees: Awaited<ReturnType<typeof readTrees>>): Consistency {
  try {
    return proveConsistency(from, to, trees)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new StartupError('what this is about was moved to an archive: name that with --archive')
  }
}

async function checkpointAt(log: LogReader, sequence: number): Promise<StoredEvent> {
  if (sequence === 0) throw new StartupError('the log has no checkpoint yet')
  const found = await log.at('CHECKPOINTS', sequence)
  if (found === null) throw new StartupError(`there is no checkpoint ${sequence}`)
  return found
}

/** More than any proof takes. */
const maxProofBytes = 64 * 1024

/** Null where the file is something else. */
export function consistencyIn(path: string): Consistency | null {
  return statSync(path).size > maxProofBytes ? null : parseConsistency(readFileSync(path, 'utf8'))
}

/** Prints the verdict; resolves to the exit code, 0 or 1. */
export async function verifyConsistencyFile(
  proof: Consistency,
  coordinatorKeys: readonly Uint8Array[],
  json: boolean,
): Promise<number> {
  const { problem, from, to } = await checkConsistency(proof, coordinatorKeys)
  if (json) {
    const verdict = problem === null ? 'intact' : 'tampered'
    console.log(JSON.stringify({ verdict, problem, from: proof.from.sequence, to: proof.to.sequence }, null, 2))
  } else if (problem !== null) {
    console.log(`TAMPERED: ${problem}`)
  } else if (from !== null && to !== null) {
    const grown = (['sessions', 'messages'] as const).map((one) => `${one} ${from[one].size} to ${to[one].size}`)
    console.log(`intact: checkpoint ${to.sequence} only adds to checkpoint ${from.sequence}: ${grown.join(', ')}`)
    const taken = ', taken from the first of them: compare it with what the operator says'
    const trust = coordinatorKeys.length > 0 ? '' : taken
    console.log(`  signed by ${keyNames([to.coordinatorKey])}${trust}`)
  }
  return problem === null ? 0 : 1
}
