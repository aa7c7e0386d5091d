/**
 * Integers modulo q, the order of secp256k1, as 32 big-endian bytes: what is sent and hashed, and an array that can be
 * overwritten. Arithmetic is the engine's.
 */
import { byteAt, isAllZero, uint32 } from '../bytes.ts'
import type { ScalarArithmetic } from '../engine.ts'
import type { Rng } from '../protocol.ts'

declare const belowOrder: unique symbol
/** 32 bytes below q. Whoever holds one owns the array: operations return fresh ones. */
export type Scalar = Uint8Array & Readonly<{ [belowOrder]: true }>
/** Many scalars, one after the other. */
export type PackedScalars = Uint8Array

export const scalarLength = 32
/** Bytes reduced to make one scalar: 128 bits more than q has, so that the bias is below 2^-128. */
export const wideScalarLength = 48

/** q. */
const order = Uint8Array.of(
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
  0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
)
/** (q − 1)/2. */
const halfOrder = Uint8Array.of(
  0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
  0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
)

export function zeroScalar(): Scalar {
  return new Uint8Array(scalarLength) as Scalar // 0 is below q
}

/** A public number below 2^32. */
export function smallScalar(value: number): Scalar {
  const scalar = zeroScalar()
  scalar.set(uint32(value), scalarLength - 4)
  return scalar
}

/** Bytes of a scalar below 2^128. */
export const shortLength = 16

/** Such a scalar, from its bytes, big-endian. */
export function shortScalar(bytes: Uint8Array): Scalar {
  const scalar = zeroScalar()
  scalar.set(bytes, scalarLength - shortLength)
  return scalar
}

/** The sum, in a fresh array. Partial sums are overwritten: with what else is known, they may tell an addend. */
export function sumScalars({ add }: Pick<ScalarArithmetic, 'add'>, addends: Iterable<Scalar>): Scalar {
  let sum = zeroScalar()
  for (const addend of addends) {
    const next = add(sum, addend)
    sum.fill(0)
    sum = next
  }
  return sum
}

/** Whether 32 bytes are below q. They may be a secret: the same steps for all that are. */
export function isCanonicalScalar(bytes: Uint8Array): boolean {
  return borrow(bytes, 0, order) === 1
}

/** Whether 32 bytes at `offset`, as they were received among many others, are below q: nearly always by their first. */
export function isCanonicalEntry(packed: PackedScalars, offset: number): boolean {
  return byteAt(packed, offset) !== 0xff || borrow(packed, offset, order) === 1
}

/** Whether the scalar is in the upper half, above (q − 1)/2. */
export function isHigh(scalar: Scalar): boolean {
  return borrow(halfOrder, 0, scalar) === 1
}

/** A uniform scalar other than zero. */
export function randomScalar({ reduceWide }: Pick<ScalarArithmetic, 'reduceWide'>, rng: Rng): Scalar {
  const bytes = rng(wideScalarLength)
  const scalar = reduceWide(bytes) as Scalar // one, and no copy of it
  bytes.fill(0)
  if (isAllZero(scalar)) throw new Error('the random number generator returned zero modulo the group order')
  return scalar
}

/** 1 where the 32 bytes of a at `offset` are less than b, as big-endian numbers, otherwise 0. */
function borrow(a: Uint8Array, offset: number, b: Uint8Array): number {
  let difference = 0
  for (let i = scalarLength - 1; i >= 0; i--) {
    difference = byteAt(a, offset + i) - byteAt(b, i) + (difference >> 8)
  }
  return (difference >>> 8) & 1
}
