/**
 * Integers modulo q, the order of secp256k1, on twelve float64 limbs of 22 bits: between bytes and limbs. As in the
 * fields, limb i is a multiple of 2^(22i), of either sign; bounds count in units of that weight. Unlike there, products
 * are summed up in columns and reduced once (reduction.ts), and what is reduced nearly always goes to bytes. Nothing here
 * branches on, or indexes by, a value.
 */
import type { Columns, Limbs } from '../product.ts'

const mask = 0x3fffff
/** 2^256 − q. */
const d0 = 638655, d1 = 380095, d2 = 262874, d3 = 3004401, d4 = 2300240, d5 = 333124

const w1 = 2 ** 22, w2 = 2 ** 44, w3 = 2 ** 66, w4 = 2 ** 88, w5 = 2 ** 110, w6 = 2 ** 132, w7 = 2 ** 154, w8 = 2 ** 176,
  w9 = 2 ** 198, w10 = 2 ** 220, w11 = 2 ** 242
const u1 = 2 ** -22, u2 = 2 ** -44, u3 = 2 ** -66, u4 = 2 ** -88, u5 = 2 ** -110, u6 = 2 ** -132, u7 = 2 ** -154,
  u8 = 2 ** -176, u9 = 2 ** -198, u10 = 2 ** -220, u11 = 2 ** -242

/** 32 big-endian bytes, of any value: limbs from 0 to 2^22 − 1, the last below 2^14. */
export function readNumber(out: Limbs, view: DataView, at: number): void {
  const v0 = view.getUint32(at + 28), v1 = view.getUint32(at + 24), v2 = view.getUint32(at + 20),
    v3 = view.getUint32(at + 16), v4 = view.getUint32(at + 12), v5 = view.getUint32(at + 8),
    v6 = view.getUint32(at + 4), v7 = view.getUint32(at)
  out[0] = v0 & mask; out[1] = (((v0 >>> 22) | (v1 << 10)) & mask) * w1; out[2] = (((v1 >>> 12) | (v2 << 20)) & mask) * w2
  out[3] = ((v2 >>> 2) & mask) * w3; out[4] = (((v2 >>> 24) | (v3 << 8)) & mask) * w4
  out[5] = (((v3 >>> 14) | (v4 << 18)) & mask) * w5; out[6] = ((v4 >>> 4) & mask) * w6
  out[7] = (((v4 >>> 26) | (v5 << 6)) & mask) * w7; out[8] = (((v5 >>> 16) | (v6 << 16)) & mask) * w8
  out[9] = ((v6 >>> 6) & mask) * w9; out[10] = (((v6 >>> 28) | (v7 << 4)) & mask) * w10; out[11] = (v7 >>> 18) * w11
}

/** out = a − b + c, limb by limb, as are all sums here. */
export function subtractAndAdd(out: Limbs, a: Limbs, b: Limbs, c: Limbs): void {
  out[0] = a[0] - b[0] + c[0]; out[1] = a[1] - b[1] + c[1]; out[2] = a[2] - b[2] + c[2]
  out[3] = a[3] - b[3] + c[3]; out[4] = a[4] - b[4] + c[4]; out[5] = a[5] - b[5] + c[5]
  out[6] = a[6] - b[6] + c[6]; out[7] = a[7] - b[7] + c[7]; out[8] = a[8] - b[8] + c[8]
  out[9] = a[9] - b[9] + c[9]; out[10] = a[10] - b[10] + c[10]; out[11] = a[11] - b[11] + c[11]
}

/** out += factor·a. */
export function addTimes(out: Limbs, factor: number, a: Limbs): void {
  out[0] += factor * a[0]; out[1] += factor * a[1]; out[2] += factor * a[2]
  out[3] += factor * a[3]; out[4] += factor * a[4]; out[5] += factor * a[5]
  out[6] += factor * a[6]; out[7] += factor * a[7]; out[8] += factor * a[8]
  out[9] += factor * a[9]; out[10] += factor * a[10]; out[11] += factor * a[11]
}

/** 48 big-endian bytes as columns from 0 to 2^22 − 1. */
export function readWideNumber(out: Columns, view: DataView, at: number): void {
  for (let k = 0; k < 24; k++) {
    let limb = 0
    for (let i = 0; i < 22; i++) limb |= bitFromEnd(view, at + 48, 22 * k + i) << i
    out[k] = limb * 2 ** (22 * k)
  }
}

/** Bit `index` counted from the least significant one of a number that ends before `end`; 0 above 48 bytes. */
function bitFromEnd(view: DataView, end: number, index: number): number {
  return index < 384 ? (view.getUint8(end - 1 - (index >>> 3)) >>> (index & 7)) & 1 : 0
}

/**
 * Writes a modulo q, the representative from 0 to q − 1, as 32 big-endian bytes. Limbs may be below 2^29 in magnitude,
 * the value between −2^264 + 2^140 and 2^264.
 *
 * Adding 2^8·q, above 2^264 − 2^138, makes the value positive; it stays below 2^265. Carrying in whole numbers leaves
 * 22 bits everywhere, and less than 2^9 at bit 256 and above, whose multiples of d fit 31 bits with what they are added
 * to. The value x is then below 2^256 + 2^139, less than 2q; y = x + 2^256 − q reaches 2^256 exactly where x is q or
 * more.
 */
