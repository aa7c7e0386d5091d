/** Square roots modulo 2^255 − 19 (RFC 9496, section 4.2), by a fixed exponent and arithmetic selection. */
import { isEqual, isNegative } from './bytes.ts'
import { add, copy, copyIf, multiply, newElement, scale, square, type FieldElement } from './field.ts'
import { sqrtMinusOne } from './constants.ts'

const [v3, v7, check, root, other] = [newElement(), newElement(), newElement(), newElement(), newElement()]
const [p0, p1, p2] = [newElement(), newElement(), newElement()]
const zero = newElement()

/** SQRT_RATIO_M1: out = the non-negative root of u/v, or of √−1·u/v; returns 1 where u/v is a square, otherwise 0. */
export function squareRootOfRatio(out: FieldElement, u: FieldElement, v: FieldElement): number {
  square(v3, v)
  multiply(v3, v3, v)
  square(v7, v3)
  multiply(v7, v7, v)
  multiply(root, u, v7)
  raise(root, root)
  multiply(v3, u, v3)
  multiply(root, root, v3) // u·v³·(u·v⁷)^((p−5)/8)
  square(check, root)
  multiply(check, check, v)
  const correct = isEqual(check, u)
  add(other, check, u)
  const flipped = isEqual(other, zero)
  multiply(other, u, sqrtMinusOne)
  add(other, other, check)
  const flippedByI = isEqual(other, zero)
  multiply(other, root, sqrtMinusOne)
  copyIf(flipped | flippedByI, root, other)
  makeNonNegative(root)
  copy(out, root)
  return correct | flipped
}

/** a = |a|: negated where it is negative. */
export function makeNonNegative(a: FieldElement): void {
  negateIf(isNegative(a), a)
}

/** a = −a where `bit` is 1. */
export function negateIf(bit: number, a: FieldElement): void {
  scale(a, a, 1 - (bit << 1))
}

/** out = a^((p−5)/8) = a^(2^252 − 3). */
function raise(out: FieldElement, a: FieldElement): void {
  square(p0, a) // 2
  squareTimes(p1, p0, 2) // 8
  multiply(p1, a, p1) // 9
  multiply(p0, p0, p1) // 11
  square(p0, p0) // 22
  multiply(p0, p1, p0) // 2^5 − 1
  extend(p0, p0, p0, 5) // 2^10 − 1
  extend(p1, p0, p0, 10) // 2^20 − 1
  extend(p1, p1, p1, 20) // 2^40 − 1
  extend(p0, p1, p0, 10) // 2^50 − 1
  extend(p1, p0, p0, 50) // 2^100 − 1
  extend(p1, p1, p1, 100) // 2^200 − 1
  extend(p0, p1, p0, 50) // 2^250 − 1
  squareTimes(p0, p0, 2)
  multiply(out, p0, a)
}

/** out = a^(2^times)·tail. */
function extend(out: FieldElement, a: FieldElement, tail: FieldElement, times: number): void {
  squareTimes(p2, a, times)
  multiply(out, p2, tail)
}

function squareTimes(out: FieldElement, a: FieldElement, times: number): void {
  square(out, a)
  for (let i = 1; i < times; i++) square(out, out)
}

/** Overwrites intermediate values of the last operation. */
export function wipePowerScratch(): void {
  for (const element of [v3, v7, check, root, other, p0, p1, p2]) element.fill(0)
}
