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
import { columnCount, word } from './bit-matrix.ts'

const blockBits = 128
const wordsPerElement = 4

/** One challenge per block of 128 transfers, each 128 bits. `digest` covers the session and the whole matrix sent. */
export function challenges(transfers: number, digest: Uint8Array): Uint8Array {
  return xof(Math.ceil(transfers / blockBits) * (blockBits / 8), tag.otChallenge, digest)
}

/**
 * Folds `transfers` + 128 rows (four words each) into 128 rows: bit i of row b is bit b of the image of column i.
 */
export function foldRows(rows: Uint32Array, transfers: number, chi: Uint8Array): Uint32Array {
  const folded = rows.slice(transfers * wordsPerElement, (transfers + columnCount) * wordsPerElement)
  forEachPower(transfers, chi, (row, power) => {
    const start = row * wordsPerElement
    const [a, b] = [word(rows, start), word(rows, start + 1)]
    const [c, d] = [word(rows, start + 2), word(rows, start + 3)]
    for (let bit = 0; bit < blockBits; bit++) {
      if (((word(power, bit >>> 5) >>> (bit & 31)) & 1) === 0) continue // χ is public
      const at = bit * wordsPerElement
      folded[at] = word(folded, at) ^ a
      folded[at + 1] = word(folded, at + 1) ^ b
      folded[at + 2] = word(folded, at + 2) ^ c
      folded[at + 3] = word(folded, at + 3) ^ d
    }
  })
  return folded
}

/** The same image of one single, secret column given as bytes, as four words. */
export function foldColumn(column: Uint8Array, transfers: number, chi: Uint8Array): Uint32Array {
  const view = new DataView(column.buffer, column.byteOffset, column.byteLength)
  const folded = Uint32Array.from({ length: wordsPerElement }, (_, i) => view.getUint32(transfers / 8 + 4 * i, true))
  forEachPower(transfers, chi, (row, power) => {
    const mask = -bitAt(column, row)
    for (let i = 0; i < wordsPerElement; i++) folded[i] = word(folded, i) ^ (word(power, i) & mask)
  })
  return folded
}

/** Calls back for each transfer 128k + b with χ_k·X^b, in GF(2)[X] / (X^128 + X^7 + X^2 + X + 1). */
function forEachPower(transfers: number, chi: Uint8Array, visit: (row: number, power: Uint32Array) => void): void {
  const view = new DataView(chi.buffer, chi.byteOffset, chi.byteLength)
  const power = new Uint32Array(wordsPerElement)
  for (let row = 0; row < transfers; row++) {
    if (row % blockBits === 0) {
      for (let i = 0; i < wordsPerElement; i++) power[i] = view.getUint32(row / 8 + 4 * i, true)
    } else {
      timesX(power)
    }
    visit(row, power)
  }
}

function timesX(power: Uint32Array): void {
  const carry = word(power, 3) >>> 31
  for (let i = 3; i > 0; i--) power[i] = (word(power, i) << 1) | (word(power, i - 1) >>> 31)
  power[0] = (word(power, 0) << 1) ^ (carry * 0x87) // χ is public, and so is the carry
}
