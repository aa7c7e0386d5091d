import { describe, expect, test } from 'vitest'
import { decodePoint, encodePoint } from '../../../src/crypto/curve/secp256k1.ts'
import type { KeyShare } from '../../../src/crypto/key-share.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { lagrangeAtZero } from '../../../src/crypto/polynomial.ts'
import { points, scalars, sumOf } from './arithmetic.ts'
import { checkSignature } from './check-signature.ts'
import { makeKey, shareOf } from './fixtures.ts'
import { subsets } from './subsets.ts'

/** What these parties' shares reconstruct to, as a public key. */
function reconstructed(key: readonly KeyShare[], indices: readonly number[]): Uint8Array {
  const parts = indices.map((index) =>
    scalars.multiply(lagrangeAtZero(limbEngine, index, indices), shareOf(key, index).secretShare),
  )
  return encodePoint(points.multiplyBase(sumOf(parts)))
}

describe.each([
  { threshold: 2, parties: 2 },
  { threshold: 2, parties: 3 },
  { threshold: 3, parties: 5 },
])('a $threshold-of-$parties key', ({ threshold, parties }) => {
  const key = makeKey(threshold, parties)
  const everyone = Array.from({ length: parties }, (_, party) => party)
  const allowed = subsets(parties, threshold)

  test('is the same for every party and lies on the curve', () => {
    for (const share of key) {
      expect(share.publicKey).toEqual(shareOf(key, 0).publicKey)
      expect(share.chainCode).toEqual(shareOf(key, 0).chainCode)
      expect(share.commitments.map(encodePoint)).toEqual(shareOf(key, 0).commitments.map(encodePoint))
      expect(share.publicShares.map(encodePoint)).toEqual(shareOf(key, 0).publicShares.map(encodePoint))
    }
    expect(decodePoint(shareOf(key, 0).publicKey)).toBeDefined()
  })

  test.each(allowed.map((signers) => [signers]))('is reconstructed by the shares of %j', (signers) => {
    expect(reconstructed(key, signers)).toEqual(shareOf(key, 0).publicKey)
  })

  test(`is not reconstructed by ${threshold - 1} shares`, () => {
    for (const few of subsets(parties, threshold - 1).filter(({ length }) => length < threshold)) {
      expect(reconstructed(key, few)).not.toEqual(shareOf(key, 0).publicKey)
    }
  })

  test.each(allowed.map((signers) => [signers]))('signs with %j', (signers) => {
    checkSignature(key, signers)
  })

  test('signs in any order of the roster', () => {
    checkSignature(key, everyone.slice(-threshold).reverse())
  })
})
