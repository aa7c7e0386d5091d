/** Transposition of the OT extension's bit matrix: 128 columns in, one 128-bit row per transfer out. */

export const columnCount = 128
export const rowLength = columnCount / 8
const wordsPerRow = 4

/**
 * `columns` holds 128 columns of `columnLength` bytes (a multiple of 4), bits least significant first. Returns
 * 8·columnLength rows of four 32-bit words; bit i of row j is bit j of column i. Works on blocks of 32×32 bits
 * (Warren, Hacker's Delight, 2nd ed., section 7-3), with no data-dependent step.
 */
export function transpose(columns: Uint8Array, columnLength: number): Uint32Array {
  const view = new DataView(columns.buffer, columns.byteOffset, columns.byteLength)
  const rows = new Uint32Array(8 * columnLength * wordsPerRow)
  const block = new Uint32Array(32)
  for (let across = 0; across < wordsPerRow; across++) {
    for (let down = 0; down < columnLength; down += 4) {
      for (let i = 0; i < 32; i++) block[i] = view.getUint32((32 * across + i) * columnLength + down, true)
      transposeBlock(block)
      for (let j = 0; j < 32; j++) rows[(8 * down + j) * wordsPerRow + across] = word(block, j)
    }
  }
  block.fill(0)
  return rows
}

/** Words as bytes, least significant first, whatever the machine's own order is. */
export function wordsToBytes(words: Uint32Array): Uint8Array {
  const out = new Uint8Array(words.length * 4)
  const view = new DataView(out.buffer)
  for (let i = 0; i < words.length; i++) view.setUint32(4 * i, word(words, i), true)
  return out
}

/** XORs one row of 16 bytes into every row. */
export function xorRows(rows: Uint8Array, row: Uint8Array): void {
  for (let i = 0; i < rows.length; i++) rows[i] = rows[i]! ^ row[i & (rowLength - 1)]! // rowLength is a power of two
}

/** The reverse of `wordsToBytes`. */
export function bytesToWords(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const words = new Uint32Array(bytes.length / 4)
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(4 * i, true)
  return words
}

/** `words[index]`, which must exist. */
export function word(words: Uint32Array, index: number): number {
  const value = words[index]
  if (value === undefined) throw new RangeError(`word ${index} of ${words.length}`)
  return value
}

function transposeBlock(block: Uint32Array): void {
  for (let width = 16, mask = 0x0000ffff; width !== 0; width >>>= 1, mask ^= mask << width) {
    for (let k = 0; k < 32; k = ((k | width) + 1) & ~width) {
      const swap = ((word(block, k) >>> width) ^ word(block, k | width)) & mask
      block[k] = word(block, k) ^ (swap << width)
      block[k | width] = word(block, k | width) ^ swap
    }
  }
}
