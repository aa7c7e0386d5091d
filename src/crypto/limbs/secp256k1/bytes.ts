/**
 * Between limbs modulo p and 32 big-endian bytes. Everything is the same sequence of operations for every value; what
 * the bytes and the booleans say is for the caller to keep or to publish.
 */
import { carry, copy, newElement, subtract, type FieldElement } from './field.ts'

const mask = 0x3fffff
/** 2^8·p in limbs of 22 bits: 2^264 − 2^40 − 250112. */
const p256 = Int32Array.of(
  0x400000 - 250112, 0x3fffff - 0x40000, mask, mask, mask, mask, mask, mask, mask, mask, mask, mask,
)
/** 1 over the weight of each limb. */
const scales = Float64Array.from(p256, (_, i) => 2 ** (-22 * i))
const scratch = newElement()
const limbs = new Int32Array(12)
const reduced = new Int32Array(12)

/** Reads exactly 32 bytes; values of p and more are taken modulo p. The result has at most 1 unit. */
export function readElement(out: FieldElement, bytes: Uint8Array): void {
  for (let i = 0; i < 12; i++) {
    const bit = 22 * i
    const at = 31 - (bit >>> 3)
    const low = byte(bytes, at) | (byte(bytes, at - 1) << 8)
    const window = low | (byte(bytes, at - 2) << 16) | (byte(bytes, at - 3) << 24)
    out[i] = ((window >>> (bit & 7)) & mask) * 2 ** bit
  }
  carry(out)
}

/** Reads a constant written as 64 hex digits. */
export function readHex(out: FieldElement, hex: string): void {
  readElement(out, Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)))
}

/** Writes the least non-negative representative to exactly 32 bytes. The operand may have up to 2^9 units. */
export function writeElement(bytes: Uint8Array, a: FieldElement): void {
  canonicalLimbs(a)
  for (let k = 0; k < 32; k++) {
    const bit = 8 * k
    const i = Math.floor(bit / 22)
    const shift = bit - 22 * i
    // The last limb has nothing above it, and an index past the end reads as 0 here.
    bytes[31 - k] = (limbs[i]! >>> shift) | ((limbs[i + 1] ?? 0) << (22 - shift))
  }
  wipeLimbs()
}

/** Whether a ≡ 0 (mod p). */
export function isZero(a: FieldElement): boolean {
  canonicalLimbs(a)
  let any = 0
  for (let i = 0; i < 12; i++) any |= limbs[i]!
  wipeLimbs()
  return any === 0
}

/** The lowest bit of the least non-negative representative. */
export function parity(a: FieldElement): number {
  canonicalLimbs(a)
  const bit = limbs[0]! & 1
  wipeLimbs()
  return bit
}

const difference = newElement()

export function equal(a: FieldElement, b: FieldElement): boolean {
  subtract(difference, a, b)
  const same = isZero(difference)
  difference.fill(0)
  return same
}

/**
 * `limbs` becomes the representative in 0 … p−1, 22 bits each. Carrying twice leaves limbs of at most 2^21 + 1 in
 * magnitude, so the value lies strictly between ±2^263; adding 2^8·p makes it positive and below 2^265.
 */
function canonicalLimbs(a: FieldElement): void {
  copy(scratch, a)
  carry(scratch)
  carry(scratch)
  let c = 0
  for (let i = 0; i < 12; i++) {
    c += scratch[i]! * scales[i]! + p256[i]!
    limbs[i] = c & mask
    c >>= 22
  }
  scratch.fill(0)
  foldTop(c << 8) // below 2^256 + 2^42 now, less than 2p
  // Subtract p where the value is not below it: add 2^32 + 977, look at bit 256 and drop it.
  c = 977
  for (let i = 0; i < 12; i++) {
    if (i === 1) c += 1024
    c += limbs[i]!
    reduced[i] = c & mask
    c >>= 22
  }
  const exceeds = -(reduced[11]! >>> 14)
  reduced[11] = reduced[11]! & 0x3fff
  for (let i = 0; i < 12; i++) limbs[i] = limbs[i]! ^ (exceeds & (limbs[i]! ^ reduced[i]!))
  reduced.fill(0)
}

/** Adds back what is at bit 256 and above, `more` units of 2^256 included, as multiples of 2^32 + 977. */
function foldTop(more: number): void {
  const top = (limbs[11]! >>> 14) + more
  limbs[11] = limbs[11]! & 0x3fff
  let c = Math.imul(top, 977)
  for (let i = 0; i < 12; i++) {
    if (i === 1) c += top << 10
    c += limbs[i]!
    limbs[i] = c & mask
    c >>= 22
  }
}

function wipeLimbs(): void {
  limbs.fill(0)
}

/** Past either end: 0. */
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
