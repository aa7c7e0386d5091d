/**
 * Proofs that single events are in a log that a checkpoint covers. Reads both streams once, and keeps 32 bytes a leaf.
 */
import type { LogReader, StoredEvent } from '../events/event-log.ts'
import { allMessages, allSessions } from '../events/subjects.ts'
import type { Archive } from './archive/open-archive.ts'
import { decodeCheckpoint, type TreeHead } from './checkpoint-event.ts'
import { LeafStore } from './leaf-store.ts'
import { leafOfEvent, leafOfGap } from './log-leaf.ts'
import { MerkleTree, type Frontier } from './merkle-tree.ts'
import type { AuditedStream } from './records.ts'

/** Null for an event that no checkpoint covers yet, or of which too much around it was moved to an archive. */
export type Prover = (event: StoredEvent) => readonly Uint8Array[] | null

/**
 * Towards the newest of the checkpoints, oldest first; without any nothing can be proved. `archive`: where what was
 * trimmed can be read. Throws LogUnavailable.
 */
export async function openProver(
  log: LogReader,
  checkpoints: readonly StoredEvent[],
  archive: Archive | null = null,
): Promise<Prover> {
  const newest = checkpoints.at(-1)
  return newest === undefined ? () => null : proverOf(await readTrees(log, newest, archive))
}

export type Trees = Readonly<Record<AuditedStream, MerkleTree>>

/** Those that a checkpoint commits to. Throws LogUnavailable. */
export async function readTrees(log: LogReader, checkpoint: StoredEvent, archive: Archive | null): Promise<Trees> {
  const { sessions, messages } = decodeCheckpoint(checkpoint.data)
  const leaves = { SESSIONS: new LeafStore(), MESSAGES: new LeafStore() }
  await readLeaves(log, allSessions, sessions, leaves.SESSIONS)
  await readLeaves(log, allMessages, messages, leaves.MESSAGES)
  const trimmed = await log.trimmed()
  if (trimmed !== null && archive !== null) {
    for await (const { messages: archived } of archive.sessions([])) {
      for (const event of archived) leaves.MESSAGES.set(event.sequence, leafOfEvent(event))
    }
  }
  const isOpen = trimmed !== null && archive === null && trimmed.upTo <= messages.size
  const base = isOpen ? { size: trimmed.upTo, subtrees: trimmed.subtrees } : undefined
  return {
    SESSIONS: treeOf(leaves.SESSIONS, 'SESSIONS', sessions.size),
    MESSAGES: treeOf(leaves.MESSAGES, 'MESSAGES', messages.size, base),
  }
}

export function proverOf(trees: Trees): Prover {
  return ({ stream, sequence }) => {
    const tree = trees[stream === 'MESSAGES' ? 'MESSAGES' : 'SESSIONS']
    return tree.baseSize < sequence && sequence <= tree.size ? tree.inclusionProof(sequence - 1) : null
  }
}

/** The tree of so many leaves; what is not among them is a gap, or under the base. */
export function treeOf(leaves: LeafStore, stream: AuditedStream, size: number, base?: Frontier): MerkleTree {
  const tree = new MerkleTree(base)
  while (tree.size < size) {
    const sequence = tree.size + 1
    tree.append(leaves.get(sequence) ?? leafOfGap(stream, sequence))
  }
  return tree
}

async function readLeaves(log: LogReader, filter: string, { size }: TreeHead, leaves: LeafStore): Promise<void> {
  if (size === 0) return
  for await (const event of log.read(filter)) {
    if (event.sequence > size) return
    leaves.set(event.sequence, leafOfEvent(event))
    if (event.sequence === size) return
  }
}
