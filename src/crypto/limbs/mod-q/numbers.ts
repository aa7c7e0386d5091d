/**
 * Integers modulo q, the order of secp256k1, on twelve float64 limbs of 22 bits. Unlike in the fields, limbs are plain
 * integers here: products are summed up in columns and reduced once, and most results go to bytes.
 *
 * Three shapes. *Canonical*: the representative in 0 … q−1, limbs in 0 … 2^22−1. *Tight*: limbs in 0 … 2^22−1, the last
 * below 2^23: what products take. *Loose*: limbs of either sign, below 2^50 in magnitude: what sums and differences
 * are. Carries round towards −∞, so they leave no sign behind. Nothing here branches on, or indexes by, a value.
 */
import type { Columns, Limbs } from '../product.ts'

const mask = 0x3fffff
const weight = 2 ** 22
const unit = 2 ** -22
/** 2^256 − q. */
const d0 = 638655, d1 = 380095, d2 = 262874, d3 = 3004401, d4 = 2300240, d5 = 333124
/** 2^264 modulo q: 2^8·(2^256 − q). */
const e0 = 4112128, e1 = 835366, e2 = 186903, e3 = 1569040, e4 = 1659063, e5 = 1393804, e6 = 20

/** The 14 limbs that both reductions end with. */
const wide = new Float64Array(14) as Float64Array<ArrayBuffer> & Limbs & { 12: number; 13: number } // of that length

/** 32 big-endian bytes, of any value below 2^256, as tight limbs. */
export function readNumber(out: Limbs, view: DataView, at: number): void {
  const w0 = view.getUint32(at + 28), w1 = view.getUint32(at + 24), w2 = view.getUint32(at + 20),
    w3 = view.getUint32(at + 16), w4 = view.getUint32(at + 12), w5 = view.getUint32(at + 8),
    w6 = view.getUint32(at + 4), w7 = view.getUint32(at + 0)
  out[0] = w0 & mask; out[1] = ((w0 >>> 22) | (w1 << 10)) & mask; out[2] = ((w1 >>> 12) | (w2 << 20)) & mask
  out[3] = (w2 >>> 2) & mask; out[4] = ((w2 >>> 24) | (w3 << 8)) & mask; out[5] = ((w3 >>> 14) | (w4 << 18)) & mask
  out[6] = (w4 >>> 4) & mask; out[7] = ((w4 >>> 26) | (w5 << 6)) & mask; out[8] = ((w5 >>> 16) | (w6 << 16)) & mask
  out[9] = (w6 >>> 6) & mask; out[10] = ((w6 >>> 28) | (w7 << 4)) & mask; out[11] = (w7 >>> 18) & mask
}

/** 48 big-endian bytes as loose limbs: what is at 2^264 and above is folded. Limbs are below 2^47, none is negative. */
export function readWideNumber(out: Limbs, view: DataView, at: number): void {
  const w0 = view.getUint32(at + 44), w1 = view.getUint32(at + 40), w2 = view.getUint32(at + 36),
    w3 = view.getUint32(at + 32), w4 = view.getUint32(at + 28), w5 = view.getUint32(at + 24),
    w6 = view.getUint32(at + 20), w7 = view.getUint32(at + 16), w8 = view.getUint32(at + 12),
    w9 = view.getUint32(at + 8), w10 = view.getUint32(at + 4), w11 = view.getUint32(at + 0)
  const h0 = (w8 >>> 8) & mask, h1 = ((w8 >>> 30) | (w9 << 2)) & mask, h2 = ((w9 >>> 20) | (w10 << 12)) & mask,
    h3 = (w10 >>> 10) & mask, h4 = w11 & mask, h5 = (w11 >>> 22) & mask
  out[0] = (w0 & mask) + h0 * e0
  out[1] = (((w0 >>> 22) | (w1 << 10)) & mask) + h0 * e1 + h1 * e0
  out[2] = (((w1 >>> 12) | (w2 << 20)) & mask) + h0 * e2 + h1 * e1 + h2 * e0
  out[3] = ((w2 >>> 2) & mask) + h0 * e3 + h1 * e2 + h2 * e1 + h3 * e0
  out[4] = (((w2 >>> 24) | (w3 << 8)) & mask) + h0 * e4 + h1 * e3 + h2 * e2 + h3 * e1 + h4 * e0
  out[5] = (((w3 >>> 14) | (w4 << 18)) & mask) + h0 * e5 + h1 * e4 + h2 * e3 + h3 * e2 + h4 * e1 + h5 * e0
  out[6] = ((w4 >>> 4) & mask) + h0 * e6 + h1 * e5 + h2 * e4 + h3 * e3 + h4 * e2 + h5 * e1
  out[7] = (((w4 >>> 26) | (w5 << 6)) & mask) + h1 * e6 + h2 * e5 + h3 * e4 + h4 * e3 + h5 * e2
  out[8] = (((w5 >>> 16) | (w6 << 16)) & mask) + h2 * e6 + h3 * e5 + h4 * e4 + h5 * e3
  out[9] = ((w6 >>> 6) & mask) + h3 * e6 + h4 * e5 + h5 * e4
  out[10] = (((w6 >>> 28) | (w7 << 4)) & mask) + h4 * e6 + h5 * e5
  out[11] = (((w7 >>> 18) | (w8 << 14)) & mask) + h5 * e6
}

