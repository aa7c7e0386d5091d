/**
 * ECDSA on secp256k1 (SEC 1 section 4.1), public values only: assembling, verifying, recovering the key. What leaves
 * the signing protocol is checked with the engine; everyone else verifies with @noble/curves.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { byteAt, concatBytes, equalBytes, isAllZero } from './bytes.ts'
import { affine, isIdentity, type Point } from './curve/secp256k1.ts'
import { invertPublic } from './curve/public-inverse.ts'
import { isCanonicalScalar, isHigh, zeroScalar, type Scalar } from './curve/scalar.ts'
import type { Engine } from './engine.ts'

export type EcdsaSignature = Readonly<{
  /** 32 bytes, big-endian. */
  r: Uint8Array
  /** 32 bytes, big-endian, at most (q-1)/2. */
  s: Uint8Array
  /** Bit 0: R's y is odd; bit 1: R's x is q or more. */
  recoveryId: number
  /** 33 bytes, compressed. */
  publicKey: Uint8Array
}>

export type AssembledSignature = Readonly<{ r: Scalar; s: Scalar; recoveryId: number }>

/** R's x coordinate modulo q. */
export function signatureR({ scalars }: Engine, nonce: Point): Scalar {
  return scalars.reduce(affine(nonce).x)
}

/**
 * s = w/u (DKLs23 protocol 3.6, step 10) in low-s form, with its recovery id. Undefined when R, u, r or s is
 * degenerate, which honest parties meet with negligible probability.
 */
export function assembleSignature(
  { scalars }: Engine,
  nonce: Point,
  u: Scalar,
  w: Scalar,
): AssembledSignature | undefined {
  if (isIdentity(nonce) || isAllZero(u)) return undefined
  const { x, y } = affine(nonce)
  const r = scalars.reduce(x)
  const s = scalars.multiply(w, invertPublic(u))
  if (isAllZero(r) || isAllZero(s)) return undefined
  const high = isHigh(s)
  // Negating s stands for the nonce -R, whose y has the other parity.
  const recoveryId = Number(isOdd(y) !== high) | (isCanonicalScalar(x) ? 0 : 2)
  return { r, s: high ? scalars.subtract(zeroScalar(), s) : s, recoveryId }
}

/**
 * Whether (r, s) signs m under the key and the recovery id leads to that key. Both are one question: whether
 * (m·G + r·Q)/s (SEC 1 section 4.1.4, steps 4 to 6) is the very point that r and the recovery id stand for (section
 * 4.1.6, step 1). `s` must be low.
 */
export function isSignatureOf(
  { scalars, points }: Engine,
  { r, s, recoveryId }: AssembledSignature,
  m: Scalar,
  publicPoint: Point,
): boolean {
  if (isAllZero(r) || isAllZero(s) || isHigh(s)) return false
  const inverse = invertPublic(s)
  const nonce = points.combinePublic([[scalars.multiply(r, inverse), publicPoint]], scalars.multiply(m, inverse))
  if (isIdentity(nonce)) return false
  const { x, y } = affine(nonce)
  return equalBytes(scalars.reduce(x), r) && recoveryId === (Number(isOdd(y)) | (isCanonicalScalar(x) ? 0 : 2))
}

function isOdd(coordinate: Uint8Array): boolean {
  return (byteAt(coordinate, coordinate.length - 1) & 1) === 1
}

/** Whether (r, s) signs the 32-byte hash under the 33-byte key. High s, and anything malformed, does not verify. */
export function verifySignature(
  signature: Readonly<{ r: Uint8Array; s: Uint8Array }>,
  messageHash: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.r.length !== 32 || signature.s.length !== 32) return false
  if (messageHash.length !== 32 || publicKey.length !== 33) return false
  try {
    const options = { prehash: false, lowS: true, format: 'compact' } as const
    return secp256k1.verify(concatBytes(signature.r, signature.s), messageHash, publicKey, options)
  } catch {
    return false
  }
}

/** The 33-byte key under which (r, s, recoveryId) signs the 32-byte hash; undefined when there is none. */
export function recoverPublicKey(
  signature: Readonly<{ r: Uint8Array; s: Uint8Array; recoveryId: number }>,
  messageHash: Uint8Array,
): Uint8Array | undefined {
  const { r, s, recoveryId } = signature
  if (r.length !== 32 || s.length !== 32 || messageHash.length !== 32) return undefined
  if (![0, 1, 2, 3].includes(recoveryId)) return undefined
  try {
    return secp256k1.recoverPublicKey(concatBytes(Uint8Array.of(recoveryId), r, s), messageHash, { prehash: false })
  } catch {
    return undefined
  }
}
