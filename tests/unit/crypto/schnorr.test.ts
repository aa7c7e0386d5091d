import { describe, expect, test } from 'vitest'
import { encodePoint } from '../../../src/crypto/curve/secp256k1.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { prove, verifyProof } from '../../../src/crypto/schnorr.ts'
import { tag } from '../../../src/crypto/tags.ts'
import { negatedPoint, pointOf, points, scalarOf, scalars } from './arithmetic.ts'
import { hashOf, seededRng } from './fixtures.ts'

const context = { tag: tag.proofOfShare, session: hashOf('session'), prover: 1 }
const secret = scalarOf(123456789n)
const statement = pointOf(123456789n)
const proof = prove(limbEngine, context, secret, statement, seededRng('schnorr'))

describe('a proof of knowledge', () => {
  test('verifies where it was made', () => {
    expect(verifyProof(limbEngine, context, statement, proof)).toBe(true)
  })

  test.each([
    ['purpose', { tag: tag.proofOfContribution }],
    ['session', { session: hashOf('other') }],
    ['prover', { prover: 0 }],
  ])('does not verify for another %s', (_, change) => {
    expect(verifyProof(limbEngine, { ...context, ...change }, statement, proof)).toBe(false)
  })

  test('does not verify for another statement, nonce or response', () => {
    expect(verifyProof(limbEngine, context, pointOf(123456790n), proof)).toBe(false)
    const nonce = points.add(proof.nonce, proof.nonce)
    expect(verifyProof(limbEngine, context, statement, { ...proof, nonce })).toBe(false)
    const response = scalars.add(proof.response, scalarOf(1n))
    expect(verifyProof(limbEngine, context, statement, { ...proof, response })).toBe(false)
  })

  test('cannot be made by choosing the response first', () => {
    // Without the nonce in the challenge, nonce = z·G − e·P would do.
    const forged = { nonce: points.add(pointOf(99n), negatedPoint(statement)), response: scalarOf(99n) }
    expect(verifyProof(limbEngine, context, statement, forged)).toBe(false)
  })

  test('uses a fresh nonce every time', () => {
    const rng = seededRng('two')
    const make = () => prove(limbEngine, context, secret, statement, rng)
    const [one, two] = [make(), make()]
    expect(encodePoint(one.nonce)).not.toEqual(encodePoint(two.nonce))
  })
})
