import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { hashRequest, idempotencyKeyOf, scopedKey } from '../../../src/edge/idempotency.ts'
import { CreateSessionRequestSchema } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'

describe('an Idempotency-Key', () => {
  test.each(['a', '~', 'x'.repeat(128), '8f4b2c1e-0000-4000-8000-000000000000', '"quoted"'])('may be %s', (key) => {
    expect(idempotencyKeyOf(new Headers({ 'idempotency-key': key }))).toBe(key)
  })
  test.each(['', 'a b', 'a\tb', 'é', 'x'.repeat(129)])('may not be "%s"', (key) => {
    expect(() => idempotencyKeyOf(new Headers({ 'idempotency-key': key }))).toThrow(/^Idempotency-Key: must be/)
  })
  test('may not be given twice', () => {
    const headers = new Headers([
      ['idempotency-key', 'a'],
      ['idempotency-key', 'b'],
    ])
    expect(() => idempotencyKeyOf(headers)).toThrow(/^Idempotency-Key/)
  })
  test('may be absent', () => {
    expect(idempotencyKeyOf(new Headers())).toBeNull()
  })
  test('of another caller is another', () => {
    const keys = [scopedKey('a', 'bc'), scopedKey('ab', 'c'), scopedKey('a', 'bd'), scopedKey('', 'abc')]
    expect(new Set(keys).size).toBe(4)
    expect(idempotencyKeyOf(new Headers({ 'idempotency-key': keys[0] ?? '' }))).toBe(keys[0])
  })
})

describe('the hash of a request', () => {
  const request = create(CreateSessionRequestSchema, { sessionType: 'keygen', thresholdN: 2, thresholdT: 2 })
  test('is that of its content', () => {
    const copy = create(CreateSessionRequestSchema, { thresholdT: 2, thresholdN: 2, sessionType: 'keygen' })
    expect(hashRequest(CreateSessionRequestSchema, copy)).toEqual(hashRequest(CreateSessionRequestSchema, request))
    const other = { ...request, thresholdT: 3 }
    expect(hashRequest(CreateSessionRequestSchema, other)).not.toEqual(hashRequest(CreateSessionRequestSchema, request))
  })
  test('does not know fields that we do not know', () => {
    // Field 500, a varint.
    const bytes = Uint8Array.of(...toBinary(CreateSessionRequestSchema, request), 0xa0, 0x1f, 7)
    const future = fromBinary(CreateSessionRequestSchema, bytes)
    expect(future.$unknown).toHaveLength(1)
    expect(hashRequest(CreateSessionRequestSchema, future)).toEqual(hashRequest(CreateSessionRequestSchema, request))
  })
})
