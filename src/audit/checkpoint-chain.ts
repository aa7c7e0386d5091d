/** The checkpoints of a log, one after the other: each signed by the coordinators, each after the one before. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../crypto/bytes.ts'
import type { StoredEvent } from '../events/event-log.ts'
import {
  BrokenCheckpoint,
  decodeCheckpoint,
  noCheckpoint,
  readCheckpoint,
  type Checkpoint,
  type CheckpointHead,
} from './checkpoint-event.ts'
import type { Finding } from './records.ts'

export type CheckpointChain = Readonly<{
  /** Those before the first that does not fit. */
  checkpoints: readonly Checkpoint[]
  /** What they are signed with: the keys given, or else the key of the first. */
  trustedKeys: readonly Uint8Array[]
  findings: readonly Finding[]
}>

/**
 * `keys`: Ed25519 public keys of the coordinators; none: the first checkpoint's is trusted. `isPart`: the chain may
 * begin with any checkpoint; what came before it only its signature vouches for.
 */
export async function followChain(
  stored: readonly StoredEvent[],
  keys: readonly Uint8Array[],
  isPart = false,
): Promise<CheckpointChain> {
  const checkpoints: Checkpoint[] = []
  let trustedKeys = keys
  try {
    for (const { sequence, data } of stored) {
      if (trustedKeys.length === 0) trustedKeys = [decodeCheckpoint(data).coordinatorKey]
      const previous = checkpoints.at(-1) ?? (isPart ? headBefore(data) : noCheckpoint)
      const checkpoint = await readCheckpoint(data, previous, trustedKeys)
      if (checkpoint.sequence !== sequence) throw new BrokenCheckpoint(`checkpoint ${sequence} is out of its place`)
      checkpoints.push(checkpoint)
    }
  } catch (error) {
    if (!(error instanceof BrokenCheckpoint)) throw error
    const sequence = stored[checkpoints.length]?.sequence ?? null
    return { checkpoints, trustedKeys, findings: [finding(sequence, error.message)] }
  }
  return { checkpoints, trustedKeys, findings: [] }
}

function headBefore(data: Uint8Array): CheckpointHead {
  const { event, sequence } = decodeCheckpoint(data)
  return { ...noCheckpoint, sequence: sequence - 1, hash: event.previousHash }
}

/** Checkpoints that somebody has kept: Postgres, or an earlier export. */
export type KeptCheckpoints = Readonly<{
  /** For people: who has them. */
  keeper: string
  checkpoints: readonly Pick<StoredEvent, 'sequence' | 'data'>[]
}>

/**
 * The first checkpoint that was kept and is another one in the log, or gone. What is newer than `takenAtMs` (Unix
 * milliseconds) need not be there, nor what is older than the first in a part of a chain.
 */
export function compareWithKept(
  stored: readonly StoredEvent[],
  { keeper, checkpoints }: KeptCheckpoints,
  takenAtMs: number,
): Finding | null {
  const present = new Map(stored.map(({ sequence, data }) => [sequence, data]))
  const first = stored[0]?.sequence ?? 0
  for (const { sequence, data } of checkpoints) {
    if (sequence < first) continue
    const ours = present.get(sequence)
    if (ours === undefined) {
      if (decodeCheckpoint(data).timeMs > takenAtMs) continue
      return finding(sequence, `the checkpoint is missing, and ${keeper} has it: the end of the log was cut off`)
    }
    if (!equalBytes(ours, data)) {
      return finding(sequence, `the checkpoint is not the one that ${keeper} has: there are two histories`)
    }
  }
  return null
}

export function keyNames(keys: readonly Uint8Array[]): string {
  return keys.map((key) => bytesToHex(key)).join(', ')
}

function finding(sequence: number | null, reason: string): Finding {
  return { kind: 'tampered', stream: 'CHECKPOINTS', sequence, sessionId: null, reason }
}
