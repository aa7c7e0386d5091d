import { expect, test } from 'vitest'
import { checkSignature } from './check-signature.ts'
import { makeKey } from './fixtures.ts'

test('a 5-of-9 key signs with five signers from anywhere, in any order, and with all nine', () => {
  const key = makeKey(5, 9)
  const sets = [[0, 2, 5, 7, 8], [0, 1, 2, 3, 4], [8, 4, 7, 5, 6], [3, 0, 8, 1, 6, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8]]
  for (const signers of sets) checkSignature(key, signers)
  expect(() => checkSignature(key, [0, 2, 5, 7])).toThrow('signers must be at least 5')
}, 300_000) // 36 pairs set up on one thread: most of a minute where nothing else runs
