/**
 * Checkpoints as bytes and back. Each is signed by the coordinators, commits to all events of SESSIONS and MESSAGES up
 * to a position, and carries the hash of the one before it. Number n lies at position n of the stream CHECKPOINTS.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../crypto/bytes.ts'
import {
  CheckpointEventSchema,
  LogTreeSchema,
  type CheckpointEvent,
  type LogTree,
} from '../gen/mpc/events/v1/checkpoint_events_pb.ts'
import { verifyIdentity, type Identity } from '../identity/identity-key.ts'
import { checkpointStatement } from '../identity/statement.ts'
import { emptyRoot } from './merkle-tree.ts'

export const checkpointSchemaVersion = 1

export type TreeHead = Readonly<{
  /** Position of the last event covered. */
  size: number
  /** 32 bytes. */
  root: Uint8Array
}>

/** What the next checkpoint follows from. */
export type CheckpointHead = Readonly<{
  /** 0 before the first. */
  sequence: number
  /** SHA-256 of its stored bytes; empty before the first. */
  hash: Uint8Array
  timeMs: number
  sessions: TreeHead
  messages: TreeHead
}>

const noTree: TreeHead = { size: 0, root: emptyRoot }
const nothing = new Uint8Array(0)
export const noCheckpoint: CheckpointHead = {
  sequence: 0,
  hash: nothing,
  timeMs: 0,
  sessions: noTree,
  messages: noTree,
}

export type Checkpoint = CheckpointHead & Readonly<{ coordinatorKey: Uint8Array }>

/** Bytes at a position of CHECKPOINTS that are not the checkpoint that belongs there. */
export class BrokenCheckpoint extends Error {
  override readonly name = 'BrokenCheckpoint'
}

/** The checkpoint after `previous`, as the bytes to store. */
export async function encodeCheckpoint(
  identity: Pick<Identity, 'publicKey' | 'sign'>,
  previous: CheckpointHead,
  content: Readonly<{ timeMs: number; sessions: TreeHead; messages: TreeHead }>,
): Promise<Readonly<{ eventId: string; bytes: Uint8Array; head: CheckpointHead }>> {
  const sequence = previous.sequence + 1
  const coordinatorKey = identity.publicKey
  const schemaVersion = checkpointSchemaVersion
  const previousHash = previous.hash
  const stated = checkpointStatement({ schemaVersion, sequence, previousHash, coordinatorKey, ...content })
  const { timeMs, sessions, messages } = content
  const eventId = idOf(stated)
  const event = create(CheckpointEventSchema, {
    eventId,
    sequence: BigInt(sequence),
    timeMs: BigInt(timeMs),
    schemaVersion,
    previousHash,
    sessions: treeMessage(sessions),
    messages: treeMessage(messages),
    coordinatorKey,
    signature: await identity.sign(stated),
  })
  const bytes = toBinary(CheckpointEventSchema, event)
  return { eventId, bytes, head: { sequence, hash: sha256(bytes), timeMs, sessions, messages } }
}

/** Without any check of what it says. Throws BrokenCheckpoint for bytes that are none. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint & Readonly<{ event: CheckpointEvent }> {
  const event = decoded(bytes)
  const { sessions, messages, coordinatorKey } = event
  return {
    event,
    sequence: wholeNumber(event.sequence),
    hash: sha256(bytes),
    timeMs: wholeNumber(event.timeMs),
    sessions: treeHead(sessions),
    messages: treeHead(messages),
    coordinatorKey,
  }
}

/**
 * The checkpoint that follows `previous`, signed by one of the trusted keys. Throws BrokenCheckpoint saying what does
 * not fit. Whether its roots are those of the log is for the caller to see.
 */
export async function readCheckpoint(
  bytes: Uint8Array,
  previous: CheckpointHead,
  trustedKeys: readonly Uint8Array[],
): Promise<Checkpoint> {
  const { event, ...checkpoint } = decodeCheckpoint(bytes)
  const { sequence, sessions, messages, timeMs, coordinatorKey } = checkpoint
  const number = previous.sequence + 1
  const require = (holds: boolean, what: string): void => {
    if (!holds) throw new BrokenCheckpoint(`checkpoint ${number} ${what}`)
  }
  require(event.schemaVersion === checkpointSchemaVersion, `has the unknown version ${event.schemaVersion}`)
  require(sequence === number, `is numbered ${sequence}`)
  require(equalBytes(event.previousHash, previous.hash), 'does not follow from the checkpoint before it')
  require(trustedKeys.some((key) => equalBytes(key, coordinatorKey)), 'is signed with a key that is not trusted')
  const { schemaVersion, previousHash, signature } = event
  const content = { schemaVersion, sequence, timeMs, previousHash, sessions, messages, coordinatorKey }
  const stated = checkpointStatement(content)
  require(await verifyIdentity(coordinatorKey, stated, signature), 'is not signed by the coordinators')
  require(event.eventId === idOf(stated), 'has another event id than its content')
  for (const stream of ['sessions', 'messages'] as const) {
    const [before, now] = [previous[stream], checkpoint[stream]]
    require(now.size >= before.size, `covers less of ${stream} than the checkpoint before it`)
    require(now.size > before.size || equalBytes(now.root, before.root), `gives ${stream} another root, of equal size`)
  }
  return checkpoint
}

function decoded(bytes: Uint8Array): CheckpointEvent {
  try {
    return fromBinary(CheckpointEventSchema, bytes)
  } catch (cause) {
    throw new BrokenCheckpoint('a stored checkpoint cannot be decoded', { cause })
  }
}

function treeMessage({ size, root }: TreeHead): LogTree {
  return create(LogTreeSchema, { size: BigInt(size), root })
}

function treeHead(tree: LogTree | undefined): TreeHead {
  if (tree === undefined || tree.root.length !== 32) throw new BrokenCheckpoint('a stored checkpoint lacks a root')
  return { size: wholeNumber(tree.size), root: tree.root }
}

function wholeNumber(value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw new BrokenCheckpoint('a number is out of range')
  return Number(value)
}

/** 32 hex digits: half of the hash over what is signed. */
function idOf(stated: Uint8Array): string {
  return bytesToHex(sha256(stated).subarray(0, 16))
}