/** Makes loose limbs of a non-negative value below 2^265 tight. */
export function tighten(a: Limbs): void {
  let r0 = a[0], r1 = a[1], r2 = a[2], r3 = a[3], r4 = a[4], r5 = a[5], r6 = a[6], r7 = a[7], r8 = a[8], r9 = a[9],
    r10 = a[10], r11 = a[11]
  let c: number
  c = Math.floor(r0 * unit); r0 -= c * weight; r1 += c; c = Math.floor(r1 * unit); r1 -= c * weight; r2 += c
  c = Math.floor(r2 * unit); r2 -= c * weight; r3 += c; c = Math.floor(r3 * unit); r3 -= c * weight; r4 += c
  c = Math.floor(r4 * unit); r4 -= c * weight; r5 += c; c = Math.floor(r5 * unit); r5 -= c * weight; r6 += c
  c = Math.floor(r6 * unit); r6 -= c * weight; r7 += c; c = Math.floor(r7 * unit); r7 -= c * weight; r8 += c
  c = Math.floor(r8 * unit); r8 -= c * weight; r9 += c; c = Math.floor(r9 * unit); r9 -= c * weight; r10 += c
  c = Math.floor(r10 * unit); r10 -= c * weight; r11 += c
  a[0] = r0; a[1] = r1; a[2] = r2; a[3] = r3; a[4] = r4; a[5] = r5
  a[6] = r6; a[7] = r7; a[8] = r8; a[9] = r9; a[10] = r10; a[11] = r11
}

/** Writes canonical limbs as 32 big-endian bytes. */
export function writeNumber(view: DataView, at: number, a: Limbs): void {
  const v0 = a[0], v1 = a[1], v2 = a[2], v3 = a[3], v4 = a[4], v5 = a[5], v6 = a[6], v7 = a[7], v8 = a[8], v9 = a[9],
    v10 = a[10], v11 = a[11]
  view.setUint32(at + 28, v0 | (v1 << 22))
  view.setUint32(at + 24, (v1 >>> 10) | (v2 << 12))
  view.setUint32(at + 20, (v2 >>> 20) | (v3 << 2) | (v4 << 24))
  view.setUint32(at + 16, (v4 >>> 8) | (v5 << 14))
  view.setUint32(at + 12, (v5 >>> 18) | (v6 << 4) | (v7 << 26))
  view.setUint32(at + 8, (v7 >>> 6) | (v8 << 16))
  view.setUint32(at + 4, (v8 >>> 16) | (v9 << 6) | (v10 << 28))
  view.setUint32(at + 0, (v10 >>> 4) | (v11 << 18))
}

/**
 * Carries all columns into the 24th. Columns may be below 2^53 in magnitude before; so up to 32 products of tight
 * numbers (12·2^44·2 each, at most) can be added between two calls.
 */
