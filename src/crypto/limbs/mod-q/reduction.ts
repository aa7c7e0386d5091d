/**
 * Sums of products modulo q, the order of secp256k1: see numbers.ts for limbs, units and bounds. Written by
 * `npm run generate` (scripts/limb-products.ts): not to be edited.
 */
import type { Columns, Limbs } from '../product.ts'

/** 2^264 ≡ Σ eⱼ·2^(22j): what a limb of weight 2^(22(k+12)) is worth in limbs k to k + 6. */
const e0 = 4112128 * 2 ** -264
const e1 = 835366 * 2 ** -242
const e2 = 186903 * 2 ** -220
const e3 = 1569040 * 2 ** -198
const e4 = 1659063 * 2 ** -176
const e5 = 1393804 * 2 ** -154
const e6 = 20 * 2 ** -132
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

/**
 * Carries all columns but the last, at once. Columns may be below 2^52, in units of their own weight; afterwards they
 * are below 2^31, and the last has grown by at most 2^30.
 */
export function carryColumns(columns: Columns): void {
  let r0 = columns[0], r1 = columns[1], r2 = columns[2], r3 = columns[3], r4 = columns[4], r5 = columns[5], r6 = columns[6], r7 = columns[7], r8 = columns[8], r9 = columns[9], r10 = columns[10], r11 = columns[11], r12 = columns[12], r13 = columns[13], r14 = columns[14], r15 = columns[15], r16 = columns[16], r17 = columns[17], r18 = columns[18], r19 = columns[19], r20 = columns[20], r21 = columns[21], r22 = columns[22], r23 = columns[23]
  let c0: number, c1: number, c2: number, c3: number, c4: number, c5: number, c6: number, c7: number, c8: number, c9: number, c10: number, c11: number, c12: number, c13: number, c14: number, c15: number, c16: number, c17: number, c18: number, c19: number, c20: number, c21: number, c22: number
  c0 = (r0 + T1) - T1
  c1 = (r1 + T2) - T2
  c2 = (r2 + T3) - T3
  c3 = (r3 + T4) - T4
  c4 = (r4 + T5) - T5
  c5 = (r5 + T6) - T6
  c6 = (r6 + T7) - T7
  c7 = (r7 + T8) - T8
  c8 = (r8 + T9) - T9
  c9 = (r9 + T10) - T10
  c10 = (r10 + T11) - T11
  c11 = (r11 + T12) - T12
  c12 = (r12 + T13) - T13
  c13 = (r13 + T14) - T14
  c14 = (r14 + T15) - T15
  c15 = (r15 + T16) - T16
  c16 = (r16 + T17) - T17
  c17 = (r17 + T18) - T18
  c18 = (r18 + T19) - T19
  c19 = (r19 + T20) - T20
  c20 = (r20 + T21) - T21
  c21 = (r21 + T22) - T22
  c22 = (r22 + T23) - T23
  r0 = r0 - c0
  r1 = r1 - c1 + c0
  r2 = r2 - c2 + c1
  r3 = r3 - c3 + c2
  r4 = r4 - c4 + c3
  r5 = r5 - c5 + c4
  r6 = r6 - c6 + c5
  r7 = r7 - c7 + c6
  r8 = r8 - c8 + c7
  r9 = r9 - c9 + c8
  r10 = r10 - c10 + c9
  r11 = r11 - c11 + c10
  r12 = r12 - c12 + c11
  r13 = r13 - c13 + c12
  r14 = r14 - c14 + c13
  r15 = r15 - c15 + c14
  r16 = r16 - c16 + c15
  r17 = r17 - c17 + c16
  r18 = r18 - c18 + c17
  r19 = r19 - c19 + c18
  r20 = r20 - c20 + c19
  r21 = r21 - c21 + c20
  r22 = r22 - c22 + c21
  r23 += c22
  columns[0] = r0
  columns[1] = r1
  columns[2] = r2
  columns[3] = r3
  columns[4] = r4
  columns[5] = r5
  columns[6] = r6
  columns[7] = r7
  columns[8] = r8
  columns[9] = r9
  columns[10] = r10
  columns[11] = r11
  columns[12] = r12
  columns[13] = r13
  columns[14] = r14
  columns[15] = r15
  columns[16] = r16
  columns[17] = r17
  columns[18] = r18
  columns[19] = r19
  columns[20] = r20
  columns[21] = r21
  columns[22] = r22
  columns[23] = r23
}

