/**
 * Products modulo p = 2^256 − 2^32 − 977: see field.ts for limbs, units and bounds. Written by `npm run generate`
 * (scripts/limb-products.ts): not to be edited.
 */
import type { Limbs } from '../product.ts'

/** 2^264 ≡ 2^40 + 250112: what a limb of weight 2^(22(k+12)) is worth in limbs k and k + 1. */
export const low = 250112 * 2 ** -264
export const high = 2 ** -224
/** Adding and subtracting Tᵢ, 1.5·2^52 times the weight of limb i, rounds to multiples of that weight. */
export const T1 = 3 * 2 ** 73
export const T2 = 3 * 2 ** 95
export const T3 = 3 * 2 ** 117
export const T4 = 3 * 2 ** 139
export const T5 = 3 * 2 ** 161
export const T6 = 3 * 2 ** 183
export const T7 = 3 * 2 ** 205
export const T8 = 3 * 2 ** 227
export const T9 = 3 * 2 ** 249
export const T10 = 3 * 2 ** 271
export const T11 = 3 * 2 ** 293
export const T12 = 3 * 2 ** 315
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
 * out = a·b. Operands of at most A and B units with A·B ≤ 128; the result has at most 1.
 *
 * In relative terms (limb k over 2^(22k)): columns are below 12·128·(2^21+1)^2 < 2^52.7, so exact, with what is added
 * to them. The first carries leave all but r11 and r23 at 2^21; r23 is at most 128·2^42 / 2^22 = 2^27. Folding adds
 * 2^39 + 2^39 to each limb, and 2^45 to r11 and to `top`, the limb of weight 2^264. The second carries bring r0 to r11
 * to 2^21, but r6 to 2^21 + 2^19, and `top` to less than 2^46, of which `over` takes what exceeds 2^21: at most 2^24.
 * Folding both adds 2^39 to r0, 2^39 + 2^42 to r1 and 2^42 to r2. The last carries then leave 2^21 in r0 to r3 and r6,
 * and 1 more in r4 and r7.
 */
export function multiply(out: Limbs, a: Limbs, b: Limbs): void {
  const a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7], a8 = a[8], a9 = a[9], a10 = a[10], a11 = a[11]
  const b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], b4 = b[4], b5 = b[5], b6 = b[6], b7 = b[7], b8 = b[8], b9 = b[9], b10 = b[10], b11 = b[11]
  let r0 = a0 * b0
  let r1 = a0 * b1 + a1 * b0
  let r2 = a0 * b2 + a1 * b1 + a2 * b0
  let r3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0
  let r4 = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0
  let r5 = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0
  let r6 = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0
  let r7 = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0
  let r8 = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0
  let r9 = a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0
  let r10 = a0 * b10 + a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + a9 * b1 + a10 * b0
  let r11 = a0 * b11 + a1 * b10 + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2 + a10 * b1 + a11 * b0
  let r12 = a1 * b11 + a2 * b10 + a3 * b9 + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + a9 * b3 + a10 * b2 + a11 * b1
  let r13 = a2 * b11 + a3 * b10 + a4 * b9 + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + a9 * b4 + a10 * b3 + a11 * b2
  let r14 = a3 * b11 + a4 * b10 + a5 * b9 + a6 * b8 + a7 * b7 + a8 * b6 + a9 * b5 + a10 * b4 + a11 * b3
  let r15 = a4 * b11 + a5 * b10 + a6 * b9 + a7 * b8 + a8 * b7 + a9 * b6 + a10 * b5 + a11 * b4
  let r16 = a5 * b11 + a6 * b10 + a7 * b9 + a8 * b8 + a9 * b7 + a10 * b6 + a11 * b5
  let r17 = a6 * b11 + a7 * b10 + a8 * b9 + a9 * b8 + a10 * b7 + a11 * b6
  let r18 = a7 * b11 + a8 * b10 + a9 * b9 + a10 * b8 + a11 * b7
  let r19 = a8 * b11 + a9 * b10 + a10 * b9 + a11 * b8
  let r20 = a9 * b11 + a10 * b10 + a11 * b9
  let r21 = a10 * b11 + a11 * b10
  let r22 = a11 * b11
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
  out[0] = r0; out[1] = r1; out[2] = r2; out[3] = r3; out[4] = r4; out[5] = r5; out[6] = r6; out[7] = r7; out[8] = r8; out[9] = r9; out[10] = r10; out[11] = r11
}

/** out = a², likewise. */
export function square(out: Limbs, a: Limbs): void {
  const a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7], a8 = a[8], a9 = a[9], a10 = a[10], a11 = a[11]
  const d0 = a0 + a0, d1 = a1 + a1, d2 = a2 + a2, d3 = a3 + a3, d4 = a4 + a4, d5 = a5 + a5, d6 = a6 + a6, d7 = a7 + a7, d8 = a8 + a8, d9 = a9 + a9, d10 = a10 + a10
  let r0 = a0 * a0
  let r1 = d0 * a1
  let r2 = d0 * a2 + a1 * a1
  let r3 = d0 * a3 + d1 * a2
  let r4 = d0 * a4 + d1 * a3 + a2 * a2
  let r5 = d0 * a5 + d1 * a4 + d2 * a3
  let r6 = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3
  let r7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4
  let r8 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4
  let r9 = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5
  let r10 = d0 * a10 + d1 * a9 + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5
  let r11 = d0 * a11 + d1 * a10 + d2 * a9 + d3 * a8 + d4 * a7 + d5 * a6
  let r12 = d1 * a11 + d2 * a10 + d3 * a9 + d4 * a8 + d5 * a7 + a6 * a6
  let r13 = d2 * a11 + d3 * a10 + d4 * a9 + d5 * a8 + d6 * a7
  let r14 = d3 * a11 + d4 * a10 + d5 * a9 + d6 * a8 + a7 * a7
  let r15 = d4 * a11 + d5 * a10 + d6 * a9 + d7 * a8
  let r16 = d5 * a11 + d6 * a10 + d7 * a9 + a8 * a8
  let r17 = d6 * a11 + d7 * a10 + d8 * a9
  let r18 = d7 * a11 + d8 * a10 + a9 * a9
  let r19 = d8 * a11 + d9 * a10
  let r20 = d9 * a11 + a10 * a10
  let r21 = d10 * a11
  let r22 = a11 * a11
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
  out[0] = r0; out[1] = r1; out[2] = r2; out[3] = r3; out[4] = r4; out[5] = r5; out[6] = r6; out[7] = r7; out[8] = r8; out[9] = r9; out[10] = r10; out[11] = r11
}