export function carryColumns(columns: Columns): void {
  let r0 = columns[0], r1 = columns[1], r2 = columns[2], r3 = columns[3], r4 = columns[4], r5 = columns[5],
    r6 = columns[6], r7 = columns[7], r8 = columns[8], r9 = columns[9], r10 = columns[10], r11 = columns[11],
    r12 = columns[12], r13 = columns[13], r14 = columns[14], r15 = columns[15], r16 = columns[16], r17 = columns[17],
    r18 = columns[18], r19 = columns[19], r20 = columns[20], r21 = columns[21], r22 = columns[22], r23 = columns[23]
  let c: number
  c = Math.floor(r0 * unit); r0 -= c * weight; r1 += c; c = Math.floor(r1 * unit); r1 -= c * weight; r2 += c
  c = Math.floor(r2 * unit); r2 -= c * weight; r3 += c; c = Math.floor(r3 * unit); r3 -= c * weight; r4 += c
  c = Math.floor(r4 * unit); r4 -= c * weight; r5 += c; c = Math.floor(r5 * unit); r5 -= c * weight; r6 += c
  c = Math.floor(r6 * unit); r6 -= c * weight; r7 += c; c = Math.floor(r7 * unit); r7 -= c * weight; r8 += c
  c = Math.floor(r8 * unit); r8 -= c * weight; r9 += c; c = Math.floor(r9 * unit); r9 -= c * weight; r10 += c
  c = Math.floor(r10 * unit); r10 -= c * weight; r11 += c; c = Math.floor(r11 * unit); r11 -= c * weight; r12 += c
  c = Math.floor(r12 * unit); r12 -= c * weight; r13 += c; c = Math.floor(r13 * unit); r13 -= c * weight; r14 += c
  c = Math.floor(r14 * unit); r14 -= c * weight; r15 += c; c = Math.floor(r15 * unit); r15 -= c * weight; r16 += c
  c = Math.floor(r16 * unit); r16 -= c * weight; r17 += c; c = Math.floor(r17 * unit); r17 -= c * weight; r18 += c
  c = Math.floor(r18 * unit); r18 -= c * weight; r19 += c; c = Math.floor(r19 * unit); r19 -= c * weight; r20 += c
  c = Math.floor(r20 * unit); r20 -= c * weight; r21 += c; c = Math.floor(r21 * unit); r21 -= c * weight; r22 += c
  c = Math.floor(r22 * unit); r22 -= c * weight; r23 += c
  columns[0] = r0; columns[1] = r1; columns[2] = r2; columns[3] = r3; columns[4] = r4; columns[5] = r5
  columns[6] = r6; columns[7] = r7; columns[8] = r8; columns[9] = r9; columns[10] = r10; columns[11] = r11
  columns[12] = r12; columns[13] = r13; columns[14] = r14; columns[15] = r15; columns[16] = r16; columns[17] = r17
  columns[18] = r18; columns[19] = r19; columns[20] = r20; columns[21] = r21; columns[22] = r22; columns[23] = r23
}

/**
 * out = the canonical form of Σ columnsₖ·2^(22k), for columns below 2^53 in magnitude and a sum below 2^545.
 *
 * Carries run in several chains side by side, because each step waits for the one before. The first leave 22 bits
 * (9 and 17 have up to 2^9 more), and below 2^18 in r24. Folding limbs 12 to 24 by 2^264 ≡ e leaves sums below 2^48 in
 * 19 limbs; the second carries leave 22 bits, up to 2^26 in r6 and s12, and a few units in s19. Folding 12 to 19 leaves
 * sums below 2^50 in 14 limbs and a value below 2^293.
 */
