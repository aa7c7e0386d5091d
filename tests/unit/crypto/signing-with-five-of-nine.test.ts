import { expect, test } from 'vitest'
import { checkSignature } from './check-signature.ts'
import { makeKey } from './fixtures.ts'
import { subsets } from './subsets.ts'

test('a 5-of-9 key signs with every five signers, with more of them in any order, and with all nine', () => {
  const key = makeKey(5, 9)
  const fives = subsets(9, 5).filter(({ length }) => length === 5)
  expect(fives).toHaveLength(126)
  const sets = [...fives, [8, 4, 7, 5, 6], [3, 0, 8, 1, 6, 2], [6, 1, 8, 2, 0, 7, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8]]
  for (const signers of sets) checkSignature(key, signers)
  expect(() => checkSignature(key, [0, 2, 5, 7])).toThrow('signers must be at least 5')
}, 300_000) // 36 pairs set up and 1,300 pairs signing on one thread: half a minute where nothing else runs