/**
 * out ≡ Σ columnsₖ, with limbs below 2^24.2 and a value between ±(2^263 + 2^245). Columns may be below 2^50, the last
 * below 2^27.
 *
 * The first carries leave less than 2^28.6 in r12 to r23. Folding takes these times Σ eⱼ < 2^23.3, so sums stay below
 * 2^52.3, exact. The second carries leave less than 2^30.4 in r0 to r11 and, done twice, 2^21 + 2^9 in s12 to s17; s18 is
 * below 2^12, as s17 was 20 times a limb at most. Folding leaves less than 2^44.5 in r0 to r11; the third carries less
 * than 2^23 there and in t12; folding that adds 2^45 to r0 to r6; the fourth carries leave less than 2^23.2, but 2^21 + 2
 * in r11, and at most 2 in u12, whose folding adds 2^23.
 */
export function reduceColumns(out: Limbs, columns: Columns): void {
  let r0 = columns[0], r1 = columns[1], r2 = columns[2], r3 = columns[3], r4 = columns[4], r5 = columns[5], r6 = columns[6], r7 = columns[7], r8 = columns[8], r9 = columns[9], r10 = columns[10], r11 = columns[11], r12 = columns[12], r13 = columns[13], r14 = columns[14], r15 = columns[15], r16 = columns[16], r17 = columns[17], r18 = columns[18], r19 = columns[19], r20 = columns[20], r21 = columns[21], r22 = columns[22], r23 = columns[23]
  let c12: number, c13: number, c14: number, c15: number, c16: number, c17: number, c18: number, c19: number, c20: number, c21: number, c22: number, c0: number, c1: number, c2: number, c3: number, c4: number, c5: number, c6: number, c7: number, c8: number, c9: number, c10: number, c11: number
  c12 = (r12 + T13) - T13
  c13 = (r13 + T14) - T14
  c14 = (r14 + T15) - T15
  c15 = (r15 + T16) - T16
  c16 = (r16 + T17) - T17
  c17 = (r17 + T18) - T18
  c18 = (r18 + T19) - T19
  c19 = (r19 + T20) - T20
  c20 = (r20 + T21) - T21
  c21 = (r21 + T22) - T22
  c22 = (r22 + T23) - T23
  r12 = r12 - c12
  r13 = r13 - c13 + c12
  r14 = r14 - c14 + c13
  r15 = r15 - c15 + c14
  r16 = r16 - c16 + c15
  r17 = r17 - c17 + c16
  r18 = r18 - c18 + c17
  r19 = r19 - c19 + c18
  r20 = r20 - c20 + c19
  r21 = r21 - c21 + c20
  r22 = r22 - c22 + c21
  r23 += c22
  r0 += r12 * e0
  r1 += r12 * e1 + r13 * e0
  r2 += r12 * e2 + r13 * e1 + r14 * e0
  r3 += r12 * e3 + r13 * e2 + r14 * e1 + r15 * e0
  r4 += r12 * e4 + r13 * e3 + r14 * e2 + r15 * e1 + r16 * e0
  r5 += r12 * e5 + r13 * e4 + r14 * e3 + r15 * e2 + r16 * e1 + r17 * e0
  r6 += r12 * e6 + r13 * e5 + r14 * e4 + r15 * e3 + r16 * e2 + r17 * e1 + r18 * e0
  r7 += r13 * e6 + r14 * e5 + r15 * e4 + r16 * e3 + r17 * e2 + r18 * e1 + r19 * e0
  r8 += r14 * e6 + r15 * e5 + r16 * e4 + r17 * e3 + r18 * e2 + r19 * e1 + r20 * e0
  r9 += r15 * e6 + r16 * e5 + r17 * e4 + r18 * e3 + r19 * e2 + r20 * e1 + r21 * e0
  r10 += r16 * e6 + r17 * e5 + r18 * e4 + r19 * e3 + r20 * e2 + r21 * e1 + r22 * e0
  r11 += r17 * e6 + r18 * e5 + r19 * e4 + r20 * e3 + r21 * e2 + r22 * e1 + r23 * e0
  let s12 = r18 * e6 + r19 * e5 + r20 * e4 + r21 * e3 + r22 * e2 + r23 * e1
  let s13 = r19 * e6 + r20 * e5 + r21 * e4 + r22 * e3 + r23 * e2
  let s14 = r20 * e6 + r21 * e5 + r22 * e4 + r23 * e3
  let s15 = r21 * e6 + r22 * e5 + r23 * e4
  let s16 = r22 * e6 + r23 * e5
  let s17 = r23 * e6
  c0 = (r0 + T1) - T1
  c1 = (r1 + T2) - T2
  c2 = (r2 + T3) - T3
  c3 = (r3 + T4) - T4
  c4 = (r4 + T5) - T5
  c5 = (r5 + T6) - T6
  c6 = (r6 + T7) - T7
  c7 = (r7 + T8) - T8
  c8 = (r8 + T9) - T9
  c9 = (r9 + T10) - T10
  c10 = (r10 + T11) - T11
  c11 = (r11 + T12) - T12
  r0 = r0 - c0
  r1 = r1 - c1 + c0
  r2 = r2 - c2 + c1
  r3 = r3 - c3 + c2
  r4 = r4 - c4 + c3
  r5 = r5 - c5 + c4
  r6 = r6 - c6 + c5
  r7 = r7 - c7 + c6
  r8 = r8 - c8 + c7
  r9 = r9 - c9 + c8
  r10 = r10 - c10 + c9
  r11 = r11 - c11 + c10
  s12 += c11
  c12 = (s12 + T13) - T13
  c13 = (s13 + T14) - T14
  c14 = (s14 + T15) - T15
  c15 = (s15 + T16) - T16
  c16 = (s16 + T17) - T17
  c17 = (s17 + T18) - T18
  s12 = s12 - c12
  s13 = s13 - c13 + c12
  s14 = s14 - c14 + c13
  s15 = s15 - c15 + c14
  s16 = s16 - c16 + c15
  s17 = s17 - c17 + c16
  let s18 = c17
  c12 = (s12 + T13) - T13
  c13 = (s13 + T14) - T14
  c14 = (s14 + T15) - T15
  c15 = (s15 + T16) - T16
  c16 = (s16 + T17) - T17
  c17 = (s17 + T18) - T18
  s12 = s12 - c12
  s13 = s13 - c13 + c12
  s14 = s14 - c14 + c13
  s15 = s15 - c15 + c14
  s16 = s16 - c16 + c15
  s17 = s17 - c17 + c16
  s18 += c17
  r0 += s12 * e0
  r1 += s12 * e1 + s13 * e0
  r2 += s12 * e2 + s13 * e1 + s14 * e0
  r3 += s12 * e3 + s13 * e2 + s14 * e1 + s15 * e0
  r4 += s12 * e4 + s13 * e3 + s14 * e2 + s15 * e1 + s16 * e0
  r5 += s12 * e5 + s13 * e4 + s14 * e3 + s15 * e2 + s16 * e1 + s17 * e0
  r6 += s12 * e6 + s13 * e5 + s14 * e4 + s15 * e3 + s16 * e2 + s17 * e1 + s18 * e0
  r7 += s13 * e6 + s14 * e5 + s15 * e4 + s16 * e3 + s17 * e2 + s18 * e1
  r8 += s14 * e6 + s15 * e5 + s16 * e4 + s17 * e3 + s18 * e2
  r9 += s15 * e6 + s16 * e5 + s17 * e4 + s18 * e3
  r10 += s16 * e6 + s17 * e5 + s18 * e4
  r11 += s17 * e6 + s18 * e5
  let t12 = s18 * e6
  c0 = (r0 + T1) - T1
  c1 = (r1 + T2) - T2
  c2 = (r2 + T3) - T3
  c3 = (r3 + T4) - T4
  c4 = (r4 + T5) - T5
  c5 = (r5 + T6) - T6
  c6 = (r6 + T7) - T7
  c7 = (r7 + T8) - T8
  c8 = (r8 + T9) - T9
  c9 = (r9 + T10) - T10
  c10 = (r10 + T11) - T11
  c11 = (r11 + T12) - T12
  r0 = r0 - c0
  r1 = r1 - c1 + c0
  r2 = r2 - c2 + c1
  r3 = r3 - c3 + c2
  r4 = r4 - c4 + c3
  r5 = r5 - c5 + c4
  r6 = r6 - c6 + c5
  r7 = r7 - c7 + c6
  r8 = r8 - c8 + c7
  r9 = r9 - c9 + c8
  r10 = r10 - c10 + c9
  r11 = r11 - c11 + c10
  t12 += c11
  r0 += t12 * e0
  r1 += t12 * e1
  r2 += t12 * e2
  r3 += t12 * e3
  r4 += t12 * e4
  r5 += t12 * e5
  r6 += t12 * e6
  c0 = (r0 + T1) - T1
  c1 = (r1 + T2) - T2
  c2 = (r2 + T3) - T3
  c3 = (r3 + T4) - T4
  c4 = (r4 + T5) - T5
  c5 = (r5 + T6) - T6
  c6 = (r6 + T7) - T7
  c7 = (r7 + T8) - T8
  c8 = (r8 + T9) - T9
  c9 = (r9 + T10) - T10
  c10 = (r10 + T11) - T11
  c11 = (r11 + T12) - T12
  r0 = r0 - c0
  r1 = r1 - c1 + c0
  r2 = r2 - c2 + c1
  r3 = r3 - c3 + c2
  r4 = r4 - c4 + c3
  r5 = r5 - c5 + c4
  r6 = r6 - c6 + c5
  r7 = r7 - c7 + c6
  r8 = r8 - c8 + c7
  r9 = r9 - c9 + c8
  r10 = r10 - c10 + c9
  r11 = r11 - c11 + c10
  const u12 = c11
  r0 += u12 * e0
  r1 += u12 * e1
  r2 += u12 * e2
  r3 += u12 * e3
  r4 += u12 * e4
  r5 += u12 * e5
  r6 += u12 * e6
  out[0] = r0; out[1] = r1; out[2] = r2; out[3] = r3; out[4] = r4; out[5] = r5; out[6] = r6; out[7] = r7; out[8] = r8; out[9] = r9; out[10] = r10; out[11] = r11
}

