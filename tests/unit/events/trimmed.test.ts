/** What MESSAGES says of its beginning once that was moved to an archive. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeTrimmed, trimmedOf } from '../../../src/events/trimmed.ts'

// Only these fields are looked at.
const stream = (description: string, firstSequence = 2) =>
  ({ config: { description }, state: { first_seq: firstSequence } }) as Parameters<typeof trimmedOf>[0]

const hash = (n: number) => new Uint8Array(32).fill(n)

test('what a stream says of its beginning is read back, and fits into a description of 4 KiB at any size', () => {
  for (const [upTo, subtrees] of [[6, [hash(1), hash(2)]], [2 ** 40 - 1, Array.from({ length: 40 }, (_, n) => hash(n))]] as const) {
    const record = { upTo, sessionsUpTo: 3, subtrees }
    const description = describeTrimmed(record)
    expect(description.length).toBeLessThan(4096)
    expect(trimmedOf(stream(description))).toEqual(record)
  }
})

test('a stream that begins with its first event lacks nothing, whatever it says', () => {
  expect(trimmedOf(stream(describeTrimmed({ upTo: 1, sessionsUpTo: 1, subtrees: [hash(1)] }), 1))).toBeNull()
})

test('a tree that is not one of that size is no such statement', () => {
  expect(trimmedOf(stream(describeTrimmed({ upTo: 3, sessionsUpTo: 1, subtrees: [hash(1)] })))).toBeNull()
})

test('anything else says nothing', () => {
  const [prefix] = describeTrimmed({ upTo: 1, sessionsUpTo: 1, subtrees: [] }).split('{')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(trimmedOf(stream(text))).toBeNull()
      expect(trimmedOf(stream(`${prefix}${text}`))).toBeNull()
    }),
  )
})
