import { describe, expect, test } from 'vitest'
import { multiplyBase } from '../../../src/crypto/curve/secp256k1.ts'
import { addScalars } from '../../../src/crypto/curve/scalar.ts'
import { prove, verifyProof } from '../../../src/crypto/schnorr.ts'
import { tag } from '../../../src/crypto/tags.ts'
import { hashOf, seededRng } from './fixtures.ts'

const context = { tag: tag.proofOfShare, session: hashOf('session'), prover: 1 }
const secret = 123456789n
const statement = multiplyBase(secret)
const proof = prove(context, secret, statement, seededRng('schnorr'))

describe('a proof of knowledge', () => {
  test('verifies where it was made', () => {
    expect(verifyProof(context, statement, proof)).toBe(true)
  })

  test.each([
    ['purpose', { tag: tag.proofOfContribution }],
    ['session', { session: hashOf('other') }],
    ['prover', { prover: 0 }],
  ])('does not verify for another %s', (_, change) => {
    expect(verifyProof({ ...context, ...change }, statement, proof)).toBe(false)
  })

  test('does not verify for another statement, nonce or response', () => {
    expect(verifyProof(context, multiplyBase(secret + 1n), proof)).toBe(false)
    expect(verifyProof(context, statement, { ...proof, nonce: proof.nonce.double() })).toBe(false)
    expect(verifyProof(context, statement, { ...proof, response: addScalars(proof.response, 1n) })).toBe(false)
  })

  test('cannot be made by choosing the response first', () => {
    // Without the nonce in the challenge, nonce = z·G − e·P would do.
    const forged = { nonce: multiplyBase(99n).subtract(statement), response: 99n }
    expect(verifyProof(context, statement, forged)).toBe(false)
  })

  test('uses a fresh nonce every time', () => {
    const rng = seededRng('two')
    const [one, two] = [prove(context, secret, statement, rng), prove(context, secret, statement, rng)]
    expect(one.nonce.equals(two.nonce)).toBe(false)
  })
})
