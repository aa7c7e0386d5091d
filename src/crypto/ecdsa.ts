/** ECDSA on secp256k1 (SEC 1 section 4.1), public values only: assembling, verifying, recovering the key. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { concatBytes } from './bytes.ts'
import { affineX, isIdentity, type Point } from './curve/secp256k1.ts'
import { invertPublicScalar, multiplyScalars, negateScalar, order, scalarToBytes, zero } from './curve/scalar.ts'
import type { Scalar } from './curve/scalar.ts'

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

/** R's x coordinate modulo q. */
export function signatureR(nonce: Point): Scalar {
  return affineX(nonce).x % order
}

/**
 * s = w/u (DKLs23 protocol 3.6, step 10) in low-s form, with its recovery id. Undefined when R, u, r or s is degenerate,
 * which honest parties meet with negligible probability.
 */
export function assembleSignature(nonce: Point, u: Scalar, w: Scalar): Omit<EcdsaSignature, 'publicKey'> | undefined {
  if (isIdentity(nonce) || u === zero) return undefined
  const { x, yIsOdd } = affineX(nonce)
  const r = x % order
  const s = multiplyScalars(w, invertPublicScalar(u)) // Σu and Σw are public: everyone broadcasts its part
  if (r === zero || s === zero) return undefined
  const high = s > order / 2n
  // Negating s stands for the nonce -R, whose y has the other parity.
  const recoveryId = Number(yIsOdd !== high) | (x >= order ? 2 : 0)
  return { r: scalarToBytes(r), s: scalarToBytes(high ? negateScalar(s) : s), recoveryId }
}

/** Whether (r, s) signs the 32-byte hash under the 33-byte key. High s, and anything malformed, does not verify. */
export function verifySignature(
  signature: Pick<EcdsaSignature, 'r' | 's'>,
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
  signature: Pick<EcdsaSignature, 'r' | 's' | 'recoveryId'>,
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
