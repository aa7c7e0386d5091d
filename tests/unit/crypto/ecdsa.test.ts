import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, test } from 'vitest'
import { invertPublic } from '../../../src/crypto/curve/public-inverse.ts'
import { affine, decodePoint, encodePoint, identity, type Point } from '../../../src/crypto/curve/secp256k1.ts'
import { assembleSignature, isSignatureOf, recoverPublicKey, verifySignature } from '../../../src/crypto/ecdsa.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { ethereumAddress, uncompressedPublicKey } from '../../../src/crypto/public-key.ts'
import { bytes32, negated, negatedPoint, numberOf, order, pointOf, points, scalarOf, scalars } from './arithmetic.ts'
import { hashOf } from './fixtures.ts'
import { libsecp256k1Recovers, libsecp256k1Verifies } from './libraries.ts'

const messageHash = hashOf('m')
const m = scalars.reduce(messageHash)

/** The smallest point with x > q (x = q gives r = 0). There are about 2^128 in all, so none turns up by chance. */
function pointBeyondOrder(): Point {
  for (let x = order + 1n; ; x++) {
    const point = decodePoint(Uint8Array.of(2, ...bytes32(x)))
    if (point !== undefined) return point
  }
}

/** The key under which (R, s) signs, made up backwards: pk = r⁻¹(s·R − m·G). */
function keyFor(R: Point, s: bigint): Uint8Array {
  const inverse = invertPublic(scalars.reduce(affine(R).x))
  const sR = points.combinePublic([[scalars.multiply(scalarOf(s), inverse), R]])
  return encodePoint(points.add(sR, points.multiplyBase(negated(scalars.multiply(m, inverse)))))
}

const beyond = pointBeyondOrder()
const below = pointOf(424242n)

describe('putting a signature together', () => {
  test.each([
    ['x below q', below],
    ['x below q, other y', negatedPoint(below)],
    ['x beyond q', beyond],
    ['x beyond q, other y', negatedPoint(beyond)],
  ])('gives low s and the right recovery id: %s', (_, R) => {
    for (const s of [order / 2n - 5n, order / 2n + 5n]) {
      const publicKey = keyFor(R, s)
      const w = scalars.multiply(scalarOf(s), scalarOf(77n))
      const assembled = assembleSignature(limbEngine, R, scalarOf(77n), w)
      if (assembled === undefined) throw new Error('degenerate')
      const signature = { ...assembled, publicKey }
      expect(numberOf(signature.s) <= order / 2n).toBe(true)
      expect(signature.recoveryId >> 1).toBe(numberOf(affine(R).x) >= order ? 1 : 0)
      expect(verifySignature(signature, messageHash, publicKey)).toBe(true)
      expect(libsecp256k1Verifies(signature, messageHash)).toBe(true)
      expect(libsecp256k1Recovers(signature, messageHash)).toEqual(publicKey)
      expect(recoverPublicKey(signature, messageHash)).toEqual(publicKey)
    }
  })

  test('refuses u = 0, s = 0, r = 0 and R at infinity', () => {
    const assembled = (R: Point, u: bigint, w: bigint) => assembleSignature(limbEngine, R, scalarOf(u), scalarOf(w))
    const zeroR = decodePoint(Uint8Array.of(2, ...bytes32(order)))
    if (zeroR === undefined) throw new Error('q is the x of a point')
    expect(assembled(zeroR, 5n, 5n)).toBeUndefined()
    expect(assembled(below, 0n, 5n)).toBeUndefined()
    expect(assembled(below, 5n, 0n)).toBeUndefined()
    expect(assembled(identity, 5n, 5n)).toBeUndefined()
  })
})

