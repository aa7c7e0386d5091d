/**
 * The leaves of the log's Merkle trees: leaf n−1 of a stream's tree commits to everything that the stream holds at
 * position n. Checkpoints, inclusion proofs and audits all begin here.
 */
import { createHash } from 'node:crypto'
import type { StoredEvent } from '../events/event-log.ts'
import { appendLeaf, type Frontier } from './merkle-tree.ts'

/** RFC 9162, section 2.1.1, gives leaves the prefix 0 and inner nodes 1; 2 is ours, for a position without an event. */
const eventPrefix = Uint8Array.of(0)
const gapPrefix = Uint8Array.of(2)

/** Stream, position, subject and stored bytes, each preceded by its length as 4 bytes. */
export function leafOfEvent({ stream, sequence, subject, data }: StoredEvent): Uint8Array {
  return hashFramed(eventPrefix, [Buffer.from(stream), position(sequence), Buffer.from(subject), data])
}

/** In place of an event that is missing in the middle of a stream, which never lets go of one. */
export function leafOfGap(stream: string, sequence: number): Uint8Array {
  return hashFramed(gapPrefix, [Buffer.from(stream), position(sequence)])
}

/** The next event of the stream. Throws RangeError for one that the tree holds already. */
export function appendEvent(tree: Frontier, event: StoredEvent): Frontier {
  if (event.sequence <= tree.size) throw new RangeError('this event is in the tree already')
  return appendLeaf(appendGaps(tree, event.stream, event.sequence - 1), leafOfEvent(event))
}

/** Up to `size`, there are no events. */
export function appendGaps(tree: Frontier, stream: string, size: number): Frontier {
  let next = tree
  while (next.size < size) next = appendLeaf(next, leafOfGap(stream, next.size + 1))
  return next
}

function position(sequence: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(sequence))
  return bytes
}

function hashFramed(prefix: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256').update(prefix)
  for (const part of parts) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    hash.update(length).update(part)
  }
  return Uint8Array.from(hash.digest())
}
