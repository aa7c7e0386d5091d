/**
 * BLAKE3 in its keyed mode (J. O'Connor, J.-P. Aumasson, S. Neves, Z. Wilcox-O'Hearn, "BLAKE3: one function, fast
 * everywhere", sections 2.2 to 2.6), for inputs of one block and outputs of any length: 32-bit additions, rotations and
 * XOR only, so time does not depend on the data. Rounds are a loop on purpose: written out, the function is half as slow
 * again in JavaScriptCore, and hardly faster in V8.
 */

/** CHUNK_START, CHUNK_END, ROOT and KEYED_HASH (table 3): the block is the whole input. */
const flags = 1 | 2 | 8 | 16

const blockLength = 64
export const blockWords = 16

/**
 * Writes the first `length` bytes of BLAKE3's output to `out` from `at` on. `key` is eight words, `message` sixteen, each
 * the little-endian reading of four bytes; of the message only the first `messageLength` bytes count and the others are
 * 0.
 */
export function keyedHash(
  out: DataView,
  at: number,
  length: number,
  key: Int32Array,
  message: Int32Array,
  messageLength: number,
): void {
  const whole = length - (length % blockLength)
  for (let done = 0; done < whole; done += blockLength) {
    writeBlock(out, at + done, key, message, messageLength, done / blockLength)
  }
  if (whole === length) return
  writeBlock(lastView, 0, key, message, messageLength, whole / blockLength)
  for (let i = whole; i < length; i++) out.setUint8(at + i, last[i - whole]!) // less than 64
  last.fill(0)
}

const last = new Uint8Array(blockLength)
const lastView = new DataView(last.buffer)

