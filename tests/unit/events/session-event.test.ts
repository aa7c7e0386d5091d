/** The hash chain: every way of tampering with a session's history shows. */
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BrokenChain,
  decodeEvent,
  decodeNext,
  decodeStored,
  emptyChain,
  encodeEvent,
  verifyChain,
  type ChainHead,
} from '../../../src/events/session-event.ts'
import { NewerSchemaVersion, schemaVersion } from '../../../src/events/schema-version.ts'
import {
  PartyReadySchema,
  SessionEventSchema,
  SessionStartedSchema,
} from '../../../src/gen/mpc/events/v1/session_events_pb.ts'

const context = { actor: 'party:alice', causationId: 'request-1', correlationId: 'trace-1', timeMs: 1_700_000_000_000 }

function chain(length: number, sessionId = 'session-1'): { stored: Uint8Array[]; heads: ChainHead[] } {
  const heads = [emptyChain]
  const stored = Array.from({ length }, (_, index) => {
    const value = create(PartyReadySchema, { partyId: `party-${index}` })
    const { bytes, next } = encodeEvent(sessionId, heads.at(-1)!, { case: 'partyReady', value }, context)
    heads.push(next)
    return bytes
  })
  return { stored, heads }
}

describe('the envelope', () => {
  test('survives storing', () => {
    const [bytes] = chain(1).stored
    const event = decodeEvent(bytes!)
    expect(event).toMatchObject({ sessionId: 'session-1', sessionSequence: 1n, actor: 'party:alice', schemaVersion: 1 })
    expect(event.payload).toMatchObject({ case: 'partyReady', value: { partyId: 'party-0' } })
  })

  test('has an id that is the same for the same event only', () => {
    const value = create(SessionStartedSchema)
    const id = (change: object) =>
      encodeEvent('session-1', emptyChain, { case: 'sessionStarted', value }, { ...context, ...change }).eventId
    expect(id({})).toBe(id({}))
    expect(id({})).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set([id({}), id({ timeMs: 1 }), id({ actor: 'x' }), id({ causationId: 'x' })]).size).toBe(4)
  })

  test('of a newer version keeps what this version knows', () => {
    const newer = toBinary(SessionEventSchema, create(SessionEventSchema, { sessionId: 's', sessionSequence: 1n }))
    const unknownPayload = Uint8Array.from([...newer, 0xfa, 0x06, 0x00]) // field 111, empty
    expect(decodeNext('s', emptyChain, unknownPayload).event.payload.case).toBeUndefined()
  })

  test('of a newer schema version is refused rather than misread, though its envelope is known', () => {
    const sequence = { sessionId: 's', sessionSequence: 1n, schemaVersion: schemaVersion + 1 }
    const bytes = toBinary(SessionEventSchema, create(SessionEventSchema, sequence))
    expect(() => decodeEvent(bytes)).toThrow(NewerSchemaVersion)
    expect(() => decodeNext('s', emptyChain, bytes)).toThrow(/schema version 2, and this release knows versions up to 1/)
    expect(decodeStored(bytes)).toMatchObject(sequence)
  })

  test('refuses bytes that are no event', () => {
    expect(() => decodeEvent(Uint8Array.of(0xff, 0xff, 0xff))).toThrow(BrokenChain)
  })
})

describe('verifying', () => {
  test('finds an untouched chain intact and tells its head', async () => {
    const { stored, heads } = chain(10)
    expect(await verifyChain('session-1', stored)).toEqual({ kind: 'intact', head: heads[10] })
    expect(await verifyChain('session-1', stored, heads[4])).toMatchObject({ kind: 'intact' })
    expect(await verifyChain('session-1', [])).toEqual({ kind: 'intact', head: emptyChain })
  })

  test('finds any changed bit', async () => {
    const { stored, heads } = chain(4)
    const anywhere = fc.record({ event: fc.nat(3), position: fc.nat(), bit: fc.nat(7) })
    await fc.assert(
      fc.asyncProperty(anywhere, async ({ event, position, bit }) => {
        const tampered = stored.map((bytes) => Uint8Array.from(bytes))
        const target = tampered[event]!
        target[position % target.length]! ^= 1 << bit
        const verdict = await verifyChain('session-1', tampered, heads[4])
        expect(verdict.kind).toBe('broken')
      }),
      { numRuns: 400 },
    )
  })

  test.each([
    ['a dropped event', (stored: Uint8Array[]) => stored.toSpliced(1, 1), 2],
    ['a repeated event', (stored: Uint8Array[]) => stored.toSpliced(1, 0, stored[1]!), 3],
    ['swapped events', (stored: Uint8Array[]) => [stored[1]!, stored[0]!, ...stored.slice(2)], 1],
    ['a lost end', (stored: Uint8Array[]) => stored.slice(0, 3), 4],
    ['events of another session', () => chain(4, 'session-2').stored, 1],
  ])('finds %s and says where', async (_, tamper, version) => {
    const { stored, heads } = chain(4)
    expect(await verifyChain('session-1', tamper(stored), heads[4])).toMatchObject({ kind: 'broken', version })
  })

  test('finds a history that was rewritten consistently, by the head that was kept', async () => {
    const { heads } = chain(4)
    const value = create(PartyReadySchema, { partyId: 'somebody else' })
    const first = encodeEvent('session-1', emptyChain, { case: 'partyReady', value }, context)
    const second = encodeEvent('session-1', first.next, { case: 'partyReady', value }, context)
    const rewritten = [first.bytes, second.bytes]
    expect(await verifyChain('session-1', rewritten)).toMatchObject({ kind: 'intact' })
    expect(await verifyChain('session-1', rewritten, heads[2])).toMatchObject({ kind: 'broken', version: 2 })
  })
})
