/** A log with checkpoints of it, as the coordinator would have signed them. */
import { encodeCheckpoint, noCheckpoint, type TreeHead } from '../../../src/audit/checkpoint-event.ts'
import { leafOfEvent } from '../../../src/audit/log-leaf.ts'
import { appendLeaf, emptyFrontier, rootOf } from '../../../src/audit/merkle-tree.ts'
import type { AuditedStream } from '../../../src/audit/records.ts'
import { checkpoints } from '../../../src/events/subjects.ts'
import { identityFromSeed, type Identity } from '../../../src/identity/identity-key.ts'
import type { Raw } from './tampered-store.ts'

export type Log = Readonly<Record<AuditedStream, readonly Raw[]>>
export type Checkpointed = Log & Readonly<{ CHECKPOINTS: readonly Raw[] }>

/** The coordinator's. */
export const identity = await identityFromSeed(new Uint8Array(32).fill(1))

/** With checkpoints at these sizes of SESSIONS and MESSAGES. */
export async function checkpointed(of: Log, sizes: readonly [number, number][], by: Identity = identity): Promise<Checkpointed> {
  const CHECKPOINTS: Raw[] = []
  let head = noCheckpoint
  for (const [sessions, messages] of sizes) {
    const trees = { sessions: treeOf(of, 'SESSIONS', sessions), messages: treeOf(of, 'MESSAGES', messages) }
    const next = await encodeCheckpoint(by, head, { timeMs: head.timeMs + 1000, ...trees })
    head = next.head
    CHECKPOINTS.push({ subject: checkpoints, data: next.bytes })
  }
  return { ...of, CHECKPOINTS }
}

function treeOf(of: Log, stream: AuditedStream, size: number): TreeHead {
  const leaves = of[stream].slice(0, size).map((raw, index) => leafOfEvent({ ...raw, stream, sequence: index + 1 }))
  const tree = leaves.reduce(appendLeaf, emptyFrontier)
  return { size: tree.size, root: rootOf(tree) }
}
