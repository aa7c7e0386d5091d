/** Points of secp256k1 as values: how they are represented, compared and encoded. Arithmetic is the engine's. */
import { equal, parity, readElement, writeElement } from '../limbs/secp256k1/bytes.ts'
import { add, fieldElement, multiply, newElement, scale, square } from '../limbs/secp256k1/field.ts'
import { equalLimbPoints, isIdentityPoint, newPoint, type LimbPoint } from '../limbs/secp256k1/points.ts'
import { invert, squareRoot } from '../limbs/secp256k1/powers.ts'

/** Projective coordinates. Never changed once made. */
export type Point = LimbPoint

export const pointLength = 33
const coordinateLength = 32

export const identity: Point = newPoint()

export function equalPoints(a: Point, b: Point): boolean {
  return equalLimbPoints(a, b)
}

export function isIdentity(point: Point): boolean {
  return isIdentityPoint(point)
}

type Affine = Readonly<{ x: Uint8Array; y: Uint8Array }>

/** Points are encoded and hashed several times each, and every first time costs an inversion. */
const known = new WeakMap<Point, Affine>()

/** The affine coordinates, 32 big-endian bytes each, not to be changed. The identity has none: it throws. */
export function affine(point: Point): Affine {
  const found = known.get(point) ?? toAffine(point)
  known.set(point, found)
  return found
}

function toAffine({ x, y, z }: Point): Affine {
  if (isIdentity({ x, y, z })) throw new Error('the point at infinity has no encoding')
  const inverse = newElement()
  invert(inverse, z)
  const coordinate = (value: Point['x']) => {
    const [quotient, bytes] = [newElement(), new Uint8Array(coordinateLength)]
    multiply(quotient, value, inverse)
    writeElement(bytes, quotient)
    return bytes
  }
  return { x: coordinate(x), y: coordinate(y) }
}

/** 33 bytes, compressed SEC 1. The identity has no encoding here: it throws. */
export function encodePoint(point: Point): Uint8Array {
  const { x, y } = affine(point)
  const out = new Uint8Array(pointLength)
  out[0] = 2 + (lastByte(y) & 1)
  out.set(x, 1)
  return out
}

/** 65 bytes, uncompressed SEC 1. */
export function encodeUncompressed(point: Point): Uint8Array {
  const { x, y } = affine(point)
  return Uint8Array.of(4, ...x, ...y)
}

/**
 * Reads exactly what `encodePoint` writes. Any other length, prefix or x, or a point off the curve: undefined. The
 * cofactor is 1, so every point of the curve is in the group.
 */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  const [prefix] = bytes
  if (bytes.length !== pointLength || (prefix !== 2 && prefix !== 3)) return undefined
  const [x, y, right, check] = [newElement(), newElement(), newElement(), newElement()]
  readElement(x, bytes.subarray(1))
  const again = new Uint8Array(coordinateLength)
  writeElement(again, x)
  if (again.some((byte, i) => byte !== bytes[i + 1])) return undefined // x was p or more
  square(right, x)
  multiply(right, right, x)
  add(right, right, fieldElement(7))
  squareRoot(y, right)
  square(check, y)
  if (!equal(check, right)) return undefined
  if (parity(y) !== (prefix & 1)) scale(y, y, -1)
  const point = { x, y, z: fieldElement(1) }
  const yBytes = new Uint8Array(coordinateLength)
  writeElement(yBytes, y)
  known.set(point, { x: again, y: yBytes })
  return point
}

function lastByte(bytes: Uint8Array): number {
  return bytes[coordinateLength - 1] ?? 0 // coordinates have 32 bytes
}
