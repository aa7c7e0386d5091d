/**
 * That one checkpoint's log only adds to an earlier one's, for somebody who kept the earlier checkpoint and has not the
 * log: both checkpoints, and for each stream a proof of consistency (RFC 9162, section 2.1.4). A JSON object,
 * docs/audit.md.
 */
import { z } from 'zod'
import type { StoredEvent } from '../events/event-log.ts'
import { followChain, type CheckpointChain } from './checkpoint-chain.ts'
import { decodeCheckpoint, type TreeHead } from './checkpoint-event.ts'
import type { Trees } from './log-prover.ts'
import { verifyConsistency, type MerkleTree } from './merkle-tree.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { checkpoints } from '../events/subjects.ts'

const format = 'mpc-audit-consistency'
const checkpoint = z.strictObject({ sequence: z.int().min(1).max(2 ** 40), data: z.base64() })
const proof = z.array(z.base64().length(44)).max(130)

const consistency = z.object({
  format: z.literal(format),
  version: z.literal(1),
  from: checkpoint,
  to: checkpoint,
  proofs: z.strictObject({ SESSIONS: proof, MESSAGES: proof }),
})
export type Consistency = z.infer<typeof consistency>

/** Null for anything that is none. */
export function parseConsistency(text: string): Consistency | null {
  try {
    const parsed = consistency.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** `trees`: of the later checkpoint. Throws RangeError where the earlier one ends in what was moved to an archive. */
export function proveConsistency(from: StoredEvent, to: StoredEvent, trees: Trees): Consistency {
  const [earlier, later] = [decodeCheckpoint(from.data), decodeCheckpoint(to.data)]
  const prove = (tree: MerkleTree, before: TreeHead, after: TreeHead): string[] =>
    before.size === 0 ? [] : tree.consistencyProof(before.size, after.size).map(toBase64)
  return {
    format,
    version: 1,
    from: { sequence: from.sequence, data: toBase64(from.data) },
    to: { sequence: to.sequence, data: toBase64(to.data) },
    proofs: {
      SESSIONS: prove(trees.SESSIONS, earlier.sessions, later.sessions),
      MESSAGES: prove(trees.MESSAGES, earlier.messages, later.messages),
    },
  }
}

export type ConsistencyCheck = Readonly<{
  /** What does not hold; null: all does. */
  problem: string | null
  from: CheckpointChain['checkpoints'][number] | null
  to: CheckpointChain['checkpoints'][number] | null
}>

/** `coordinatorKeys`: none: that of the earlier checkpoint is trusted. */
export async function checkConsistency(
  { from, to, proofs }: Consistency,
  coordinatorKeys: readonly Uint8Array[],
): Promise<ConsistencyCheck> {
  const first = await followChain([stored(from)], coordinatorKeys, true)
  const second = await followChain([stored(to)], first.trustedKeys, true)
  const [earlier = null, later = null] = [first.checkpoints[0], second.checkpoints[0]]
  const answer = (problem: string | null): ConsistencyCheck => ({ problem, from: earlier, to: later })
  const broken = [...first.findings, ...second.findings][0]
  if (broken !== undefined || earlier === null || later === null) {
    return answer(broken?.reason ?? 'a checkpoint is missing')
  }
  if (later.sequence < earlier.sequence) return answer('the checkpoints are in the wrong order')
  const isSame = later.sequence !== earlier.sequence || equalBytes(later.hash, earlier.hash)
  if (!isSame) return answer(`there are two checkpoints ${later.sequence}: two histories`)
  const streams = [
    ['SESSIONS', earlier.sessions, later.sessions],
    ['MESSAGES', earlier.messages, later.messages],
  ] as const
  for (const [stream, before, after] of streams) {
    const nodes = proofs[stream].map((node) => Uint8Array.from(Buffer.from(node, 'base64')))
    const holds = before.size === 0 ? nodes.length === 0 : verifyConsistency(before, after, nodes)
    if (!holds) {
      const problem = `is not shown to go on from checkpoint ${earlier.sequence}`
      return answer(`${stream} of checkpoint ${later.sequence} ${problem}`)
    }
  }
  return answer(null)
}

function stored({ sequence, data }: Consistency['from']): StoredEvent {
  return { stream: 'CHECKPOINTS', sequence, subject: checkpoints, data: Uint8Array.from(Buffer.from(data, 'base64')) }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