export function writeNumber(view: DataView, at: number, a: Limbs): void {
  const a0 = a[0] | 0, a1 = (a[1] * u1) | 0, a2 = (a[2] * u2) | 0, a3 = (a[3] * u3) | 0, a4 = (a[4] * u4) | 0,
    a5 = (a[5] * u5) | 0, a6 = (a[6] * u6) | 0, a7 = (a[7] * u7) | 0, a8 = (a[8] * u8) | 0, a9 = (a[9] * u9) | 0,
    a10 = (a[10] * u10) | 0, a11 = (a[11] * u11) | 0
  let c = a0 + 82176
  const l0 = c & mask; c = (c >> 22) + a1 + 3358937
  const l1 = c & mask; c = (c >> 22) + a2 + 4007400
  const l2 = c & mask; c = (c >> 22) + a3 + 2625263
  const l3 = c & mask; c = (c >> 22) + a4 + 2535240
  const l4 = c & mask; c = (c >> 22) + a5 + 2800499
  const l5 = c & mask; c = (c >> 22) + a6 + 4194283
  const l6 = c & mask; c = (c >> 22) + a7 + mask
  const l7 = c & mask; c = (c >> 22) + a8 + mask
  const l8 = c & mask; c = (c >> 22) + a9 + mask
  const l9 = c & mask; c = (c >> 22) + a10 + mask
  const l10 = c & mask; c = (c >> 22) + a11 + mask
  const l11 = c & 0x3fff
  const top = c >> 14
  let x = l0 + Math.imul(top, d0)
  let y = x + d0
  const x0 = x & mask, y0 = y & mask; x = (x >> 22) + l1 + Math.imul(top, d1); y = (y >> 22) + l1 + Math.imul(top, d1) + d1
  const x1 = x & mask, y1 = y & mask; x = (x >> 22) + l2 + Math.imul(top, d2); y = (y >> 22) + l2 + Math.imul(top, d2) + d2
  const x2 = x & mask, y2 = y & mask; x = (x >> 22) + l3 + Math.imul(top, d3); y = (y >> 22) + l3 + Math.imul(top, d3) + d3
  const x3 = x & mask, y3 = y & mask; x = (x >> 22) + l4 + Math.imul(top, d4); y = (y >> 22) + l4 + Math.imul(top, d4) + d4
  const x4 = x & mask, y4 = y & mask; x = (x >> 22) + l5 + Math.imul(top, d5); y = (y >> 22) + l5 + Math.imul(top, d5) + d5
  const x5 = x & mask, y5 = y & mask; x = (x >> 22) + l6; y = (y >> 22) + l6
  const x6 = x & mask, y6 = y & mask; x = (x >> 22) + l7; y = (y >> 22) + l7
  const x7 = x & mask, y7 = y & mask; x = (x >> 22) + l8; y = (y >> 22) + l8
  const x8 = x & mask, y8 = y & mask; x = (x >> 22) + l9; y = (y >> 22) + l9
  const x9 = x & mask, y9 = y & mask; x = (x >> 22) + l10; y = (y >> 22) + l10
  const x10 = x & mask, y10 = y & mask; x = (x >> 22) + l11; y = (y >> 22) + l11
  const exceeds = -(y >> 14)
  const z0 = x0 ^ (exceeds & (x0 ^ y0)), z1 = x1 ^ (exceeds & (x1 ^ y1)), z2 = x2 ^ (exceeds & (x2 ^ y2)),
    z3 = x3 ^ (exceeds & (x3 ^ y3)), z4 = x4 ^ (exceeds & (x4 ^ y4)), z5 = x5 ^ (exceeds & (x5 ^ y5)),
    z6 = x6 ^ (exceeds & (x6 ^ y6)), z7 = x7 ^ (exceeds & (x7 ^ y7)), z8 = x8 ^ (exceeds & (x8 ^ y8)),
    z9 = x9 ^ (exceeds & (x9 ^ y9)), z10 = x10 ^ (exceeds & (x10 ^ y10)), z11 = (x ^ (exceeds & (x ^ y))) & 0x3fff
  view.setUint32(at + 28, z0 | (z1 << 22))
  view.setUint32(at + 24, (z1 >>> 10) | (z2 << 12))
  view.setUint32(at + 20, (z2 >>> 20) | (z3 << 2) | (z4 << 24))
  view.setUint32(at + 16, (z4 >>> 8) | (z5 << 14))
  view.setUint32(at + 12, (z5 >>> 18) | (z6 << 4) | (z7 << 26))
  view.setUint32(at + 8, (z7 >>> 6) | (z8 << 16))
  view.setUint32(at + 4, (z8 >>> 16) | (z9 << 6) | (z10 << 28))
  view.setUint32(at, (z10 >>> 4) | (z11 << 18))
}
