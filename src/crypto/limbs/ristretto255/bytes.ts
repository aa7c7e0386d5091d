/**
 * Between limbs modulo 2^255 − 19 and 32 little-endian bytes. Everything is the same sequence of operations for every
 * value; bits are returned as numbers, 0 or 1, for arithmetic selection.
 */
import { carry, copy, newElement, subtract, weights, type FieldElement } from './field.ts'

const limbs = new Int32Array(12)
const scratch = newElement()

/** Per limb: its bits, 2^bits − 1, and 1 over its weight. Arrays here have twelve entries, but `weights` thirteen. */
const widths = Int32Array.from(limbs, (_, i) => weights[i + 1]! - weights[i]!)
const masks = widths.map((width) => 2 ** width - 1)
const scales = Float64Array.from(weights, (weight) => 2 ** -weight)

/** Reads exactly 32 bytes, ignoring the highest bit. The result has at most 1 unit. */
export function readElement(out: FieldElement, bytes: Uint8Array): void {
  for (let i = 0; i < 12; i++) {
    const bit = weights[i]!
    const at = bit >>> 3
    const low = byte(bytes, at) | (byte(bytes, at + 1) << 8)
    const window = low | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24)
    out[i] = ((window >>> (bit & 7)) & masks[i]!) * 2 ** bit
  }
  carry(out)
}

/** Writes the least non-negative representative to exactly 32 bytes. The operand may have up to 2^9 units. */
export function writeElement(bytes: Uint8Array, a: FieldElement): void {
  canonicalLimbs(a)
  let pending = 0
  let bits = 0
  let at = 0
  for (let i = 0; i < 12; i++) {
    pending |= limbs[i]! << bits // at most 7 + 22 bits
    bits += widths[i]!
    for (; bits >= 8; bits -= 8) {
      bytes[at++] = pending & 255
      pending >>>= 8
    }
  }
  bytes[at] = pending
  limbs.fill(0)
}

/** The lowest bit of the least non-negative representative, which is what RFC 9496 calls negative. */
export function isNegative(a: FieldElement): number {
  canonicalLimbs(a)
  const bit = limbs[0]! & 1
  limbs.fill(0)
  return bit
}

/** 1 for a ≡ 0, otherwise 0. */
export function isZero(a: FieldElement): number {
  canonicalLimbs(a)
  let any = 0
  for (let i = 0; i < 12; i++) any |= limbs[i]!
  limbs.fill(0)
  return ((any - 1) >>> 31) & 1
}

const difference = newElement()

/** 1 for a ≡ b, otherwise 0. */
export function isEqual(a: FieldElement, b: FieldElement): number {
  subtract(difference, a, b)
  const equal = isZero(difference)
  difference.fill(0)
  return equal
}

/**
 * `limbs` becomes the representative in 0 … 2^255 − 20. Carrying twice leaves a value of at most 2^254.1 in magnitude,
 * so with 2^255 − 19 added it is positive, and what is at bit 255 and above is 0 or 1.
 */
function canonicalLimbs(a: FieldElement): void {
  copy(scratch, a)
  carry(scratch)
  carry(scratch)
  for (let i = 0; i < 12; i++) limbs[i] = scratch[i]! * scales[i]! + masks[i]!
  scratch.fill(0)
  const top = carryLimbs(-18) // limbs of all ones are 2^255 − 1
  carryLimbs(19 & -top) // below 2^255 now
  // Subtract 2^255 − 19 where the value is not below it: add 19, look at bit 255, drop it; else take 19 off again.
  const exceeds = carryLimbs(19)
  carryLimbs((19 & -exceeds) - 19)
}

/** Adds `start` at the lowest limb and carries; returns what goes beyond bit 255, which it drops. */
function carryLimbs(start: number): number {
  let c = start
  for (let i = 0; i < 12; i++) {
    c += limbs[i]!
    limbs[i] = c & masks[i]!
    c >>= widths[i]!
  }
  return c
}

/** Past the end: 0. */
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
