import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import {
  BrokenCheckpoint,
  encodeCheckpoint,
  noCheckpoint,
  readCheckpoint,
  type CheckpointHead,
} from '../../../src/audit/checkpoint-event.ts'
import { appendEvent, appendGaps, leafOfEvent, leafOfGap } from '../../../src/audit/log-leaf.ts'
import { emptyFrontier, rootOf } from '../../../src/audit/merkle-tree.ts'
import type { StoredEvent } from '../../../src/events/event-log.ts'
import { CheckpointEventSchema, type CheckpointEvent } from '../../../src/gen/mpc/events/v1/checkpoint_events_pb.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'

const identity = await identityFromSeed(new Uint8Array(32).fill(1))
const stranger = await identityFromSeed(new Uint8Array(32).fill(2))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const tree = (size: number) => ({ size, root: new Uint8Array(32).fill(size) })

const first = await encodeCheckpoint(identity, noCheckpoint, { timeMs: 1000, sessions: tree(3), messages: tree(5) })
const second = await encodeCheckpoint(identity, first.head, { timeMs: 2000, sessions: tree(3), messages: tree(9) })

const read = (bytes: Uint8Array, previous: CheckpointHead = first.head, keys = [identity.publicKey]) =>
  readCheckpoint(bytes, previous, keys)

/** The second checkpoint with a change, its signature as it was. */
function changed(change: (event: CheckpointEvent) => void): Uint8Array {
  const event = fromBinary(CheckpointEventSchema, Uint8Array.from(second.bytes))
  change(event)
  return toBinary(CheckpointEventSchema, event)
}

describe('a checkpoint', () => {
  test('is read back as it was written, after the one before it', async () => {
    expect(await read(first.bytes, noCheckpoint)).toEqual({ ...first.head, coordinatorKey: identity.publicKey })
    expect(await read(second.bytes)).toEqual({ ...second.head, coordinatorKey: identity.publicKey })
  })

  test.each<[string, (event: CheckpointEvent) => void, RegExp]>([
    ['size', ({ messages }) => void (messages!.size = 8n), /not signed/],
    ['root', ({ sessions }) => void (sessions!.root[0]! ^= 1), /not signed/],
    ['time', (event) => void (event.timeMs = 2001n), /not signed/],
    ['signature', ({ signature }) => void (signature[0]! ^= 1), /not signed/],
    ['number', (event) => void (event.sequence = 3n), /checkpoint 2 is numbered 3/],
    ['predecessor', ({ previousHash }) => void (previousHash[0]! ^= 1), /does not follow/],
    ['key', (event) => void (event.coordinatorKey = stranger.publicKey), /key that is not trusted/],
    ['version', (event) => void (event.schemaVersion = 2), /unknown version 2/],
    ['id', (event) => void (event.eventId = 'another'), /event id/],
    ['root of no length', ({ messages }) => void (messages!.root = new Uint8Array(0)), /lacks a root/],
    ['tree', (event) => void delete event.messages, /lacks a root/],
  ])('with another %s is refused', async (_, change, reason) => {
    await expect(read(changed(change))).rejects.toThrow(BrokenCheckpoint)
    await expect(read(changed(change))).rejects.toThrow(reason)
  })

  test('cannot go back, or change what it covers, whoever signs', async () => {
    const sign = async (sessions: { size: number; root: Uint8Array }) =>
      (await encodeCheckpoint(identity, first.head, { timeMs: 2000, sessions, messages: tree(9) })).bytes
    await expect(read(await sign(tree(2)))).rejects.toThrow('covers less of sessions')
    await expect(read(await sign({ size: 3, root: new Uint8Array(32) }))).rejects.toThrow('another root, of equal size')
  })

  test('is trusted by the keys that the reader names', async () => {
    const by = await encodeCheckpoint(stranger, noCheckpoint, { timeMs: 1, sessions: tree(1), messages: tree(1) })
    await expect(read(by.bytes, noCheckpoint)).rejects.toThrow('not trusted')
    expect((await read(by.bytes, noCheckpoint, [identity.publicKey, stranger.publicKey])).sequence).toBe(1)
  })

  test('is not made of other bytes', async () => {
    await expect(read(Uint8Array.of(0xff))).rejects.toThrow(BrokenCheckpoint)
  })
})

describe('the leaf of an event', () => {
  const event: StoredEvent = { stream: 'SESSIONS', sequence: 7, subject: 'mpc.session.a', data: Uint8Array.of(1, 2) }

  test('commits to stream, position, subject and bytes, each on its own', () => {
    const leaves = [
      leafOfEvent(event),
      leafOfEvent({ ...event, stream: 'MESSAGES' }),
      leafOfEvent({ ...event, sequence: 8 }),
      leafOfEvent({ ...event, subject: 'mpc.session.b' }),
      leafOfEvent({ ...event, data: Uint8Array.of(1, 3) }),
      leafOfEvent({ ...event, subject: 'mpc.session.a\u0001', data: Uint8Array.of(2) }),
      leafOfGap('SESSIONS', 7),
    ]
    expect(new Set(leaves.map(hex)).size).toBe(leaves.length)
  })

  test('stays what it is: logs of many years are checked against it', () => {
    expect(hex(leafOfEvent(event))).toBe('ae5640443431dbd6ce1c1e70d297484ef54a2ab631784cea2b6948f0d0d01105')
    expect(hex(leafOfGap('SESSIONS', 7))).toBe('e97edade5cfddf1afe37c70f66f96025ce82114e9a55b47ce92d30b21eeda189')
  })

  test('leaves a mark where events are missing', () => {
    const whole = [1, 2, 3].reduce((frontier, sequence) => appendEvent(frontier, { ...event, sequence }), emptyFrontier)
    const skipping = [1, 3].reduce((frontier, sequence) => appendEvent(frontier, { ...event, sequence }), emptyFrontier)
    expect(skipping.size).toBe(3)
    expect(hex(rootOf(skipping))).not.toBe(hex(rootOf(whole)))
    expect(hex(rootOf(appendGaps(emptyFrontier, 'SESSIONS', 1)))).toBe(hex(leafOfGap('SESSIONS', 1)))
    expect(() => appendEvent(whole, { ...event, sequence: 3 })).toThrow(RangeError)
  })
})
