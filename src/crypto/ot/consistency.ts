/**
 * The linear function over GF(2^128) behind the OT extension's consistency check (SoftSpokenOT, ePrint 2022/192,
 * section 4 and figure 7, for k = 1; Fiat–Shamir makes the challenge).
 *
 * A column of the matrix, n + 128 bits, is read as field elements y_0 … y_(m-1) of 128 bits (the last one padded with
 * zeros) and a mask y_last; its image is y_last + Σ χ_k·y_k. Multiplying by χ_k is linear over GF(2): bit b of y_k adds
 * χ_k·X^b. So all 128 columns are folded at once by XOR-ing whole rows; only the public χ decides which go where.
 */
import { bitAt } from '../bytes.ts'
import { xof } from '../hash.ts'
import { tag } from '../tags.ts'
import { bytesToWords, columnCount } from './bit-matrix.ts'

const blockBits = 128
const wordsPerElement = 4
/** Rows taken together: what their bits of χ select is one of 16 precomputed sums (the method of the four Russians). */
const group = 4

/** One challenge per block of 128 transfers, each 128 bits. `digest` covers the session and the whole matrix sent. */
export function challenges(transfers: number, digest: Uint8Array): Uint8Array {
  return xof(Math.ceil(transfers / blockBits) * (blockBits / 8), tag.otChallenge, digest)
}

/**
 * Folds `transfers` + 128 rows (four words each) into 128 rows: bit i of row b is bit b of the image of column i.
 */
export function foldRows(rows: Uint32Array, transfers: number, chi: Uint8Array): Uint32Array {
  const folded = rows.slice(transfers * wordsPerElement, (transfers + columnCount) * wordsPerElement)
  const powers = powersOf(transfers, chi)
  const sums = new Uint32Array(2 ** group * wordsPerElement)
  // Indices stay inside: transfers is a multiple of 32, and all arrays have the lengths used here.
  for (let row = 0; row < transfers; row += group) {
    fillSums(sums, rows, row)
    for (let w = 0; w < wordsPerElement; w++) {
      const at = row * wordsPerElement + w
      let [c0, c1, c2, c3] = [powers[at]!, powers[at + 4]!, powers[at + 8]!, powers[at + 12]!]
      for (let bit = 32 * w; bit < 32 * (w + 1); bit++) {
        const sum = ((c0 & 1) | ((c1 & 1) << 1) | ((c2 & 1) << 2) | ((c3 & 1) << 3)) * wordsPerElement // χ is public
        const to = bit * wordsPerElement
        folded[to] = folded[to]! ^ sums[sum]!
        folded[to + 1] = folded[to + 1]! ^ sums[sum + 1]!
        folded[to + 2] = folded[to + 2]! ^ sums[sum + 2]!
        folded[to + 3] = folded[to + 3]! ^ sums[sum + 3]!
        c0 >>>= 1
        c1 >>>= 1
        c2 >>>= 1
        c3 >>>= 1
      }
    }
  }
  sums.fill(0)
  return folded
}

/** The same image of one single, secret column given as bytes, as four words. */
export function foldColumn(column: Uint8Array, transfers: number, chi: Uint8Array): Uint32Array {
  const folded = bytesToWords(column.subarray(transfers / 8))
  const powers = powersOf(transfers, chi)
  for (let row = 0; row < transfers; row++) {
    const mask = -bitAt(column, row)
    for (let i = 0; i < wordsPerElement; i++) folded[i] = folded[i]! ^ (powers[row * wordsPerElement + i]! & mask)
  }
  return folded
}

/** sums[m] = XOR of those of four rows, from `row` on, whose bit of m is 1. */
function fillSums(sums: Uint32Array, rows: Uint32Array, row: number): void {
  for (let m = 1; m < 2 ** group; m++) {
    const highest = 31 - Math.clz32(m)
    const without = (m ^ (1 << highest)) * wordsPerElement
    const from = (row + highest) * wordsPerElement
    for (let i = 0; i < wordsPerElement; i++) sums[m * wordsPerElement + i] = sums[without + i]! ^ rows[from + i]!
  }
}

/** χ_k·X^b for each transfer 128k + b, four words each, in GF(2)[X] / (X^128 + X^7 + X^2 + X + 1). */
function powersOf(transfers: number, chi: Uint8Array): Uint32Array {
  const view = new DataView(chi.buffer, chi.byteOffset, chi.byteLength)
  const powers = new Uint32Array(transfers * wordsPerElement)
  let [a, b, c, d] = [0, 0, 0, 0]
  for (let row = 0; row < transfers; row++) {
    if (row % blockBits === 0) {
      const word = (i: number) => view.getUint32(row / 8 + 4 * i, true)
      ;[a, b, c, d] = [word(0), word(1), word(2), word(3)]
    } else {
      const carry = d >>> 31
      d = (d << 1) | (c >>> 31)
      c = (c << 1) | (b >>> 31)
      b = (b << 1) | (a >>> 31)
      a = (a << 1) ^ (carry * 0x87) // χ is public, and so is the carry
    }
    const at = row * wordsPerElement
    powers[at] = a
    powers[at + 1] = b
    powers[at + 2] = c
    powers[at + 3] = d
  }
  return powers
}
