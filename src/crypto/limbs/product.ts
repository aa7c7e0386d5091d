/**
 * Products of numbers of twelve float64 limbs, by columns: column k is Σ aᵢ·bₖ₋ᵢ. Nothing is carried or reduced here;
 * what a column stands for, and how large limbs may be for every sum to be exact (below 2^53 units of its column), is
 * the business of each modulus. Written out because a loop takes twice as long.
 *
 * Float64 multiplication and addition take the same time for all operands but subnormal numbers, which cannot occur:
 * every limb is zero or at least 1 in magnitude. That is what BigInt cannot offer.
 */

/** Twelve limbs. Constant indices are typed as numbers; anything else is a typed array. */
export interface Limbs extends Float64Array<ArrayBuffer> {
  0: number; 1: number; 2: number; 3: number
  4: number; 5: number; 6: number; 7: number
  8: number; 9: number; 10: number; 11: number
}

/** 23 columns of a product and one for their carry. */
export interface Columns extends Limbs {
  12: number; 13: number; 14: number; 15: number
  16: number; 17: number; 18: number; 19: number
  20: number; 21: number; 22: number; 23: number
}

/** Twelve zeros. */
export function newLimbs(): Limbs {
  return new Float64Array(12) as Limbs // of the length that the type promises
}

export function newColumns(): Columns {
  return new Float64Array(24) as Columns // likewise
}

/** columns = a·b, the 24th untouched. */
export function multiplyColumns(columns: Columns, a: Limbs, b: Limbs): void {
  const a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7], a8 = a[8], a9 = a[9],
    a10 = a[10], a11 = a[11]
  const b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], b4 = b[4], b5 = b[5], b6 = b[6], b7 = b[7], b8 = b[8], b9 = b[9],
    b10 = b[10], b11 = b[11]
  columns[0] = a0 * b0
  columns[1] = a0 * b1 + a1 * b0
  columns[2] = a0 * b2 + a1 * b1 + a2 * b0
  columns[3] = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0
  columns[4] = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0
  columns[5] = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0
  columns[6] = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0
  columns[7] = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0
  columns[8] = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0
  columns[9] = a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0
  columns[10] = a0 * b10 + a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + a9 * b1
    + a10 * b0
  columns[11] = a0 * b11 + a1 * b10 + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2
    + a10 * b1 + a11 * b0
  columns[12] = a1 * b11 + a2 * b10 + a3 * b9 + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + a9 * b3 + a10 * b2
    + a11 * b1
  columns[13] = a2 * b11 + a3 * b10 + a4 * b9 + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + a9 * b4 + a10 * b3 + a11 * b2
  columns[14] = a3 * b11 + a4 * b10 + a5 * b9 + a6 * b8 + a7 * b7 + a8 * b6 + a9 * b5 + a10 * b4 + a11 * b3
  columns[15] = a4 * b11 + a5 * b10 + a6 * b9 + a7 * b8 + a8 * b7 + a9 * b6 + a10 * b5 + a11 * b4
  columns[16] = a5 * b11 + a6 * b10 + a7 * b9 + a8 * b8 + a9 * b7 + a10 * b6 + a11 * b5
  columns[17] = a6 * b11 + a7 * b10 + a8 * b9 + a9 * b8 + a10 * b7 + a11 * b6
  columns[18] = a7 * b11 + a8 * b10 + a9 * b9 + a10 * b8 + a11 * b7
  columns[19] = a8 * b11 + a9 * b10 + a10 * b9 + a11 * b8
  columns[20] = a9 * b11 + a10 * b10 + a11 * b9
  columns[21] = a10 * b11 + a11 * b10
  columns[22] = a11 * b11
}