export function reduceColumns(out: Limbs, columns: Columns): void {
  let r0 = columns[0], r1 = columns[1], r2 = columns[2], r3 = columns[3], r4 = columns[4], r5 = columns[5],
    r6 = columns[6], r7 = columns[7], r8 = columns[8], r9 = columns[9], r10 = columns[10], r11 = columns[11],
    r12 = columns[12], r13 = columns[13], r14 = columns[14], r15 = columns[15], r16 = columns[16], r17 = columns[17],
    r18 = columns[18], r19 = columns[19], r20 = columns[20], r21 = columns[21], r22 = columns[22], r23 = columns[23],
    r24 = 0
  let c: number
  c = Math.floor(r0 * unit); r0 -= c * weight; r1 += c; c = Math.floor(r8 * unit); r8 -= c * weight; r9 += c
  c = Math.floor(r16 * unit); r16 -= c * weight; r17 += c
  c = Math.floor(r1 * unit); r1 -= c * weight; r2 += c; c = Math.floor(r9 * unit); r9 -= c * weight; r10 += c
  c = Math.floor(r17 * unit); r17 -= c * weight; r18 += c
  c = Math.floor(r2 * unit); r2 -= c * weight; r3 += c; c = Math.floor(r10 * unit); r10 -= c * weight; r11 += c
  c = Math.floor(r18 * unit); r18 -= c * weight; r19 += c
  c = Math.floor(r3 * unit); r3 -= c * weight; r4 += c; c = Math.floor(r11 * unit); r11 -= c * weight; r12 += c
  c = Math.floor(r19 * unit); r19 -= c * weight; r20 += c
  c = Math.floor(r4 * unit); r4 -= c * weight; r5 += c; c = Math.floor(r12 * unit); r12 -= c * weight; r13 += c
  c = Math.floor(r20 * unit); r20 -= c * weight; r21 += c
  c = Math.floor(r5 * unit); r5 -= c * weight; r6 += c; c = Math.floor(r13 * unit); r13 -= c * weight; r14 += c
  c = Math.floor(r21 * unit); r21 -= c * weight; r22 += c
  c = Math.floor(r6 * unit); r6 -= c * weight; r7 += c; c = Math.floor(r14 * unit); r14 -= c * weight; r15 += c
  c = Math.floor(r22 * unit); r22 -= c * weight; r23 += c
  c = Math.floor(r7 * unit); r7 -= c * weight; r8 += c; c = Math.floor(r15 * unit); r15 -= c * weight; r16 += c
  c = Math.floor(r23 * unit); r23 -= c * weight; r24 += c
  c = Math.floor(r8 * unit); r8 -= c * weight; r9 += c; c = Math.floor(r16 * unit); r16 -= c * weight; r17 += c
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
  let s12 = r18 * e6 + r19 * e5 + r20 * e4 + r21 * e3 + r22 * e2 + r23 * e1 + r24 * e0
  let s13 = r19 * e6 + r20 * e5 + r21 * e4 + r22 * e3 + r23 * e2 + r24 * e1
  let s14 = r20 * e6 + r21 * e5 + r22 * e4 + r23 * e3 + r24 * e2
  let s15 = r21 * e6 + r22 * e5 + r23 * e4 + r24 * e3
  let s16 = r22 * e6 + r23 * e5 + r24 * e4
  let s17 = r23 * e6 + r24 * e5
  let s18 = r24 * e6
  let s19 = 0
  c = Math.floor(r0 * unit); r0 -= c * weight; r1 += c; c = Math.floor(r6 * unit); r6 -= c * weight; r7 += c
  c = Math.floor(s12 * unit); s12 -= c * weight; s13 += c
  c = Math.floor(r1 * unit); r1 -= c * weight; r2 += c; c = Math.floor(r7 * unit); r7 -= c * weight; r8 += c
  c = Math.floor(s13 * unit); s13 -= c * weight; s14 += c
  c = Math.floor(r2 * unit); r2 -= c * weight; r3 += c; c = Math.floor(r8 * unit); r8 -= c * weight; r9 += c
  c = Math.floor(s14 * unit); s14 -= c * weight; s15 += c
  c = Math.floor(r3 * unit); r3 -= c * weight; r4 += c; c = Math.floor(r9 * unit); r9 -= c * weight; r10 += c
  c = Math.floor(s15 * unit); s15 -= c * weight; s16 += c
  c = Math.floor(r4 * unit); r4 -= c * weight; r5 += c; c = Math.floor(r10 * unit); r10 -= c * weight; r11 += c
  c = Math.floor(s16 * unit); s16 -= c * weight; s17 += c
  c = Math.floor(r5 * unit); r5 -= c * weight; r6 += c; c = Math.floor(r11 * unit); r11 -= c * weight; s12 += c
  c = Math.floor(s17 * unit); s17 -= c * weight; s18 += c
  c = Math.floor(s18 * unit); s18 -= c * weight; s19 += c
  wide[0] = r0 + s12 * e0
  wide[1] = r1 + s12 * e1 + s13 * e0
  wide[2] = r2 + s12 * e2 + s13 * e1 + s14 * e0
  wide[3] = r3 + s12 * e3 + s13 * e2 + s14 * e1 + s15 * e0
  wide[4] = r4 + s12 * e4 + s13 * e3 + s14 * e2 + s15 * e1 + s16 * e0
  wide[5] = r5 + s12 * e5 + s13 * e4 + s14 * e3 + s15 * e2 + s16 * e1 + s17 * e0
  wide[6] = r6 + s12 * e6 + s13 * e5 + s14 * e4 + s15 * e3 + s16 * e2 + s17 * e1 + s18 * e0
  wide[7] = r7 + s13 * e6 + s14 * e5 + s15 * e4 + s16 * e3 + s17 * e2 + s18 * e1 + s19 * e0
  wide[8] = r8 + s14 * e6 + s15 * e5 + s16 * e4 + s17 * e3 + s18 * e2 + s19 * e1
  wide[9] = r9 + s15 * e6 + s16 * e5 + s17 * e4 + s18 * e3 + s19 * e2
  wide[10] = r10 + s16 * e6 + s17 * e5 + s18 * e4 + s19 * e3
  wide[11] = r11 + s17 * e6 + s18 * e5 + s19 * e4
  wide[12] = s18 * e6 + s19 * e5
  wide[13] = s19 * e6
  finishReduction(out)
}

