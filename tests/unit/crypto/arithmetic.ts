/** For tests: the default engine's operations by name, and BigInts where a test states a value. */
import { zeroScalar, type Scalar } from '../../../src/crypto/curve/scalar.ts'
import type { Point } from '../../../src/crypto/curve/secp256k1.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'

export const { scalars, points, elements } = limbEngine
/** q. */
export const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** The value modulo q. */
export function scalarOf(value: bigint): Scalar {
  const reduced = ((value % order) + order) % order
  return bytes32(reduced) as Scalar // just reduced
}

/** The value as 32 big-endian bytes, whether below q or not. */
export function bytes32(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
}

export function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`)
}

export function sumOf(terms: readonly Scalar[]): Scalar {
  return terms.reduce(scalars.add, zeroScalar())
}

export function negated(scalar: Scalar): Scalar {
  return scalars.subtract(zeroScalar(), scalar)
}

/** k·G. */
export function pointOf(k: bigint): Point {
  return points.multiplyBase(scalarOf(k))
}

export function negatedPoint(point: Point): Point {
  return points.combinePublic([[scalarOf(-1n), point]])
}