/** Block `counter` of the output. */
function writeBlock(
  out: DataView,
  at: number,
  key: Int32Array,
  message: Int32Array,
  messageLength: number,
  counter: number,
): void {
  const k0 = key[0]!, k1 = key[1]!, k2 = key[2]!, k3 = key[3]!, k4 = key[4]!, k5 = key[5]!, k6 = key[6]!, k7 = key[7]!
  let m0 = message[0]!, m1 = message[1]!, m2 = message[2]!, m3 = message[3]!
  let m4 = message[4]!, m5 = message[5]!, m6 = message[6]!, m7 = message[7]!
  let m8 = message[8]!, m9 = message[9]!, m10 = message[10]!, m11 = message[11]!
  let m12 = message[12]!, m13 = message[13]!, m14 = message[14]!, m15 = message[15]!
  let x0 = k0, x1 = k1, x2 = k2, x3 = k3, x4 = k4, x5 = k5, x6 = k6, x7 = k7
  let x8 = 0x6a09e667, x9 = 0xbb67ae85 | 0, x10 = 0x3c6ef372, x11 = 0xa54ff53a | 0
  let x12 = counter, x13 = 0, x14 = messageLength, x15 = flags
  for (let round = 0; round < 7; round++) {
    x0 = (x0 + x4 + m0) | 0; x12 ^= x0; x12 = (x12 << 16) | (x12 >>> 16)
    x8 = (x8 + x12) | 0; x4 ^= x8; x4 = (x4 << 20) | (x4 >>> 12)
    x0 = (x0 + x4 + m1) | 0; x12 ^= x0; x12 = (x12 << 24) | (x12 >>> 8)
    x8 = (x8 + x12) | 0; x4 ^= x8; x4 = (x4 << 25) | (x4 >>> 7)
    x1 = (x1 + x5 + m2) | 0; x13 ^= x1; x13 = (x13 << 16) | (x13 >>> 16)
    x9 = (x9 + x13) | 0; x5 ^= x9; x5 = (x5 << 20) | (x5 >>> 12)
    x1 = (x1 + x5 + m3) | 0; x13 ^= x1; x13 = (x13 << 24) | (x13 >>> 8)
    x9 = (x9 + x13) | 0; x5 ^= x9; x5 = (x5 << 25) | (x5 >>> 7)
    x2 = (x2 + x6 + m4) | 0; x14 ^= x2; x14 = (x14 << 16) | (x14 >>> 16)
    x10 = (x10 + x14) | 0; x6 ^= x10; x6 = (x6 << 20) | (x6 >>> 12)
    x2 = (x2 + x6 + m5) | 0; x14 ^= x2; x14 = (x14 << 24) | (x14 >>> 8)
    x10 = (x10 + x14) | 0; x6 ^= x10; x6 = (x6 << 25) | (x6 >>> 7)
    x3 = (x3 + x7 + m6) | 0; x15 ^= x3; x15 = (x15 << 16) | (x15 >>> 16)
    x11 = (x11 + x15) | 0; x7 ^= x11; x7 = (x7 << 20) | (x7 >>> 12)
    x3 = (x3 + x7 + m7) | 0; x15 ^= x3; x15 = (x15 << 24) | (x15 >>> 8)
    x11 = (x11 + x15) | 0; x7 ^= x11; x7 = (x7 << 25) | (x7 >>> 7)
    x0 = (x0 + x5 + m8) | 0; x15 ^= x0; x15 = (x15 << 16) | (x15 >>> 16)
    x10 = (x10 + x15) | 0; x5 ^= x10; x5 = (x5 << 20) | (x5 >>> 12)
    x0 = (x0 + x5 + m9) | 0; x15 ^= x0; x15 = (x15 << 24) | (x15 >>> 8)
    x10 = (x10 + x15) | 0; x5 ^= x10; x5 = (x5 << 25) | (x5 >>> 7)
    x1 = (x1 + x6 + m10) | 0; x12 ^= x1; x12 = (x12 << 16) | (x12 >>> 16)
    x11 = (x11 + x12) | 0; x6 ^= x11; x6 = (x6 << 20) | (x6 >>> 12)
    x1 = (x1 + x6 + m11) | 0; x12 ^= x1; x12 = (x12 << 24) | (x12 >>> 8)
    x11 = (x11 + x12) | 0; x6 ^= x11; x6 = (x6 << 25) | (x6 >>> 7)
    x2 = (x2 + x7 + m12) | 0; x13 ^= x2; x13 = (x13 << 16) | (x13 >>> 16)
    x8 = (x8 + x13) | 0; x7 ^= x8; x7 = (x7 << 20) | (x7 >>> 12)
    x2 = (x2 + x7 + m13) | 0; x13 ^= x2; x13 = (x13 << 24) | (x13 >>> 8)
    x8 = (x8 + x13) | 0; x7 ^= x8; x7 = (x7 << 25) | (x7 >>> 7)
    x3 = (x3 + x4 + m14) | 0; x14 ^= x3; x14 = (x14 << 16) | (x14 >>> 16)
    x9 = (x9 + x14) | 0; x4 ^= x9; x4 = (x4 << 20) | (x4 >>> 12)
    x3 = (x3 + x4 + m15) | 0; x14 ^= x3; x14 = (x14 << 24) | (x14 >>> 8)
    x9 = (x9 + x14) | 0; x4 ^= x9; x4 = (x4 << 25) | (x4 >>> 7)
    // Table 2: the message's words change places.
    const first0 = m0
    m0 = m2; m2 = m3; m3 = m10; m10 = m12; m12 = m9; m9 = m11; m11 = m5; m5 = first0
    const first1 = m1
    m1 = m6; m6 = m4; m4 = m7; m7 = m13; m13 = m14; m14 = m15; m15 = m8; m8 = first1
  }
  out.setInt32(at + 0, x0 ^ x8, true)
  out.setInt32(at + 4, x1 ^ x9, true)
  out.setInt32(at + 8, x2 ^ x10, true)
  out.setInt32(at + 12, x3 ^ x11, true)
  out.setInt32(at + 16, x4 ^ x12, true)
  out.setInt32(at + 20, x5 ^ x13, true)
  out.setInt32(at + 24, x6 ^ x14, true)
  out.setInt32(at + 28, x7 ^ x15, true)
  out.setInt32(at + 32, x8 ^ k0, true)
  out.setInt32(at + 36, x9 ^ k1, true)
  out.setInt32(at + 40, x10 ^ k2, true)
  out.setInt32(at + 44, x11 ^ k3, true)
  out.setInt32(at + 48, x12 ^ k4, true)
  out.setInt32(at + 52, x13 ^ k5, true)
  out.setInt32(at + 56, x14 ^ k6, true)
  out.setInt32(at + 60, x15 ^ k7, true)
}
