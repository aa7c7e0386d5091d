/**
 * Points of secp256k1 in projective coordinates with the complete formulas of Renes, Costello and Batina (ePrint
 * 2015/1060) for a = 0 and 3b = 21: no exceptional cases, so nothing to branch on. Comments give bounds in the units of
 * field.ts; coordinates have at most 2 everywhere, and outputs may be inputs.
 */
import { add, carry, copy, fieldElement, multiply, newElement, scale, square, subtract } from './field.ts'
import type { FieldElement } from './field.ts'
import { equal, isZero } from './bytes.ts'

export type LimbPoint = Readonly<{ x: FieldElement; y: FieldElement; z: FieldElement }>

const [t0, t1, t2, t3, t4] = [newElement(), newElement(), newElement(), newElement(), newElement()]
const [x3, y3, z3] = [newElement(), newElement(), newElement()]

/** The identity: (0 : 1 : 0). */
export function newPoint(): LimbPoint {
  return { x: newElement(), y: fieldElement(1), z: newElement() }
}

export function setIdentity(out: LimbPoint): void {
  out.x.fill(0)
  out.y.fill(0)
  out.y[0] = 1
  out.z.fill(0)
}

export function copyPoint(out: LimbPoint, p: LimbPoint): void {
  copy(out.x, p.x)
  copy(out.y, p.y)
  copy(out.z, p.z)
}

export function isIdentityPoint(p: LimbPoint): boolean {
  return isZero(p.z)
}

/** p + q: algorithm 7. */
export function addPoints(out: LimbPoint, p: LimbPoint, q: LimbPoint): void {
  multiply(t0, p.x, q.x)
  multiply(t1, p.y, q.y)
  multiply(t2, p.z, q.z)
  crossTerm(t3, p.x, p.y, q.x, q.y, t0, t1)
  crossTerm(t4, p.y, p.z, q.y, q.z, t1, t2)
  crossTerm(y3, p.x, p.z, q.x, q.z, t0, t2)
  finishAddition(out)
}

/** p + q for q = (x, y) other than the identity: algorithm 8. x and y have at most 1 unit. */
export function addAffine(out: LimbPoint, p: LimbPoint, x: FieldElement, y: FieldElement): void {
  multiply(t0, p.x, x)
  multiply(t1, p.y, y)
  copy(t2, p.z)
  crossTerm(t3, p.x, p.y, x, y, t0, t1)
  multiply(t4, y, p.z)
  add(t4, t4, p.y) // 3
  multiply(y3, x, p.z)
  add(y3, y3, p.x) // 3
  finishAddition(out)
}

/** 2p: algorithm 9. */
export function double(out: LimbPoint, p: LimbPoint): void {
  square(t0, p.y)
  scale(z3, t0, 8)
  multiply(t1, p.y, p.z)
  square(t2, p.z)
  scale(t2, t2, 21)
  carry(t2) // 21 → 1
  multiply(x3, t2, z3) // 1·8
  add(y3, t0, t2) // 2
  multiply(z3, t1, z3) // 1·8
  scale(t1, t2, 3)
  subtract(t0, t0, t1) // 4
  multiply(y3, t0, y3) // 4·2
  multiply(t1, p.x, p.y)
  add(out.y, x3, y3)
  multiply(x3, t0, t1) // 4·1
  add(out.x, x3, x3)
  copy(out.z, z3)
}

/** Equal as points: the ratios are compared. */
export function equalLimbPoints(p: LimbPoint, q: LimbPoint): boolean {
  multiply(t0, p.x, q.z)
  multiply(t1, q.x, p.z)
  multiply(t2, p.y, q.z)
  multiply(t3, q.y, p.z)
  const [sameX, sameY] = [equal(t0, t1), equal(t2, t3)]
  return sameX && sameY && isIdentityPoint(p) === isIdentityPoint(q)
}

/** Overwrites intermediate values of the last operation. */
export function wipePointScratch(): void {
  for (const element of [t0, t1, t2, t3, t4, x3, y3, z3]) element.fill(0)
}

/** out = (a + b)(c + d) − ac − bd: at most 3. The sums have at most 4. */
function crossTerm(
  out: FieldElement,
  a: FieldElement,
  b: FieldElement,
  c: FieldElement,
  d: FieldElement,
  ac: FieldElement,
  bd: FieldElement,
): void {
  add(x3, a, b)
  add(z3, c, d)
  multiply(out, x3, z3) // 4·4
  subtract(out, out, ac)
  subtract(out, out, bd)
}

/** Steps 19–33 of algorithm 7, which are 12–26 of algorithm 8. t2 has at most 2. */
function finishAddition(out: LimbPoint): void {
  scale(t0, t0, 3)
  scale(t2, t2, 21)
  carry(t2) // 42 → 1
  add(z3, t1, t2) // 2
  subtract(t1, t1, t2) // 2
  scale(y3, y3, 21)
  carry(y3) // 63 → 1
  multiply(x3, t4, y3) // 3·1
  multiply(t2, t3, t1) // 3·2
  subtract(out.x, t2, x3)
  multiply(y3, y3, t0) // 1·3
  multiply(t1, t1, z3) // 2·2
  add(out.y, t1, y3)
  multiply(t0, t0, t3) // 3·3
  multiply(z3, z3, t4) // 2·3
  add(out.z, z3, t0)
}
