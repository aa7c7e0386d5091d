/** Elements of ristretto255 as bytes: RFC 9496, sections 4.3.1 (decode), 4.3.2 (encode), 4.3.4 (from uniform bytes). */
import { isNegative, isZero, readElement, writeElement } from './bytes.ts'
import { d, dMinusOneSquared, inverseSqrtAMinusD, one, oneMinusDSquared } from './constants.ts'
import { sqrtAdMinusOne, sqrtMinusOne } from './constants.ts'
import { add, carry, copy, copyIf, multiply, newElement, scale, square, subtract } from './field.ts'
import type { FieldElement } from './field.ts'
import { addCached, cache, newCached, newPoint, wipePointScratch, type EdwardsPoint } from './points.ts'
import { makeNonNegative, negateIf, squareRootOfRatio, wipePowerScratch } from './powers.ts'

const [u1, u2, inverse, den1, den2, zInverse] = elements()
const [x, y, xi, yi, s, v] = elements()

function elements() {
  return [newElement(), newElement(), newElement(), newElement(), newElement(), newElement()] as const
}

/** Writes 32 bytes, the same steps for every element. */
export function encodeElement(bytes: Uint8Array, p: EdwardsPoint): void {
  add(u1, p.z, p.y)
  subtract(u2, p.z, p.y)
  multiply(u1, u1, u2) // 2·2
  multiply(u2, p.x, p.y)
  square(inverse, u2)
  multiply(inverse, inverse, u1)
  squareRootOfRatio(inverse, one, inverse)
  multiply(den1, inverse, u1)
  multiply(den2, inverse, u2)
  multiply(zInverse, den1, den2)
  multiply(zInverse, zInverse, p.t)
  multiply(xi, p.x, sqrtMinusOne)
  multiply(yi, p.y, sqrtMinusOne)
  multiply(den1, den1, inverseSqrtAMinusD)
  multiply(s, p.t, zInverse)
  const rotate = isNegative(s)
  copy(x, p.x)
  copyIf(rotate, x, yi)
  copy(y, p.y)
  copyIf(rotate, y, xi)
  copyIf(rotate, den2, den1)
  multiply(s, x, zInverse)
  negateIf(isNegative(s), y)
  subtract(s, p.z, y)
  multiply(s, s, den2) // 2·1
  makeNonNegative(s)
  writeElement(bytes, s)
  wipeScratch()
}

const again = new Uint8Array(32)

/** Reads 32 bytes; false unless they are the canonical encoding of an element. Public values only: it returns early. */
export function decodeElement(out: EdwardsPoint, bytes: Uint8Array): boolean {
  readElement(s, bytes)
  writeElement(again, s)
  if (isNegative(s) === 1 || again.some((byte, i) => byte !== bytes[i])) return false
  square(v, s)
  subtract(u1, one, v)
  add(u2, one, v)
  square(den2, u2) // u2²
  square(v, u1)
  multiply(v, v, d)
  scale(v, v, -1)
  subtract(v, v, den2) // 2
  multiply(inverse, v, den2)
  const wasSquare = squareRootOfRatio(inverse, one, inverse)
  multiply(den1, inverse, u2) // 1·2
  multiply(den2, inverse, den1)
  multiply(den2, den2, v)
  multiply(x, s, den1)
  scale(x, x, 2)
  carry(x)
  makeNonNegative(x)
  copy(out.x, x)
  multiply(out.y, u1, den2)
  copy(out.z, one)
  multiply(out.t, x, out.y)
  return wasSquare === 1 && isNegative(out.t) === 0 && isZero(out.y) === 0
}

const half = newElement()
const first = newPoint()
const second = newPoint()
const cached = newCached()

/** The element of 64 uniform bytes. */
export function mapUniform(out: EdwardsPoint, bytes: Uint8Array): void {
  readElement(half, bytes.subarray(0, 32))
  mapToPoint(first, half)
  readElement(half, bytes.subarray(32, 64))
  mapToPoint(second, half)
  cache(cached, second)
  addCached(out, first, cached)
  half.fill(0)
  for (const point of [first, second]) wipePoint(point)
  wipeScratch()
}

/** MAP. Where the RFC chooses by was_square, values are combined by arithmetic. */
function mapToPoint(out: EdwardsPoint, t: FieldElement): void {
  square(xi, t)
  multiply(xi, xi, sqrtMinusOne) // r
  add(u1, xi, one)
  multiply(u1, u1, oneMinusDSquared) // u
  multiply(u2, xi, d)
  scale(u2, u2, -1)
  subtract(u2, u2, one)
  add(v, xi, d)
  multiply(v, u2, v) // 2·2: v = (−1 − r·d)(r + d)
  const wasSquare = squareRootOfRatio(s, u1, v)
  multiply(yi, s, t)
  makeNonNegative(yi)
  scale(yi, yi, -1) // s′
  copyIf(1 - wasSquare, s, yi)
  scale(den1, one, -1)
  copyIf(1 - wasSquare, den1, xi) // c
  subtract(den2, xi, one)
  multiply(den1, den1, den2) // 1·2
  multiply(den1, den1, dMinusOneSquared)
  subtract(den1, den1, v) // N, 2
  square(den2, s)
  scale(x, s, 2)
  multiply(x, x, v) // w0
  multiply(y, den1, sqrtAdMinusOne) // w1
  subtract(u1, one, den2) // w2
  add(u2, one, den2) // w3
  multiply(out.x, x, u2)
  multiply(out.y, u1, y)
  multiply(out.z, y, u2)
  multiply(out.t, x, u1)
}

function wipePoint(p: EdwardsPoint): void {
  for (const coordinate of [p.x, p.y, p.z, p.t]) coordinate.fill(0)
}

function wipeScratch(): void {
  for (const element of [u1, u2, inverse, den1, den2, zInverse, x, y, xi, yi, s, v]) element.fill(0)
  const { sum, difference, t2d, z2 } = cached
  for (const element of [sum, difference, t2d, z2]) element.fill(0)
  wipePointScratch()
  wipePowerScratch()
}
