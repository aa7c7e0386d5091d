/**
 * Points of the twisted Edwards curve behind ristretto255, a = −1, in extended coordinates (x : y : z : t), t = xy/z.
 * Formulas: Hisil, Wong, Carter and Dawson (ePrint 2008/522), section 3.1 for addition, complete because d is no
 * square, and section 3.3 for doubling. Comments give bounds in the units of field.ts; coordinates of results have at
 * most 1.
 */
import { twoD } from './constants.ts'
import { add, copy, fieldElement, multiply, newElement, scale, square, subtract } from './field.ts'
import type { FieldElement } from './field.ts'

export type EdwardsPoint = Readonly<{ x: FieldElement; y: FieldElement; z: FieldElement; t: FieldElement }>

/** What an addition needs of its second operand: y + x, y − x, 2d·t and 2z. At most 2. */
export type CachedPoint = Readonly<{
  sum: FieldElement
  difference: FieldElement
  t2d: FieldElement
  z2: FieldElement
}>

const [t0, t1, t2, t3, t4, t5, t6, t7] = [
  newElement(), newElement(), newElement(), newElement(), newElement(), newElement(), newElement(), newElement(),
]

/** The identity. */
export function newPoint(): EdwardsPoint {
  return { x: newElement(), y: fieldElement(1), z: fieldElement(1), t: newElement() }
}

export function newCached(): CachedPoint {
  return { sum: newElement(), difference: newElement(), t2d: newElement(), z2: newElement() }
}

export function setIdentity(out: EdwardsPoint): void {
  for (const coordinate of [out.x, out.y, out.z, out.t]) coordinate.fill(0)
  out.y[0] = 1
  out.z[0] = 1
}

export function copyPoint(out: EdwardsPoint, p: EdwardsPoint): void {
  copy(out.x, p.x)
  copy(out.y, p.y)
  copy(out.z, p.z)
  copy(out.t, p.t)
}

export function cache(out: CachedPoint, p: EdwardsPoint): void {
  add(out.sum, p.y, p.x)
  subtract(out.difference, p.y, p.x)
  multiply(out.t2d, p.t, twoD)
  add(out.z2, p.z, p.z)
}

/** Turns the cached point into its negative. */
export function negateCached(p: CachedPoint): void {
  copy(t0, p.sum)
  copy(p.sum, p.difference)
  copy(p.difference, t0)
  scale(p.t2d, p.t2d, -1)
}

/** out = p + q; out may be p. */
export function addCached(out: EdwardsPoint, p: EdwardsPoint, q: CachedPoint): void {
  add(t0, p.y, p.x)
  subtract(t1, p.y, p.x)
  multiply(t0, t0, q.sum) // 2·2
  multiply(t1, t1, q.difference) // 2·2
  multiply(t2, p.t, q.t2d)
  multiply(t3, p.z, q.z2)
  subtract(t4, t0, t1)
  subtract(t5, t3, t2)
  add(t6, t3, t2)
  add(t7, t0, t1)
  multiply(out.x, t4, t5) // 2·2, and so the others
  multiply(out.y, t6, t7)
  multiply(out.z, t5, t6)
  multiply(out.t, t4, t7)
}

/** out = 2p; out may be p. Without t where another doubling follows, which does not read it. */
export function double(out: EdwardsPoint, p: EdwardsPoint, withT: boolean): void {
  square(t0, p.x)
  square(t1, p.y)
  square(t2, p.z)
  add(t3, p.x, p.y)
  square(t3, t3) // 2·2
  subtract(t3, t3, t0)
  subtract(t3, t3, t1) // 3
  subtract(t4, t1, t0) // 2
  subtract(t5, t4, t2)
  subtract(t5, t5, t2) // 4
  add(t6, t0, t1)
  scale(t6, t6, -1) // 2
  multiply(out.x, t3, t5) // 3·4
  multiply(out.y, t4, t6) // 2·2
  multiply(out.z, t5, t4) // 4·2
  if (withT) multiply(out.t, t3, t6) // 3·2
}

/** Overwrites intermediate values of the last operation. */
export function wipePointScratch(): void {
  for (const element of [t0, t1, t2, t3, t4, t5, t6, t7]) element.fill(0)
}
