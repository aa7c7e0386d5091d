import fc from 'fast-check'
import { test } from 'vitest'
import { checkSignature } from './check-signature.ts'
import { makeKey } from './fixtures.ts'

/** t, n, a signer set of at least t in any order, and a message. */
const signing = fc
  .integer({ min: 2, max: 5 })
  .chain((parties) => fc.record({ parties: fc.constant(parties), threshold: fc.integer({ min: 2, max: parties }) }))
  .chain(({ parties, threshold }) =>
    fc.record({
      parties: fc.constant(parties),
      threshold: fc.constant(threshold),
      signers: fc.shuffledSubarray(
        Array.from({ length: parties }, (_, party) => party),
        { minLength: threshold },
      ),
      message: fc.uint8Array({ maxLength: 200 }),
      seed: fc.integer(),
    }),
  )

test('any signer set of any key signs any message, as OpenSSL and libsecp256k1 see it', () => {
  fc.assert(
    fc.property(signing, ({ parties, threshold, signers, message, seed }) => {
      checkSignature(makeKey(threshold, parties, `property ${seed}`), signers, message)
    }),
    { numRuns: 10 },
  )
})