/** Replaces loose limbs by the canonical form. */
export function reduceNumber(a: Limbs): void {
  wide.set(a)
  wide[12] = 0
  wide[13] = 0
  finishReduction(a)
}

/** Overwrites intermediate values of the last reduction. */
export function wipeReduction(): void {
  wide.fill(0)
}

/**
 * The limbs of `wide` are below 2^52 in magnitude, their sum below 2^293. Carrying leaves 22 bits, up to 2^31 in r7,
 * and less than 2^8 in r13. Folding 12 and 13 and adding q leaves sums below 2^48 and a value between 0 and
 * 2^264 + 2^257. Carrying again leaves 22 bits, up to 2^27 in r6, and −1, 0 or 1 in r12: at bit 256 and above there are
 * at most 258 units, whose multiples of d fit 31 bits with what they are added to. The rest is done in whole numbers
 * of 32 bits: the value x is below 2^256 + 2^139, less than 2q; y = x + 2^256 − q reaches 2^256 exactly where x is q
 * or more.
 */
function finishReduction(out: Limbs): void {
  let r0 = wide[0], r1 = wide[1], r2 = wide[2], r3 = wide[3], r4 = wide[4], r5 = wide[5], r6 = wide[6], r7 = wide[7],
    r8 = wide[8], r9 = wide[9], r10 = wide[10], r11 = wide[11], r12 = wide[12], r13 = wide[13]
  let c: number
  c = Math.floor(r0 * unit); r0 -= c * weight; r1 += c; c = Math.floor(r7 * unit); r7 -= c * weight; r8 += c
  c = Math.floor(r1 * unit); r1 -= c * weight; r2 += c; c = Math.floor(r8 * unit); r8 -= c * weight; r9 += c
  c = Math.floor(r2 * unit); r2 -= c * weight; r3 += c; c = Math.floor(r9 * unit); r9 -= c * weight; r10 += c
  c = Math.floor(r3 * unit); r3 -= c * weight; r4 += c; c = Math.floor(r10 * unit); r10 -= c * weight; r11 += c
  c = Math.floor(r4 * unit); r4 -= c * weight; r5 += c; c = Math.floor(r11 * unit); r11 -= c * weight; r12 += c
  c = Math.floor(r5 * unit); r5 -= c * weight; r6 += c; c = Math.floor(r12 * unit); r12 -= c * weight; r13 += c
  c = Math.floor(r6 * unit); r6 -= c * weight; r7 += c
  r0 += r12 * e0 + 3555649
  r1 += r12 * e1 + r13 * e0 + 3814208
  r2 += r12 * e2 + r13 * e1 + 3931429
  r3 += r12 * e3 + r13 * e2 + 1189902
  r4 += r12 * e4 + r13 * e3 + 1894063
  r5 += r12 * e5 + r13 * e4 + 3861179
  r6 += r12 * e6 + r13 * e5 + 4194303
  r7 += r13 * e6 + 4194303
  r8 += 4194303; r9 += 4194303; r10 += 4194303; r11 += 16383
  r12 = 0
  c = Math.floor(r0 * unit); r0 -= c * weight; r1 += c; c = Math.floor(r6 * unit); r6 -= c * weight; r7 += c
  c = Math.floor(r1 * unit); r1 -= c * weight; r2 += c; c = Math.floor(r7 * unit); r7 -= c * weight; r8 += c
  c = Math.floor(r2 * unit); r2 -= c * weight; r3 += c; c = Math.floor(r8 * unit); r8 -= c * weight; r9 += c
  c = Math.floor(r3 * unit); r3 -= c * weight; r4 += c; c = Math.floor(r9 * unit); r9 -= c * weight; r10 += c
  c = Math.floor(r4 * unit); r4 -= c * weight; r5 += c; c = Math.floor(r10 * unit); r10 -= c * weight; r11 += c
  c = Math.floor(r5 * unit); r5 -= c * weight; r6 += c; c = Math.floor(r11 * unit); r11 -= c * weight; r12 += c
  const top = r12 * 256 + Math.floor(r11 * 2 ** -14)
  r11 -= Math.floor(r11 * 2 ** -14) * 2 ** 14
  const v0 = (r0 + top * d0) | 0, v1 = (r1 + top * d1) | 0, v2 = (r2 + top * d2) | 0, v3 = (r3 + top * d3) | 0,
    v4 = (r4 + top * d4) | 0, v5 = (r5 + top * d5) | 0, v6 = r6 | 0, v7 = r7 | 0, v8 = r8 | 0, v9 = r9 | 0,
    v10 = r10 | 0, v11 = r11 | 0
  let x = v0
  let y = v0 + d0
  const x0 = x & mask, y0 = y & mask; x = (x >> 22) + v1; y = (y >> 22) + v1 + d1
  const x1 = x & mask, y1 = y & mask; x = (x >> 22) + v2; y = (y >> 22) + v2 + d2
  const x2 = x & mask, y2 = y & mask; x = (x >> 22) + v3; y = (y >> 22) + v3 + d3
  const x3 = x & mask, y3 = y & mask; x = (x >> 22) + v4; y = (y >> 22) + v4 + d4
  const x4 = x & mask, y4 = y & mask; x = (x >> 22) + v5; y = (y >> 22) + v5 + d5
  const x5 = x & mask, y5 = y & mask; x = (x >> 22) + v6; y = (y >> 22) + v6
  const x6 = x & mask, y6 = y & mask; x = (x >> 22) + v7; y = (y >> 22) + v7
  const x7 = x & mask, y7 = y & mask; x = (x >> 22) + v8; y = (y >> 22) + v8
  const x8 = x & mask, y8 = y & mask; x = (x >> 22) + v9; y = (y >> 22) + v9
  const x9 = x & mask, y9 = y & mask; x = (x >> 22) + v10; y = (y >> 22) + v10
  const x10 = x & mask, y10 = y & mask; x = (x >> 22) + v11; y = (y >> 22) + v11
  const exceeds = -(y >>> 14)
  out[0] = x0 ^ (exceeds & (x0 ^ y0)); out[1] = x1 ^ (exceeds & (x1 ^ y1)); out[2] = x2 ^ (exceeds & (x2 ^ y2))
  out[3] = x3 ^ (exceeds & (x3 ^ y3)); out[4] = x4 ^ (exceeds & (x4 ^ y4)); out[5] = x5 ^ (exceeds & (x5 ^ y5))
  out[6] = x6 ^ (exceeds & (x6 ^ y6)); out[7] = x7 ^ (exceeds & (x7 ^ y7)); out[8] = x8 ^ (exceeds & (x8 ^ y8))
  out[9] = x9 ^ (exceeds & (x9 ^ y9)); out[10] = x10 ^ (exceeds & (x10 ^ y10))
  out[11] = (x ^ (exceeds & (x ^ y))) & 0x3fff
}
