/** Points of secp256k1, on @noble/curves. The only module of this folder that knows how they are represented. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Scalar } from './scalar.ts'

const { Point: NoblePoint } = secp256k1

export type Point = InstanceType<typeof NoblePoint>

export const pointLength = 33
export const identity: Point = NoblePoint.ZERO

/** k·G for a secret k, in constant time as far as noble's BigInt arithmetic allows. Zero gives the identity. */
export function multiplyBase(k: Scalar): Point {
  return k === 0n ? identity : NoblePoint.BASE.multiply(k)
}

/** k·P for a secret k, likewise. */
export function multiplyPoint(point: Point, k: Scalar): Point {
  return k === 0n || point.is0() ? identity : point.multiply(k)
}

/** k·P in variable time: k and P must both be public. */
export function multiplyPublic(point: Point, k: Scalar): Point {
  return point.multiplyUnsafe(k)
}

/** k·G in variable time: k must be public. */
export function multiplyBasePublic(k: Scalar): Point {
  return NoblePoint.BASE.multiplyUnsafe(k)
}

export function addPoints(...terms: readonly Point[]): Point {
  return terms.reduce((sum, term) => sum.add(term), identity)
}

export function equalPoints(a: Point, b: Point): boolean {
  return a.equals(b)
}

export function isIdentity(point: Point): boolean {
  return point.is0()
}

/** 33 bytes, compressed SEC 1. The identity has no encoding here: it throws. */
export function encodePoint(point: Point): Uint8Array {
  if (point.is0()) throw new Error('the point at infinity has no encoding')
  return point.toBytes(true)
}

/** Reads exactly what `encodePoint` writes. Any other length, prefix or x, or a point off the curve: undefined. */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== pointLength) return undefined
  try {
    // Of 33 bytes noble accepts prefixes 2 and 3 only, so never the identity; the cofactor is 1, so no subgroup check.
    return NoblePoint.fromBytes(bytes)
  } catch {
    return undefined
  }
}

/** 65 bytes, uncompressed SEC 1. */
export function encodeUncompressed(point: Point): Uint8Array {
  return point.toBytes(false)
}

/** The affine x coordinate (below the field prime, not reduced modulo q) and whether y is odd. */
export function affineX(point: Point): Readonly<{ x: bigint; yIsOdd: boolean }> {
  const { x, y } = point.toAffine()
  return { x, yIsOdd: (y & 1n) === 1n }
}
