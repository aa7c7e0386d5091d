import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SequenceSet } from '../../../src/audit/sequence-set.ts'

test('gaps are exactly what was not added', () => {
  const lasts = fc.integer({ min: 0, max: 100_000 })
  fc.assert(
    fc.property(lasts, fc.uniqueArray(fc.integer({ min: 1, max: 100_000 }), { maxLength: 50 }), (last, missing) => {
      const set = new SequenceSet(last)
      const absent = new Set(missing)
      for (let sequence = 1; sequence <= last; sequence += 1) if (!absent.has(sequence)) set.add(sequence)
      const found: number[] = []
      for (const gap of set.gaps()) for (let s = gap.first; s <= gap.last; s += 1) found.push(s)
      expect(found).toEqual(missing.filter((sequence) => sequence <= last).sort((a, b) => a - b))
    }),
    { numRuns: 50 },
  )
})

test('a sequence counts once, and only up to the last', () => {
  const set = new SequenceSet(10)
  expect([set.add(3), set.add(3), set.add(0), set.add(11), set.add(1.5)]).toEqual([true, false, false, false, false])
  expect([...set.gaps()]).toEqual([
    { first: 1, last: 2 },
    { first: 4, last: 10 },
  ])
})

test('a stream that claims to be enormous is one gap, found at once', () => {
  expect([...new SequenceSet(2 ** 36).gaps()]).toEqual([{ first: 1, last: 2 ** 36 }])
})
