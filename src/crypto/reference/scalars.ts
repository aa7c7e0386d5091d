/** Integers modulo q on BigInt. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { scalarLength, wideScalarLength, type PackedScalars, type Scalar } from '../curve/scalar.ts'
import type { ScalarArithmetic } from '../engine.ts'
import { toBytes, toNumber } from './numbers.ts'

export const { Fn } = secp256k1.Point

export function toScalar(value: bigint): Scalar {
  return toBytes(Fn.create(value)) as Scalar // `create` reduces modulo q
}

export function packNumbers(values: readonly bigint[]): PackedScalars {
  const packed = new Uint8Array(values.length * scalarLength)
  values.forEach((value, i) => packed.set(toScalar(value), i * scalarLength))
  return packed
}

/** Numbers of `length` bytes each. */
export function unpackNumbers(bytes: Uint8Array, length = scalarLength): readonly bigint[] {
  const at = (i: number) => toNumber(bytes.subarray(i * length, (i + 1) * length))
  return Array.from({ length: bytes.length / length }, (_, i) => at(i))
}

export const scalars: ScalarArithmetic = {
  add: (a, b) => toScalar(toNumber(a) + toNumber(b)),
  subtract: (a, b) => toScalar(toNumber(a) - toNumber(b)),
  multiply: (a, b) => toScalar(toNumber(a) * toNumber(b)),
  reduce: (bytes) => toScalar(toNumber(bytes)),
  reduceWide: (bytes) => packNumbers(unpackNumbers(bytes, wideScalarLength)),
}
