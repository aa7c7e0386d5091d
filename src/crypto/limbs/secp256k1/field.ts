/**
 * Integers modulo p = 2^256 − 2^32 − 977, the field of secp256k1, on twelve float64 limbs.
 *
 * A value is Σ aᵢ with aᵢ a multiple of 2^(22i), of either sign: limbs carry their own weight, so a carry is rounding
 * to a multiple of the next weight, (a + T) − T, and folding what exceeds 2^264 ≡ 2^40 + 250112 (mod p) is one
 * multiplication by a power-of-two multiple of it. (D. J. Bernstein, "Floating-point arithmetic and message
 * authentication", section 4; the same technique as his curve25519.)
 *
 * Bounds, with aᵢ counted in units of uᵢ = (2^21 + 1)·2^(22i): every product is at most 1. Sums add up. Operands of a
 * product may be at most A and B with A·B ≤ 128. Formulas in points.ts note their bounds in these units. Nothing here
 * branches on, or indexes by, a value.
 */
import { newLimbs, type Limbs } from '../product.ts'
import { high, low, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12 } from './product.ts'

export { multiply, square } from './product.ts'

export type FieldElement = Limbs

export const newElement = newLimbs

export function fieldElement(value: number): FieldElement {
  const out = newElement()
  out[0] = value
  return out
}

/** Carries a: at most 2^9 units before; afterwards at most 1, but 1 + 2^-10 in the third limb. */
export function carry(a: FieldElement): void {
  let r0 = a[0], r1 = a[1], r2 = a[2], r3 = a[3], r4 = a[4], r5 = a[5], r6 = a[6], r7 = a[7], r8 = a[8], r9 = a[9],
    r10 = a[10], r11 = a[11]
  let top = 0
  let c: number
  let d: number
  c = (r0 + T1) - T1; r0 -= c; r1 += c; d = (r6 + T7) - T7; r6 -= d; r7 += d
  c = (r1 + T2) - T2; r1 -= c; r2 += c; d = (r7 + T8) - T8; r7 -= d; r8 += d
  c = (r2 + T3) - T3; r2 -= c; r3 += c; d = (r8 + T9) - T9; r8 -= d; r9 += d
  c = (r3 + T4) - T4; r3 -= c; r4 += c; d = (r9 + T10) - T10; r9 -= d; r10 += d
  c = (r4 + T5) - T5; r4 -= c; r5 += c; d = (r10 + T11) - T11; r10 -= d; r11 += d
  c = (r5 + T6) - T6; r5 -= c; r6 += c; d = (r11 + T12) - T12; r11 -= d; top += d
  c = (r6 + T7) - T7; r6 -= c; r7 += c
  // top is below 2^10 now, so r0 and r1 grow by 2^28.
  r0 += top * low
  r1 += top * high
  c = (r0 + T1) - T1; r0 -= c; r1 += c
  c = (r1 + T2) - T2; r1 -= c; r2 += c
  a[0] = r0; a[1] = r1; a[2] = r2; a[3] = r3; a[4] = r4; a[5] = r5
  a[6] = r6; a[7] = r7; a[8] = r8; a[9] = r9; a[10] = r10; a[11] = r11
}

/** out = a + b, limb by limb: bounds add up. */
export function add(out: FieldElement, a: FieldElement, b: FieldElement): void {
  out[0] = a[0] + b[0]; out[1] = a[1] + b[1]; out[2] = a[2] + b[2]
  out[3] = a[3] + b[3]; out[4] = a[4] + b[4]; out[5] = a[5] + b[5]
  out[6] = a[6] + b[6]; out[7] = a[7] + b[7]; out[8] = a[8] + b[8]
  out[9] = a[9] + b[9]; out[10] = a[10] + b[10]; out[11] = a[11] + b[11]
}

/** out = a − b; bounds add up. */
export function subtract(out: FieldElement, a: FieldElement, b: FieldElement): void {
  out[0] = a[0] - b[0]; out[1] = a[1] - b[1]; out[2] = a[2] - b[2]
  out[3] = a[3] - b[3]; out[4] = a[4] - b[4]; out[5] = a[5] - b[5]
  out[6] = a[6] - b[6]; out[7] = a[7] - b[7]; out[8] = a[8] - b[8]
  out[9] = a[9] - b[9]; out[10] = a[10] - b[10]; out[11] = a[11] - b[11]
}

/** out = k·a for a small public integer k; so is the bound. */
export function scale(out: FieldElement, a: FieldElement, k: number): void {
  out[0] = a[0] * k; out[1] = a[1] * k; out[2] = a[2] * k; out[3] = a[3] * k
  out[4] = a[4] * k; out[5] = a[5] * k; out[6] = a[6] * k; out[7] = a[7] * k
  out[8] = a[8] * k; out[9] = a[9] * k; out[10] = a[10] * k; out[11] = a[11] * k
}

export function copy(out: FieldElement, a: FieldElement): void {
  out.set(a)
}

/** out = a where `bit` is 1, unchanged where it is 0: by arithmetic, for secret bits. */
export function copyIf(bit: number, out: FieldElement, a: FieldElement): void {
  const keep = 1 - bit
  out[0] = keep * out[0] + bit * a[0]; out[1] = keep * out[1] + bit * a[1]
  out[2] = keep * out[2] + bit * a[2]; out[3] = keep * out[3] + bit * a[3]
  out[4] = keep * out[4] + bit * a[4]; out[5] = keep * out[5] + bit * a[5]
  out[6] = keep * out[6] + bit * a[6]; out[7] = keep * out[7] + bit * a[7]
  out[8] = keep * out[8] + bit * a[8]; out[9] = keep * out[9] + bit * a[9]
  out[10] = keep * out[10] + bit * a[10]; out[11] = keep * out[11] + bit * a[11]
}
