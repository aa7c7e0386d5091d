import { test } from 'vitest'
import { checkSignature } from './check-signature.ts'
import { makeKey } from './fixtures.ts'

test('a 10-of-20 key, the largest there is, signs with ten signers spread over the parties', () => {
  checkSignature(makeKey(10, 20), [19, 0, 2, 3, 5, 8, 11, 13, 16, 18])
}, 600_000) // 190 pairs set up on one thread: 45 s of CPU time
