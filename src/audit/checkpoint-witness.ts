/**
 * What signed checkpoints say of a log: of a whole one, that every event up to each checkpoint is the one it was made
 * of; of part of one, that each event comes with a proof that it was there.
 */
import { equalBytes } from '../crypto/bytes.ts'
import type { LogWitness } from './check-log.ts'
import {
  compareWithKept,
  followChain,
  keyNames,
  type CheckpointChain,
  type KeptCheckpoints,
} from './checkpoint-chain.ts'
import type { Checkpoint } from './checkpoint-event.ts'
import { LeafStore } from './leaf-store.ts'
import { leafOfEvent, leafOfGap } from './log-leaf.ts'
import { appendLeaf, emptyFrontier, rootOf, verifyInclusion, type Frontier } from './merkle-tree.ts'
import { auditedStreams, type AuditedEvent, type AuditedStream, type AuditSource, type Finding } from './records.ts'

export type CheckpointOptions = Readonly<{
  /** Public keys of the coordinators; none: that of the first checkpoint is trusted. */
  coordinatorKeys?: readonly Uint8Array[]
  kept?: readonly KeptCheckpoints[]
  /** Of a part of a log: a file has a proof for each event that a checkpoint covers. */
  expectsProofs?: boolean
}>

export type CheckpointWitness = LogWitness &
  Readonly<{
    /** In one line, for people: how far the log is covered, and by whose key. */
    summary(): string
    /** The newest checkpoint that fits the chain; null: none. */
    readonly newest: Checkpoint | null
    /** Events seen, and those of them that it covers. */
    counts(): Readonly<{ events: number; covered: number }>
    /** Of a complete source, when all was seen: the leaves of both trees that the newest checkpoint covers. */
    readonly leaves: Readonly<Record<AuditedStream, LeafStore>>
  }>

const treeOf = { SESSIONS: 'sessions', MESSAGES: 'messages' } as const

export async function createCheckpointWitness(
  source: Pick<AuditSource, 'complete' | 'extent' | 'takenAtMs' | 'checkpoints' | 'trimmed'>,
  { coordinatorKeys = [], kept = [], expectsProofs = false }: CheckpointOptions = {},
): Promise<CheckpointWitness> {
  const chain = await followChain(source.checkpoints, coordinatorKeys, !source.complete)
  const leaves = { SESSIONS: new LeafStore(), MESSAGES: new LeafStore() }
  const newest = chain.checkpoints.at(-1)
  const findings: Finding[] = [...chain.findings, ...missingChain(source, coordinatorKeys)]
  const counts = { events: 0, covered: 0 }
  let unproved = 0
  for (const one of kept) {
    const difference = compareWithKept(source.checkpoints, one, source.takenAtMs)
    if (difference !== null) findings.push(difference)
  }

  return {
    see: (event) => {
      const stream = event.stream === 'MESSAGES' ? 'MESSAGES' : 'SESSIONS'
      counts.events += 1
      if (newest === undefined || event.sequence > newest[treeOf[stream]].size) return false
      if (source.complete) leaves[stream].set(event.sequence, leafOfEvent(event))
      else if (event.proof === undefined) {
        unproved += 1
        return false
      } else if (!isIncluded(event, stream, newest)) findings.push(notIncluded(event, stream, newest))
      counts.covered += 1
      return true
    },
    conclude: async () => {
      if (!source.complete) return unproved > 0 && expectsProofs ? [...findings, withoutProof(unproved)] : findings
      return [...findings, ...auditedStreams.flatMap((stream) => compareTrees(stream, chain, leaves[stream], source))]
    },
    newest: newest ?? null,
    counts: () => ({ ...counts }),
    leaves,
    summary: () => summary(chain, counts, coordinatorKeys.length > 0),
  }
}

/** An auditor who knows the coordinators' key expects their checkpoints: without one nothing is said by them. */
function missingChain(
  { extent, checkpoints }: Pick<AuditSource, 'extent' | 'checkpoints'>,
  coordinatorKeys: readonly Uint8Array[],
): readonly Finding[] {
  if (coordinatorKeys.length === 0 || checkpoints.length > 0 || extent.SESSIONS + extent.MESSAGES === 0) return []
  const reason = 'there is no checkpoint by the given key'
  return [{ kind: 'unjudged', stream: 'CHECKPOINTS', sequence: null, sessionId: null, reason }]
}

function isIncluded(event: AuditedEvent, stream: AuditedStream, newest: Checkpoint): boolean {
  const { size, root } = newest[treeOf[stream]]
  return verifyInclusion(leafOfEvent(event), event.sequence - 1, size, event.proof ?? [], root)
}

function notIncluded({ sequence }: AuditedEvent, stream: AuditedStream, newest: Checkpoint): Finding {
  const reason = `checkpoint ${newest.sequence} was not made of this event`
  return { kind: 'tampered', stream, sequence, sessionId: null, reason }
}

/** Whoever has cut events out of a file, or put others in, cannot prove the rest as they are. */
function withoutProof(count: number): Finding {
  const reason = `${count} events that a checkpoint covers come without the proof of it`
  return { kind: 'unjudged', stream: 'FILE', sequence: null, sessionId: null, reason }
}

/** The first checkpoint that the stream contradicts: what comes later contradicts the others too. */
function compareTrees(
  stream: AuditedStream,
  { checkpoints }: CheckpointChain,
  leaves: LeafStore,
  { extent, trimmed }: Pick<AuditSource, 'extent' | 'trimmed'>,
): readonly Finding[] {
  const found = (sequence: number, reason: string, upTo?: number): readonly Finding[] => [
    { kind: 'tampered', stream, sequence, sessionId: null, reason, ...(upTo !== undefined && { upTo }) },
  ]
  // Of what was moved to an archive the stream tells the tree: it makes the root of the next checkpoint, or is wrong.
  const isTrimmed = stream === 'MESSAGES' && trimmed !== undefined
  let tree: Frontier = isTrimmed ? { size: trimmed.upTo, subtrees: trimmed.subtrees } : emptyFrontier
  for (const checkpoint of checkpoints) {
    const { size, root } = checkpoint[treeOf[stream]]
    if (size < tree.size) continue
    const end = extent[stream]
    if (size > end) {
      return found(end + 1, `checkpoint ${checkpoint.sequence} covers ${size} events: the end of the log was cut off`)
    }
    const first = tree.size + 1
    while (tree.size < size) {
      const sequence = tree.size + 1
      tree = appendLeaf(tree, leaves.get(sequence) ?? leafOfGap(stream, sequence))
    }
    if (equalBytes(rootOf(tree), root)) continue
    const reason = `the events up to ${size} are not those that checkpoint ${checkpoint.sequence} was made of`
    return found(first, reason, size)
  }
  return []
}

function summary(
  { checkpoints, trustedKeys }: CheckpointChain,
  { events, covered }: Readonly<{ events: number; covered: number }>,
  isGiven: boolean,
): string {
  const newest = checkpoints.at(-1)
  if (newest === undefined) return 'no checkpoints: nothing shows whether the end of the log was cut off'
  const when = new Date(newest.timeMs).toISOString()
  const trust = isGiven ? '' : ', taken from the first of them: compare it with what the operator says'
  return (
    `checkpoint ${newest.sequence} of ${when} covers ${covered} of ${events} events; ` +
    `signed by ${keyNames(trustedKeys)}${trust}`
  )
}
