import { ed25519, ed25519_FROST } from '@noble/curves/ed25519.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { drawNonce } from '../../../../src/crypto/frost/nonce.ts'
import { verifyFrostSignature } from '../../../../src/crypto/frost/suite.ts'
import bip340 from '../../../vectors/bip340.json' with { type: 'json' }
import rfc9591 from '../../../vectors/rfc9591-ed25519.json' with { type: 'json' }
import wycheproof from '../../../vectors/wycheproof/ed25519_test.json' with { type: 'json' }
import { libsecp256k1VerifiesBip340 } from '../../../../src/cli/demo/schnorr-check.ts'

const { Identifier, utils } = ed25519_FROST

describe('the vector of RFC 9591 for Ed25519', () => {
  const message = hexToBytes(rfc9591.message)
  const coefficient = utils.Fn.fromBytes(hexToBytes(rfc9591.coefficient))
  const secret = hexToBytes(rfc9591.groupSecretKey)
  const polynomial = utils.generateSecretPolynomial({ min: 2, max: 3 }, secret, [coefficient])
  const shares = rfc9591.shares.map((share, i) => {
    return { identifier: Identifier.fromNumber(i + 1), signingShare: hexToBytes(share) }
  })
  const publicPackage = {
    signers: { min: 2, max: 3 },
    commitments: polynomial.commitment,
    verifyingShares: Object.fromEntries(
      shares.map(({ identifier, signingShare }) => {
        return [identifier, ed25519.Point.BASE.multiply(utils.Fn.fromBytes(signingShare)).toBytes()]
      }),
    ),
  }
  const nonces = rfc9591.signers.map(({ identifier, hidingRandomness, bindingRandomness }) => {
    const share = shares[identifier - 1]
    if (share === undefined) throw new Error('no such share')
    const random = [hexToBytes(hidingRandomness), hexToBytes(bindingRandomness)]
    return drawNonce(ed25519_FROST, share, () => random.shift() ?? new Uint8Array(0))
  })
  const list = nonces.map(({ commitments }) => commitments)

  test('gives its group key, whose shares fit its commitments', () => {
    expect(polynomial.commitment[0] && bytesToHex(polynomial.commitment[0])).toBe(rfc9591.groupPublicKey)
    for (const share of shares) expect(() => ed25519_FROST.validateSecret(share, publicPackage)).not.toThrow()
    expect(bytesToHex(ed25519_FROST.combineSecret(shares.slice(1), { min: 2, max: 3 }))).toBe(rfc9591.groupSecretKey)
  })

  test('gives its nonce commitments, signature shares and signature, through our nonces that work once', () => {
    const signed = nonces.map((nonce) => nonce.sign(publicPackage, list, message))
    rfc9591.signers.forEach(({ hidingCommitment, bindingCommitment, signatureShare }, i) => {
      expect(list[i]).toMatchObject({ hiding: hexToBytes(hidingCommitment), binding: hexToBytes(bindingCommitment) })
      expect(signed[i] && bytesToHex(signed[i])).toBe(signatureShare)
    })
    const sharesById = Object.fromEntries(list.map(({ identifier }, i) => [identifier, signed[i] ?? new Uint8Array(0)]))
    const signature = ed25519_FROST.aggregate(publicPackage, list, message, sharesById)
    expect(bytesToHex(signature)).toBe(rfc9591.signature)
    const publicKey = hexToBytes(rfc9591.groupPublicKey)
    expect(verifyFrostSignature('eddsa-ed25519', signature, message, publicKey)).toBe(true)
  })
})

test.each(bip340.vectors)("BIP-340's vector $index verifies as it says: $valid $comment", (vector) => {
  const [signature, message] = [hexToBytes(vector.signature), hexToBytes(vector.message)]
  const publicKey = hexToBytes(vector.publicKey)
  expect(verifyFrostSignature('schnorr-secp256k1', signature, message, publicKey)).toBe(vector.valid)
  expect(libsecp256k1VerifiesBip340(signature, message, publicKey)).toBe(vector.valid)
})

test("Wycheproof's Ed25519 signatures verify as it says", () => {
  const cases = wycheproof.testGroups.flatMap(({ publicKey, tests }) => {
    return tests.map((one) => ({ ...one, key: publicKey.pk }))
  })
  expect(cases.length).toBe(wycheproof.numberOfTests)
  const wrong = cases.filter(({ key, msg, sig, result }) => {
    const verifies = verifyFrostSignature('eddsa-ed25519', hexToBytes(sig), hexToBytes(msg), hexToBytes(key))
    return verifies !== (result === 'valid')
  })
  expect(wrong.map(({ tcId, comment }) => `${tcId} ${comment}`)).toEqual([])
})
