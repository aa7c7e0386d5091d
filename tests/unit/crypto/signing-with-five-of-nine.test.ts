import { test } from 'vitest'
import { checkSignature } from './check-signature.ts'
import { makeKey } from './fixtures.ts'

test('a 5-of-9 key signs with five signers spread over the parties', () => {
  checkSignature(makeKey(5, 9), [0, 2, 5, 7, 8])
}, 300_000) // 36 pairs set up on one thread: most of a minute where nothing else runs
