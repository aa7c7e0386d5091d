/**
 * Products modulo 2^255 − 19: see field.ts for limbs, units and bounds. Written by `npm run generate`
 * (scripts/limb-products.ts): not to be edited.
 */
import type { Limbs } from '../product.ts'

/** 2^255 ≡ 19. */
export const wrap = 19 * 2 ** -255
/** Adding and subtracting Tᵢ, 1.5·2^52 times the weight of limb i, rounds to multiples of that weight. */
export const T1 = 3 * 2 ** (51 + 22)
export const T2 = 3 * 2 ** (51 + 43)
export const T3 = 3 * 2 ** (51 + 64)
export const T4 = 3 * 2 ** (51 + 85)
export const T5 = 3 * 2 ** (51 + 107)
export const T6 = 3 * 2 ** (51 + 128)
export const T7 = 3 * 2 ** (51 + 149)
export const T8 = 3 * 2 ** (51 + 170)
export const T9 = 3 * 2 ** (51 + 192)
export const T10 = 3 * 2 ** (51 + 213)
export const T11 = 3 * 2 ** (51 + 234)
export const T12 = 3 * 2 ** (51 + 255)

/**
 * out = a·b. Operands of at most A and B units with A·B ≤ 12; the result has at most 1.
 *
 * In relative terms (limb k over 2^eₖ): for A·B = 12 the largest folded column, k = 0, is
 * Σ aᵢbⱼ + 19·Σ aᵢbⱼ·2^(eᵢ+eⱼ−255) < 2^52.6, so all are exact, with what is added to them. The carries leave half a
 * limb everywhere but in r6 and r0, which receive up to 2^32 and 19·2^32 once more; the last two carries bring these
 * down, adding at most 2^15 to r7 and r1.
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
  let c: number
  let d: number
  r0 += r12 * wrap
  r1 += r13 * wrap
  r2 += r14 * wrap
  r3 += r15 * wrap
  r4 += r16 * wrap
  r5 += r17 * wrap
  r6 += r18 * wrap
  r7 += r19 * wrap
  r8 += r20 * wrap
  r9 += r21 * wrap
  r10 += r22 * wrap
  c = (r0 + T1) - T1; r0 -= c; r1 += c; d = (r6 + T7) - T7; r6 -= d; r7 += d
  c = (r1 + T2) - T2; r1 -= c; r2 += c; d = (r7 + T8) - T8; r7 -= d; r8 += d
  c = (r2 + T3) - T3; r2 -= c; r3 += c; d = (r8 + T9) - T9; r8 -= d; r9 += d
  c = (r3 + T4) - T4; r3 -= c; r4 += c; d = (r9 + T10) - T10; r9 -= d; r10 += d
  c = (r4 + T5) - T5; r4 -= c; r5 += c; d = (r10 + T11) - T11; r10 -= d; r11 += d
  c = (r5 + T6) - T6; r5 -= c; r6 += c; d = (r11 + T12) - T12; r11 -= d; r0 += d * wrap
  c = (r6 + T7) - T7; r6 -= c; r7 += c; d = (r0 + T1) - T1; r0 -= d; r1 += d
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
  let c: number
  let d: number
  r0 += r12 * wrap
  r1 += r13 * wrap
  r2 += r14 * wrap
  r3 += r15 * wrap
  r4 += r16 * wrap
  r5 += r17 * wrap
  r6 += r18 * wrap
  r7 += r19 * wrap
  r8 += r20 * wrap
  r9 += r21 * wrap
  r10 += r22 * wrap
  c = (r0 + T1) - T1; r0 -= c; r1 += c; d = (r6 + T7) - T7; r6 -= d; r7 += d
  c = (r1 + T2) - T2; r1 -= c; r2 += c; d = (r7 + T8) - T8; r7 -= d; r8 += d
  c = (r2 + T3) - T3; r2 -= c; r3 += c; d = (r8 + T9) - T9; r8 -= d; r9 += d
  c = (r3 + T4) - T4; r3 -= c; r4 += c; d = (r9 + T10) - T10; r9 -= d; r10 += d
  c = (r4 + T5) - T5; r4 -= c; r5 += c; d = (r10 + T11) - T11; r10 -= d; r11 += d
  c = (r5 + T6) - T6; r5 -= c; r6 += c; d = (r11 + T12) - T12; r11 -= d; r0 += d * wrap
  c = (r6 + T7) - T7; r6 -= c; r7 += c; d = (r0 + T1) - T1; r0 -= d; r1 += d
  out[0] = r0; out[1] = r1; out[2] = r2; out[3] = r3; out[4] = r4; out[5] = r5; out[6] = r6; out[7] = r7; out[8] = r8; out[9] = r9; out[10] = r10; out[11] = r11
}