/**
 * out ≡ Σ columnsₖ of the first 17, with limbs below 2^28.3 and a value between ±(2^263 + 2^248). Columns may be below
 * 2^49.
 *
 * The first carries leave less than 2^27.1 in r12 to r17, the second ones 2^21 + 2^6 and at most 2^5 in r18. Folding
 * adds these times Σ eⱼ < 2^23.3 to r0 to r11, which stay below 2^49.1. The third carries leave less than 2^27.2 there
 * and in s12, whose folding adds 2^49.2; the fourth less than 2^27.3, but 2^21 + 2^6 in r8 to r11, and at most 2^5.2 in
 * t12, whose folding adds 2^27.2.
 */
export function reduceShortColumns(out: Limbs, columns: Columns): void {
  let r0 = columns[0], r1 = columns[1], r2 = columns[2], r3 = columns[3], r4 = columns[4], r5 = columns[5], r6 = columns[6], r7 = columns[7], r8 = columns[8], r9 = columns[9], r10 = columns[10], r11 = columns[11], r12 = columns[12], r13 = columns[13], r14 = columns[14], r15 = columns[15], r16 = columns[16]
  let c12: number, c13: number, c14: number, c15: number, c16: number, c17: number, c0: number, c1: number, c2: number, c3: number, c4: number, c5: number, c6: number, c7: number, c8: number, c9: number, c10: number, c11: number
  c12 = (r12 + T13) - T13
  c13 = (r13 + T14) - T14
  c14 = (r14 + T15) - T15
  c15 = (r15 + T16) - T16
  c16 = (r16 + T17) - T17
  r12 = r12 - c12
  r13 = r13 - c13 + c12
  r14 = r14 - c14 + c13
  r15 = r15 - c15 + c14
  r16 = r16 - c16 + c15
  let r17 = c16
  c12 = (r12 + T13) - T13
  c13 = (r13 + T14) - T14
  c14 = (r14 + T15) - T15
  c15 = (r15 + T16) - T16
  c16 = (r16 + T17) - T17
  c17 = (r17 + T18) - T18
  r12 = r12 - c12
  r13 = r13 - c13 + c12
  r14 = r14 - c14 + c13
  r15 = r15 - c15 + c14
  r16 = r16 - c16 + c15
  r17 = r17 - c17 + c16
  const r18 = c17
  r0 += r12 * e0
  r1 += r12 * e1 + r13 * e0
  r2 += r12 * e2 + r13 * e1 + r14 * e0
  r3 += r12 * e3 + r13 * e2 + r14 * e1 + r15 * e0
  r4 += r12 * e4 + r13 * e3 + r14 * e2 + r15 * e1 + r16 * e0
  r5 += r12 * e5 + r13 * e4 + r14 * e3 + r15 * e2 + r16 * e1 + r17 * e0
  r6 += r12 * e6 + r13 * e5 + r14 * e4 + r15 * e3 + r16 * e2 + r17 * e1 + r18 * e0
  r7 += r13 * e6 + r14 * e5 + r15 * e4 + r16 * e3 + r17 * e2 + r18 * e1
  r8 += r14 * e6 + r15 * e5 + r16 * e4 + r17 * e3 + r18 * e2
  r9 += r15 * e6 + r16 * e5 + r17 * e4 + r18 * e3
  r10 += r16 * e6 + r17 * e5 + r18 * e4
  r11 += r17 * e6 + r18 * e5
  let s12 = r18 * e6
  c0 = (r0 + T1) - T1
  c1 = (r1 + T2) - T2
  c2 = (r2 + T3) - T3
  c3 = (r3 + T4) - T4
  c4 = (r4 + T5) - T5
  c5 = (r5 + T6) - T6
  c6 = (r6 + T7) - T7
  c7 = (r7 + T8) - T8
  c8 = (r8 + T9) - T9
  c9 = (r9 + T10) - T10
  c10 = (r10 + T11) - T11
  c11 = (r11 + T12) - T12
  r0 = r0 - c0
  r1 = r1 - c1 + c0
  r2 = r2 - c2 + c1
  r3 = r3 - c3 + c2
  r4 = r4 - c4 + c3
  r5 = r5 - c5 + c4
  r6 = r6 - c6 + c5
  r7 = r7 - c7 + c6
  r8 = r8 - c8 + c7
  r9 = r9 - c9 + c8
  r10 = r10 - c10 + c9
  r11 = r11 - c11 + c10
  s12 += c11
  r0 += s12 * e0
  r1 += s12 * e1
  r2 += s12 * e2
  r3 += s12 * e3
  r4 += s12 * e4
  r5 += s12 * e5
  r6 += s12 * e6
  c0 = (r0 + T1) - T1
  c1 = (r1 + T2) - T2
  c2 = (r2 + T3) - T3
  c3 = (r3 + T4) - T4
  c4 = (r4 + T5) - T5
  c5 = (r5 + T6) - T6
  c6 = (r6 + T7) - T7
  c7 = (r7 + T8) - T8
  c8 = (r8 + T9) - T9
  c9 = (r9 + T10) - T10
  c10 = (r10 + T11) - T11
  c11 = (r11 + T12) - T12
  r0 = r0 - c0
  r1 = r1 - c1 + c0
  r2 = r2 - c2 + c1
  r3 = r3 - c3 + c2
  r4 = r4 - c4 + c3
  r5 = r5 - c5 + c4
  r6 = r6 - c6 + c5
  r7 = r7 - c7 + c6
  r8 = r8 - c8 + c7
  r9 = r9 - c9 + c8
  r10 = r10 - c10 + c9
  r11 = r11 - c11 + c10
  const t12 = c11
  r0 += t12 * e0
  r1 += t12 * e1
  r2 += t12 * e2
  r3 += t12 * e3
  r4 += t12 * e4
  r5 += t12 * e5
  r6 += t12 * e6
  out[0] = r0; out[1] = r1; out[2] = r2; out[3] = r3; out[4] = r4; out[5] = r5; out[6] = r6; out[7] = r7; out[8] = r8; out[9] = r9; out[10] = r10; out[11] = r11
}
