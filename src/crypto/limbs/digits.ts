/** Secret scalars as signed digits, for windowed multiplication that does the same for every scalar. */

/** Digits of a 256-bit scalar; the last one is what the others carry. */
export const digitCount = 65

/** `digits[i]` from −7 to 8 with Σ digitsᵢ·16^i = k, for k in 32 big-endian bytes. */
export function recode(digits: Int8Array, k: Uint8Array): void {
  let c = 0
  for (let i = 0; i < digitCount - 1; i++) {
    const byte = k[31 - (i >>> 1)]! // i < 64
    const digit = ((byte >>> (4 * (i & 1))) & 15) + c
    c = (digit + 7) >> 4
    digits[i] = digit - (c << 4)
  }
  digits[digitCount - 1] = c
}

/** `masks[j]` = 1 for j = |digit| and 0 for the other j of 1 … 8. */
export function digitMasks(masks: Float64Array, digit: number): void {
  const sign = digit >> 31
  const magnitude = (digit ^ sign) - sign
  for (let j = 1; j < 9; j++) masks[j] = ((magnitude ^ j) - 1) >>> 31
}

// Bits that become arguments are computed by shifts and masks, here and elsewhere: V8 passes a float64 from function to
// function as an object or as a small integer and finds out by branches which, and whether a zero is −0; integer
// products have that branch too. It was measurable.

/** 1 for a negative digit, otherwise 0. */
export function isNegativeDigit(digit: number): number {
  return digit >>> 31
}

/** 1 for digit 0, otherwise 0. */
export function isZeroDigit(digit: number): number {
  return (((digit | -digit) >>> 31) ^ 1) & 1
}

/**
 * The entry that `masks` says, out of eight of twelve limbs each, `stride` apart from `at` on: all are read, and the
 * other seven count zero times. Zeros for digit 0.
 */
export function scan(out: Float64Array, table: Float64Array, at: number, stride: number, masks: Float64Array): void {
  const m1 = masks[1]!, m2 = masks[2]!, m3 = masks[3]!, m4 = masks[4]!
  const m5 = masks[5]!, m6 = masks[6]!, m7 = masks[7]!, m8 = masks[8]!
  for (let i = 0; i < 12; i++) {
    const first = at + i
    // Every index is below at + 8·stride, which the caller's table has.
    const second = first + 2 * stride
    const third = first + 4 * stride
    const fourth = first + 6 * stride
    const low = m1 * table[first]! + m2 * table[first + stride]! + m3 * table[second]! + m4 * table[second + stride]!
    const high = m5 * table[third]! + m6 * table[third + stride]! + m7 * table[fourth]! + m8 * table[fourth + stride]!
    out[i] = low + high
  }
}
