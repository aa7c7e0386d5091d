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
import { multiplyColumns, newColumns, newLimbs, squareColumns, type Columns, type Limbs } from '../product.ts'

export type FieldElement = Limbs

/** Adding and subtracting Tᵢ, 1.5·2^52 times the weight of limb i, rounds to multiples of that weight. */
const T1 = 3 * 2 ** 73
const T2 = 3 * 2 ** 95
const T3 = 3 * 2 ** 117
const T4 = 3 * 2 ** 139
const T5 = 3 * 2 ** 161
const T6 = 3 * 2 ** 183
const T7 = 3 * 2 ** 205
const T8 = 3 * 2 ** 227
const T9 = 3 * 2 ** 249
const T10 = 3 * 2 ** 271
const T11 = 3 * 2 ** 293
const T12 = 3 * 2 ** 315
const T13 = 3 * 2 ** 337
const T14 = 3 * 2 ** 359
const T15 = 3 * 2 ** 381
const T16 = 3 * 2 ** 403
const T17 = 3 * 2 ** 425
const T18 = 3 * 2 ** 447
const T19 = 3 * 2 ** 469
const T20 = 3 * 2 ** 491
const T21 = 3 * 2 ** 513
const T22 = 3 * 2 ** 535
const T23 = 3 * 2 ** 557
/** 2^264 ≡ 2^40 + 250112: what a limb of weight 2^(22(k+12)) is worth in limbs k and k + 1. */
const low = 250112 * 2 ** -264
const high = 2 ** -224

const columns = newColumns()

export const newElement = newLimbs

export function fieldElement(value: number): FieldElement {
  const out = newElement()
  out[0] = value
  return out
}

/** out = a·b. Operands of at most A and B units with A·B ≤ 128; the result has at most 1. */
export function multiply(out: FieldElement, a: FieldElement, b: FieldElement): void {
  multiplyColumns(columns, a, b)
  reduceColumns(out, columns)
}

/** out = a², likewise. */
export function square(out: FieldElement, a: FieldElement): void {
  squareColumns(columns, a)
  reduceColumns(out, columns)
}

/** Overwrites what the last product left behind. */
export function wipeProduct(): void {
  columns.fill(0)
}

/**
 * In relative terms (limb k over 2^(22k)): columns are below 12·128·(2^21+1)^2 < 2^52.7, so exact, with what is added
 * to them. The first carries leave all but r11 and r23 at 2^21; r23 is at most 128·2^42 / 2^22 = 2^27. Folding adds
 * 2^39 + 2^39 to each limb, and 2^45 to r11 and to `top`, the limb of weight 2^264. The second carries bring r0 to r11
 * to 2^21, but r6 to 2^21 + 2^19, and `top` to less than 2^46, of which `over` takes what exceeds 2^21: at most 2^24.
 * Folding both adds 2^39 to r0, 2^39 + 2^42 to r1 and 2^42 to r2. The last carries then leave 2^21 in r0 to r3 and r6,
 * and 1 more in r4 and r7.
 */
function reduceColumns(out: FieldElement, r: Columns): void {
  let r0 = r[0], r1 = r[1], r2 = r[2], r3 = r[3], r4 = r[4], r5 = r[5], r6 = r[6], r7 = r[7], r8 = r[8], r9 = r[9],
    r10 = r[10], r11 = r[11], r12 = r[12], r13 = r[13], r14 = r[14], r15 = r[15], r16 = r[16], r17 = r[17],
    r18 = r[18], r19 = r[19], r20 = r[20], r21 = r[21], r22 = r[22]
  let r23 = 0
  let c: number
  let d: number
  c = (r0 + T1) - T1; r0 -= c; r1 += c; d = (r12 + T13) - T13; r12 -= d; r13 += d
  c = (r1 + T2) - T2; r1 -= c; r2 += c; d = (r13 + T14) - T14; r13 -= d; r14 += d
  c = (r2 + T3) - T3; r2 -= c; r3 += c; d = (r14 + T15) - T15; r14 -= d; r15 += d
  c = (r3 + T4) - T4; r3 -= c; r4 += c; d = (r15 + T16) - T16; r15 -= d; r16 += d
  c = (r4 + T5) - T5; r4 -= c; r5 += c; d = (r16 + T17) - T17; r16 -= d; r17 += d
  c = (r5 + T6) - T6; r5 -= c; r6 += c; d = (r17 + T18) - T18; r17 -= d; r18 += d
  c = (r6 + T7) - T7; r6 -= c; r7 += c; d = (r18 + T19) - T19; r18 -= d; r19 += d
  c = (r7 + T8) - T8; r7 -= c; r8 += c; d = (r19 + T20) - T20; r19 -= d; r20 += d
  c = (r8 + T9) - T9; r8 -= c; r9 += c; d = (r20 + T21) - T21; r20 -= d; r21 += d
  c = (r9 + T10) - T10; r9 -= c; r10 += c; d = (r21 + T22) - T22; r21 -= d; r22 += d
  c = (r10 + T11) - T11; r10 -= c; r11 += c; d = (r22 + T23) - T23; r22 -= d; r23 += d
  r0 += r12 * low
  r1 += r12 * high + r13 * low
  r2 += r13 * high + r14 * low
  r3 += r14 * high + r15 * low
  r4 += r15 * high + r16 * low
  r5 += r16 * high + r17 * low
  r6 += r17 * high + r18 * low
  r7 += r18 * high + r19 * low
  r8 += r19 * high + r20 * low
  r9 += r20 * high + r21 * low
  r10 += r21 * high + r22 * low
  r11 += r22 * high + r23 * low
  let top = r23 * high
  c = (r0 + T1) - T1; r0 -= c; r1 += c; d = (r6 + T7) - T7; r6 -= d; r7 += d
  c = (r1 + T2) - T2; r1 -= c; r2 += c; d = (r7 + T8) - T8; r7 -= d; r8 += d
  c = (r2 + T3) - T3; r2 -= c; r3 += c; d = (r8 + T9) - T9; r8 -= d; r9 += d
  c = (r3 + T4) - T4; r3 -= c; r4 += c; d = (r9 + T10) - T10; r9 -= d; r10 += d
  c = (r4 + T5) - T5; r4 -= c; r5 += c; d = (r10 + T11) - T11; r10 -= d; r11 += d
  c = (r5 + T6) - T6; r5 -= c; r6 += c; d = (r11 + T12) - T12; r11 -= d; top += d
  c = (r6 + T7) - T7; r6 -= c; r7 += c
  const over = (top + T13) - T13
  top -= over
  r0 += top * low
  r1 += top * high + over * low
  r2 += over * high
  c = (r0 + T1) - T1; r0 -= c; r1 += c
  c = (r1 + T2) - T2; r1 -= c; r2 += c
  c = (r2 + T3) - T3; r2 -= c; r3 += c
  c = (r3 + T4) - T4; r3 -= c; r4 += c
  out[0] = r0; out[1] = r1; out[2] = r2; out[3] = r3; out[4] = r4; out[5] = r5
  out[6] = r6; out[7] = r7; out[8] = r8; out[9] = r9; out[10] = r10; out[11] = r11
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
