/** Integers modulo ℓ = 2^252 + 27742317777372353535851937790883648493, the order of ristretto255. */

/** ℓ − 2^252 in limbs of 21 bits: 2^252 ≡ −Σ cⱼ·2^(21j) (mod ℓ). */
const tail = [1430509, 1626855, 1442968, 997804, 1960495, 683900]
const weight = 2 ** 21
const unit = 2 ** -21
const wideLimbs = 25
const limbs = new Float64Array(wideLimbs)

/** Writes 64 big-endian bytes modulo ℓ to 32 big-endian bytes. */
export function reduceWide(out: Uint8Array, bytes: Uint8Array): void {
  for (let i = 0; i < wideLimbs; i++) {
    const bit = 21 * i
    const at = 63 - (bit >>> 3)
    const low = byte(bytes, at) | (byte(bytes, at - 1) << 8)
    const window = low | (byte(bytes, at - 2) << 16) | (byte(bytes, at - 3) << 24)
    limbs[i] = (window >>> (bit & 7)) & (weight - 1)
  }
  // From the top down: a limb of at most 2^22 in magnitude times 2^21 leaves sums below 2^44, and after carrying, all
  // limbs below the next one are 21 bits and that one has changed by 1 at most.
  for (let top = wideLimbs - 1; top >= 12; top--) {
    fold(top)
    carry(top - 12, top - 1)
  }
  // Between −2^147 and 2^252 + 2^147 now: take ℓ off or add it by what is at bit 252 and above, and add it back where
  // that went below 0. The last limb then has what 2^252 … ℓ − 1 have above it.
  foldTop(1)
  foldTop(0)
  writeLimbs(out)
  limbs.fill(0)
}

/** Folds what is at bit 252 and above: −1, 0 or 1, but no more than `most`. */
function foldTop(most: number): void {
  const excess = Math.min(Math.floor(limbs[11]! * unit), most)
  limbs[11] = limbs[11]! - excess * weight
  limbs[12] = excess
  fold(12)
  carry(0, 11)
}

/** limb·2^(21·top) ≡ −limb·tail·2^(21·(top − 12)). */
function fold(top: number): void {
  const limb = limbs[top]! // top < wideLimbs, and so below
  limbs[top] = 0
  for (let j = 0; j < tail.length; j++) limbs[top - 12 + j] = limbs[top - 12 + j]! - limb * tail[j]!
}

/** Leaves 21 bits in limbs `from` … `to` − 1; `to` takes the rest, of either sign. */
function carry(from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const excess = Math.floor(limbs[i]! * unit)
    limbs[i] = limbs[i]! - excess * weight
    limbs[i + 1] = limbs[i + 1]! + excess
  }
}

function writeLimbs(out: Uint8Array): void {
  for (let k = 0; k < 32; k++) {
    const i = Math.floor((8 * k) / 21)
    const shift = 8 * k - 21 * i
    out[31 - k] = (limbs[i]! >>> shift) | ((limbs[i + 1] ?? 0) << (21 - shift))
  }
}

/** Past either end: 0. */
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