/** columns += a·b, the 24th untouched. */
export function addProduct(columns: Columns, a: Limbs, b: Limbs): void {
  const a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7], a8 = a[8], a9 = a[9],
    a10 = a[10], a11 = a[11]
  const b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], b4 = b[4], b5 = b[5], b6 = b[6], b7 = b[7], b8 = b[8], b9 = b[9],
    b10 = b[10], b11 = b[11]
  columns[0] += a0 * b0
  columns[1] += a0 * b1 + a1 * b0
  columns[2] += a0 * b2 + a1 * b1 + a2 * b0
  columns[3] += a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0
  columns[4] += a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0
  columns[5] += a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0
  columns[6] += a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0
  columns[7] += a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0
  columns[8] += a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0
  columns[9] += a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0
  columns[10] += a0 * b10 + a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + a9 * b1
    + a10 * b0
  columns[11] += a0 * b11 + a1 * b10 + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2
    + a10 * b1 + a11 * b0
  columns[12] += a1 * b11 + a2 * b10 + a3 * b9 + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + a9 * b3 + a10 * b2
    + a11 * b1
  columns[13] += a2 * b11 + a3 * b10 + a4 * b9 + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + a9 * b4 + a10 * b3 + a11 * b2
  columns[14] += a3 * b11 + a4 * b10 + a5 * b9 + a6 * b8 + a7 * b7 + a8 * b6 + a9 * b5 + a10 * b4 + a11 * b3
  columns[15] += a4 * b11 + a5 * b10 + a6 * b9 + a7 * b8 + a8 * b7 + a9 * b6 + a10 * b5 + a11 * b4
  columns[16] += a5 * b11 + a6 * b10 + a7 * b9 + a8 * b8 + a9 * b7 + a10 * b6 + a11 * b5
  columns[17] += a6 * b11 + a7 * b10 + a8 * b9 + a9 * b8 + a10 * b7 + a11 * b6
  columns[18] += a7 * b11 + a8 * b10 + a9 * b9 + a10 * b8 + a11 * b7
  columns[19] += a8 * b11 + a9 * b10 + a10 * b9 + a11 * b8
  columns[20] += a9 * b11 + a10 * b10 + a11 * b9
  columns[21] += a10 * b11 + a11 * b10
  columns[22] += a11 * b11
}

/** columns = a·b + c·d for a and c below 2^132, whose first six limbs are all; the last seven columns untouched. */
export function sumOfShortProducts(columns: Columns, a: Limbs, b: Limbs, c: Limbs, d: Limbs): void {
  const a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5]
  const b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], b4 = b[4], b5 = b[5], b6 = b[6], b7 = b[7], b8 = b[8], b9 = b[9],
    b10 = b[10], b11 = b[11]
  const c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5]
  const d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6], d7 = d[7], d8 = d[8], d9 = d[9],
    d10 = d[10], d11 = d[11]
  columns[0] = a0 * b0 + c0 * d0
  columns[1] = a0 * b1 + a1 * b0 + c0 * d1 + c1 * d0
  columns[2] = a0 * b2 + a1 * b1 + a2 * b0 + c0 * d2 + c1 * d1 + c2 * d0
  columns[3] = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + c0 * d3 + c1 * d2 + c2 * d1 + c3 * d0
  columns[4] = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + c0 * d4 + c1 * d3 + c2 * d2 + c3 * d1 + c4 * d0
  columns[5] = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + c0 * d5 + c1 * d4 + c2 * d3 + c3 * d2
    + c4 * d1 + c5 * d0
  columns[6] = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + c0 * d6 + c1 * d5 + c2 * d4 + c3 * d3
    + c4 * d2 + c5 * d1
  columns[7] = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + c0 * d7 + c1 * d6 + c2 * d5 + c3 * d4
    + c4 * d3 + c5 * d2
  columns[8] = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + c0 * d8 + c1 * d7 + c2 * d6 + c3 * d5
    + c4 * d4 + c5 * d3
  columns[9] = a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + c0 * d9 + c1 * d8 + c2 * d7 + c3 * d6
    + c4 * d5 + c5 * d4
  columns[10] = a0 * b10 + a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + c0 * d10 + c1 * d9 + c2 * d8 + c3 * d7
    + c4 * d6 + c5 * d5
  columns[11] = a0 * b11 + a1 * b10 + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + c0 * d11 + c1 * d10 + c2 * d9
    + c3 * d8 + c4 * d7 + c5 * d6
  columns[12] = a1 * b11 + a2 * b10 + a3 * b9 + a4 * b8 + a5 * b7 + c1 * d11 + c2 * d10 + c3 * d9 + c4 * d8 + c5 * d7
  columns[13] = a2 * b11 + a3 * b10 + a4 * b9 + a5 * b8 + c2 * d11 + c3 * d10 + c4 * d9 + c5 * d8
  columns[14] = a3 * b11 + a4 * b10 + a5 * b9 + c3 * d11 + c4 * d10 + c5 * d9
  columns[15] = a4 * b11 + a5 * b10 + c4 * d11 + c5 * d10
  columns[16] = a5 * b11 + c5 * d11
}