describe('verifying', () => {
  const secretKey = bytes32(99n)
  const publicKey = secp256k1.getPublicKey(secretKey, true)
  const bytes = secp256k1.sign(messageHash, secretKey, { prehash: false })
  const signature = { r: bytes.slice(0, 32), s: bytes.slice(32, 64) }

  test('accepts a right signature and nothing next to it', () => {
    expect(verifySignature(signature, messageHash, publicKey)).toBe(true)
    expect(verifySignature(signature, hashOf('other'), publicKey)).toBe(false)
    expect(verifySignature(signature, messageHash, encodePoint(pointOf(98n)))).toBe(false)
  })

  test('refuses the high s of the same signature', () => {
    const high = negated(scalarOf(numberOf(signature.s)))
    expect(verifySignature({ ...signature, s: high }, messageHash, publicKey)).toBe(false)
  })

  test.each([
    ['r = 0', { r: new Uint8Array(32) }],
    ['s = 0', { s: new Uint8Array(32) }],
    ['r = q', { r: bytes32(order) }],
    ['r of 31 bytes', { r: new Uint8Array(31).fill(1) }],
    ['s of 33 bytes', { s: new Uint8Array(33).fill(1) }],
  ])('is false and does not throw for %s', (_, change) => {
    expect(verifySignature({ ...signature, ...change }, messageHash, publicKey)).toBe(false)
    expect(recoverPublicKey({ ...signature, recoveryId: 0, ...change }, messageHash)).toBeUndefined()
  })

  test('is false for a malformed key or hash', () => {
    expect(verifySignature(signature, messageHash, new Uint8Array(33))).toBe(false)
    expect(verifySignature(signature, messageHash, uncompressedPublicKey(publicKey))).toBe(false)
    expect(verifySignature(signature, messageHash.slice(1), publicKey)).toBe(false)
  })

  test('recovers nothing for an unknown recovery id', () => {
    expect(recoverPublicKey({ ...signature, recoveryId: 4 }, messageHash)).toBeUndefined()
    expect(recoverPublicKey({ ...signature, recoveryId: -1 }, messageHash)).toBeUndefined()
  })
})

describe('forms of a public key', () => {
  // Secret key 1 is G itself; its address is well known.
  const one = encodePoint(pointOf(1n))

  test('are 65 bytes and an EIP-55 address', () => {
    expect(Buffer.from(uncompressedPublicKey(one)).toString('hex')).toBe(
      '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
        '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
    )
    expect(ethereumAddress(one)).toBe('0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf')
    expect(ethereumAddress(encodePoint(pointOf(2n)))).toBe('0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF')
  })

  test('refuse what is not a compressed point', () => {
    expect(() => uncompressedPublicKey(new Uint8Array(33))).toThrow('public key')
    expect(() => ethereumAddress(uncompressedPublicKey(one))).toThrow('public key')
  })
})

describe('the check before a signature is released', () => {
  test.each([
    ['x below q', below],
    ['x below q, other y', negatedPoint(below)],
    ['x beyond q', beyond],
    ['x beyond q, other y', negatedPoint(beyond)],
  ])('accepts a right signature with its recovery id and nothing next to it: %s', (_, R) => {
    const s = order / 2n - 5n
    const key = decodePoint(keyFor(R, s))
    const signature = assembleSignature(limbEngine, R, scalarOf(1n), scalarOf(s))
    if (key === undefined || signature === undefined) throw new Error('degenerate')
    const accepts = (change: Partial<typeof signature>, hash = m, point = key) =>
      isSignatureOf(limbEngine, { ...signature, ...change }, hash, point)
    expect(accepts({})).toBe(true)
    for (const recoveryId of [0, 1, 2, 3]) {
      expect(accepts({ recoveryId })).toBe(recoveryId === signature.recoveryId)
    }
    expect(accepts({ s: negated(signature.s), recoveryId: signature.recoveryId ^ 1 })).toBe(false) // high s
    expect(accepts({ s: scalars.add(signature.s, scalarOf(1n)) })).toBe(false)
    expect(accepts({ r: scalars.add(signature.r, scalarOf(1n)) })).toBe(false)
    expect(accepts({ r: scalarOf(0n) })).toBe(false)
    expect(accepts({ s: scalarOf(0n) })).toBe(false)
    expect(accepts({}, scalars.add(m, scalarOf(1n)))).toBe(false)
    expect(accepts({}, m, negatedPoint(key))).toBe(false)
  })
})
