/**
 * Integers modulo q, the order of secp256k1, as BigInt.
 *
 * BigInt arithmetic has no secret-dependent branches here, but its time depends on operand sizes, and values cannot be
 * overwritten in memory. Everything outside this folder treats `Scalar` as opaque, so that a fixed-width
 * implementation can take its place.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { byteAt } from '../bytes.ts'
import type { Rng } from '../protocol.ts'

export type Scalar = bigint

export const order: bigint = secp256k1.Point.Fn.ORDER
export const scalarLength = 32
/** Bytes reduced to make one scalar: 128 bits more than q has, so that the bias is below 2^-128. */
export const wideScalarLength = 48

export const zero: Scalar = 0n

export function addScalars(a: Scalar, b: Scalar): Scalar {
  return (a + b) % order
}

export function sumScalars(terms: Iterable<Scalar>): Scalar {
  let sum = 0n
  for (const term of terms) sum += term
  return sum % order
}

export function subtractScalars(a: Scalar, b: Scalar): Scalar {
  return (a - b + order) % order
}

export function multiplyScalars(a: Scalar, b: Scalar): Scalar {
  return (a * b) % order
}

export function negateScalar(a: Scalar): Scalar {
  return (order - a) % order
}

/** The inverse of a non-zero scalar. Not constant-time: only for values that are public. */
export function invertPublicScalar(a: Scalar): Scalar {
  return secp256k1.Point.Fn.inv(a)
}

/** `start` + Σ aᵢ·bᵢ, reduced once. */
export function innerProduct(a: readonly Scalar[], b: readonly Scalar[], start: Scalar = zero): Scalar {
  if (a.length !== b.length) throw new RangeError(`inner product of ${a.length} and ${b.length} scalars`)
  let sum = start
  for (let i = 0; i < a.length; i++) sum += (a[i] as Scalar) * (b[i] as Scalar) // both lengths were compared above
  return sum % order
}

/** `bit` = 1: the scalar; `bit` = 0: zero. Masks instead of branching, for secret bits. */
export function selectScalar(bit: number, scalar: Scalar): Scalar {
  return scalar & -BigInt(bit)
}

/** A uniform scalar other than zero. */
export function randomScalar(rng: Rng): Scalar {
  const bytes = rng(wideScalarLength)
  const scalar = scalarFromWide(bytes, 0)
  bytes.fill(0)
  if (scalar === 0n) throw new Error('the random number generator returned zero modulo the group order')
  return scalar
}

/** 48 bytes at `offset`, big-endian, reduced modulo q. */
export function scalarFromWide(bytes: Uint8Array, offset: number): Scalar {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, wideScalarLength)
  return ((read256(view, 0) << 128n) | (view.getBigUint64(32) << 64n) | view.getBigUint64(40)) % order
}

/** Whether 32 bytes at `offset` are a scalar below q. */
export function isCanonicalScalar(bytes: Uint8Array, offset = 0): boolean {
  // Scalars on the wire are uniform or masked, so nearly all are decided by their first byte, which tells nothing.
  return byteAt(bytes, offset) !== 0xff || readScalar(bytes, offset) < order
}

/** 32 bytes at `offset`, big-endian, known to be below q. */
export function readScalar(bytes: Uint8Array, offset: number): Scalar {
  return read256(new DataView(bytes.buffer, bytes.byteOffset + offset, scalarLength), 0)
}

/** Writes 32 bytes at `offset`, big-endian. */
export function writeScalar(out: Uint8Array, offset: number, scalar: Scalar): void {
  const view = new DataView(out.buffer, out.byteOffset + offset, scalarLength)
  for (let word = 0; word < 4; word++) view.setBigUint64(24 - 8 * word, BigInt.asUintN(64, scalar >> BigInt(64 * word)))
}

export function scalarToBytes(scalar: Scalar): Uint8Array {
  const out = new Uint8Array(scalarLength)
  writeScalar(out, 0, scalar)
  return out
}

/** 32 bytes of any value reduced modulo q: for message hashes only (SEC 1 section 4.1.3, step 5). */
export function reduceMessageHash(hash: Uint8Array): Scalar {
  return readScalar(hash, 0) % order
}

function read256(view: DataView, offset: number): bigint {
  return (
    (view.getBigUint64(offset) << 192n) |
    (view.getBigUint64(offset + 8) << 128n) |
    (view.getBigUint64(offset + 16) << 64n) |
    view.getBigUint64(offset + 24)
  )
}
