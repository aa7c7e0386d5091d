import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredEvent } from '../../../src/events/event-log.ts'
import { emptyMailbox, indexAfter, isFor, take } from '../../../src/router/mailbox.ts'
import { PayloadCache, type PayloadHolder } from '../../../src/router/payload-cache.ts'
import { slotOf, slotSubject, type Slot } from '../../../src/events/message-slot.ts'
import { routedBytes } from './session-events.ts'

function stored(sequence: number, slot: Slot, payload: Uint8Array): StoredEvent {
  return { stream: 'MESSAGES', sequence, subject: slotSubject(slot), data: routedBytes(slot, payload, sequence) }
}

describe('a mailbox', () => {
  test('keeps the first message of a slot and counts its bytes', () => {
    const mailbox = emptyMailbox('s')
    const cache = new PayloadCache(1000)
    take(mailbox, stored(4, slotOf('s', 1, 'a', []), Uint8Array.of(1, 2)), cache)
    take(mailbox, stored(5, slotOf('s', 1, 'a', []), Uint8Array.of(3)), cache)
    take(mailbox, stored(9, slotOf('s', 1, 'a', ['b']), Uint8Array.of(4)), cache)
    expect(mailbox.entries.map(({ sequence, payload }) => [sequence, [...(payload ?? [])]])).toEqual([
      [4, [1, 2]],
      [9, [4]],
    ])
    expect(mailbox.bytes).toBe(3)
  })

  test('ignores what is no message or belongs to another session', () => {
    const mailbox = emptyMailbox('s')
    const cache = new PayloadCache(1000)
    take(mailbox, { ...stored(1, slotOf('s', 1, 'a', []), Uint8Array.of(1)), data: Uint8Array.of(0xff, 0xff) }, cache)
    take(mailbox, stored(2, slotOf('other', 1, 'a', []), Uint8Array.of(1)), cache)
    expect(mailbox.entries).toEqual([])
    expect(cache.bytes).toBe(0)
  })

  test.each([
    ['a broadcast', 'a', [], { a: false, b: true, c: true }],
    ['a message to b', 'a', ['b'], { a: false, b: true, c: false }],
    ['a message that names its sender', 'a', ['a', 'c'], { a: false, b: false, c: true }],
  ])('%s is for those it should be for', (_name, from, to, expected) => {
    const actual = Object.fromEntries(['a', 'b', 'c'].map((party) => [party, isFor({ from, to }, party)]))
    expect(actual).toEqual(expected)
  })

  test('finds the first entry after a position', () => {
    const sequences = fc.uniqueArray(fc.integer({ min: 1, max: 50 })).map((list) => list.sort((one, two) => one - two))
    fc.assert(
      fc.property(sequences, fc.integer({ min: 0, max: 51 }), (list, after) => {
        const common = { from: 'a', to: [], round: 0, timeMs: 0, length: 0, payload: null }
        const entries = list.map((sequence) => ({ sequence, ...common }))
        expect(indexAfter(entries, after)).toBe(list.filter((sequence) => sequence <= after).length)
      }),
    )
  })
})

describe('the payloads in memory', () => {
  test('never exceed the limit, and the newest stay', () => {
    const cache = new PayloadCache(10)
    const holders: PayloadHolder[] = Array.from({ length: 8 }, () => ({ payload: new Uint8Array(3) }))
    for (const holder of holders) {
      cache.keep(holder)
      expect(cache.bytes).toBeLessThanOrEqual(10)
    }
    expect(holders.map(({ payload }) => payload !== null)).toEqual(holders.map((_, index) => index >= 5))
  })

  test('forgetting frees them once', () => {
    const cache = new PayloadCache(10)
    const holder: PayloadHolder = { payload: new Uint8Array(3) }
    cache.keep(holder)
    cache.forget(holder)
    cache.forget(holder)
    expect([cache.bytes, holder.payload]).toEqual([0, null])
  })

  test('a small view does not keep a large buffer', () => {
    const cache = new PayloadCache(10)
    const holder: PayloadHolder = { payload: new Uint8Array(100_000).subarray(5, 8) }
    cache.keep(holder)
    expect(holder.payload?.buffer.byteLength).toBe(3)
  })
})
