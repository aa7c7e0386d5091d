import { test } from 'vitest'
import { checkSignature } from './check-signature.ts'
import { makeKey } from './fixtures.ts'

test('a 10-of-20 key, the largest there is, signs with ten signers from anywhere, and with all twenty', () => {
  const key = makeKey(10, 20)
  checkSignature(key, [19, 0, 2, 3, 5, 8, 11, 13, 16, 18])
  checkSignature(key, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  checkSignature(key, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  checkSignature(key, [1, 4, 6, 7, 9, 10, 12, 14, 15, 17])
  checkSignature(key, Array.from({ length: 20 }, (_, party) => party))
}, 600_000) // 190 pairs set up on one thread: 45 s of CPU time
