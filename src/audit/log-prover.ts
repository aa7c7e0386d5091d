/** Proofs that single events are in a log that a checkpoint covers. Reads both streams once, and keeps 32 bytes a leaf. */
import type { LogReader, StoredEvent } from '../events/event-log.ts'
import { allMessages, allSessions } from '../events/subjects.ts'
import { decodeCheckpoint, type TreeHead } from './checkpoint-event.ts'
import { leafOfEvent, leafOfGap } from './log-leaf.ts'
import { MerkleTree } from './merkle-tree.ts'
import type { AuditedStream } from './records.ts'

/** Null for an event that no checkpoint covers yet. */
export type Prover = (event: StoredEvent) => readonly Uint8Array[] | null

/** Towards the newest of the checkpoints, oldest first; without any nothing can be proved. Throws LogUnavailable. */
export async function openProver(log: LogReader, checkpoints: readonly StoredEvent[]): Promise<Prover> {
  const newest = checkpoints.at(-1)
  if (newest === undefined) return () => null
  const { sessions, messages } = decodeCheckpoint(newest.data)
  const trees = {
    SESSIONS: await treeUpTo(log, 'SESSIONS', allSessions, sessions),
    MESSAGES: await treeUpTo(log, 'MESSAGES', allMessages, messages),
  }
  return ({ stream, sequence }) => {
    const tree = trees[stream === 'MESSAGES' ? 'MESSAGES' : 'SESSIONS']
    return sequence <= tree.size ? tree.inclusionProof(sequence - 1) : null
  }
}

async function treeUpTo(
  log: LogReader,
  stream: AuditedStream,
  filter: string,
  { size }: TreeHead,
): Promise<MerkleTree> {
  const tree = new MerkleTree()
  const skipTo = (end: number): void => {
    while (tree.size < end) tree.append(leafOfGap(stream, tree.size + 1))
  }
  for await (const event of log.read(filter)) {
    if (event.sequence > size) break
    skipTo(event.sequence - 1)
    tree.append(leafOfEvent(event))
    if (tree.size === size) break
  }
  skipTo(size)
  return tree
}
