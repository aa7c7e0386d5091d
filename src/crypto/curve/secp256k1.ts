/** Points of secp256k1 as values: how they are represented, compared and encoded. Arithmetic is the engine's. */
import { equalBytes } from '../bytes.ts'
import { equal, parity, readElement, writeElement } from '../limbs/secp256k1/bytes.ts'
import { add, fieldElement, multiply, newElement, scale, square } from '../limbs/secp256k1/field.ts'
import { equalLimbPoints, isIdentityPoint, newPoint, type LimbPoint } from '../limbs/secp256k1/points.ts'
import { invertAll, squareRoot } from '../limbs/secp256k1/powers.ts'

/** Projective coordinates. Never changed once made. */
export type Point = LimbPoint

export const pointLength = 33
export const uncompressedLength = 65
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
  return known.get(point) ?? prepared(point)
}

function prepared(point: Point): Affine {
  prepareEncodings([point])
  return known.get(point)! // just set
}

/** For points that are about to be encoded together: one inversion for all. */
export function prepareEncodings(points: readonly Point[]): void {
  if (points.some(isIdentity)) throw new Error('the point at infinity has no encoding')
  const inverses = invertAll(points.map(({ z }) => z))
  for (let i = 0; i < points.length; i++) known.set(points[i]!, divided(points[i]!, inverses[i]!)) // one for each
  for (const inverse of inverses) inverse.fill(0)
}

function divided({ x, y }: Point, inverse: Point['z']): Affine {
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
  const xBytes = bytes.slice(1)
  const x = readCoordinate(xBytes)
  if (x === undefined) return undefined
  const [y, expected] = [newElement(), curveSide(x)]
  squareRoot(y, expected)
  if (!hasSquare(y, expected)) return undefined
  if (parity(y) !== (prefix & 1)) scale(y, y, -1)
  const yBytes = new Uint8Array(coordinateLength)
  writeElement(yBytes, y)
  return remembered({ x, y, z: fieldElement(1) }, { x: xBytes, y: yBytes })
}

/** Reads exactly what `encodeUncompressed` writes, likewise: faster, as there is no root to take. */
export function decodeUncompressed(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== uncompressedLength || bytes[0] !== 4) return undefined
  const encoded = { x: bytes.slice(1, 1 + coordinateLength), y: bytes.slice(1 + coordinateLength) }
  const [x, y] = [readCoordinate(encoded.x), readCoordinate(encoded.y)]
  if (x === undefined || y === undefined || !hasSquare(y, curveSide(x))) return undefined
  return remembered({ x, y, z: fieldElement(1) }, encoded)
}

/** Undefined for p or more. */
function readCoordinate(bytes: Uint8Array): Point['x'] | undefined {
  const out = newElement()
  readElement(out, bytes)
  const again = new Uint8Array(coordinateLength)
  writeElement(again, out)
  return equalBytes(again, bytes) ? out : undefined
}

/** x³ + 7. */
function curveSide(x: Point['x']): Point['x'] {
  const out = newElement()
  square(out, x)
  multiply(out, out, x)
  add(out, out, fieldElement(7))
  return out
}

function hasSquare(y: Point['y'], expected: Point['y']): boolean {
  const found = newElement()
  square(found, y)
  return equal(found, expected)
}

function remembered(point: Point, encoded: Affine): Point {
  known.set(point, encoded)
  return point
}

function lastByte(bytes: Uint8Array): number {
  return bytes[coordinateLength - 1] ?? 0 // coordinates have 32 bytes
}
