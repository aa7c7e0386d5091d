/** ChaCha20 (RFC 8439, section 2.3) with a nonce of zeros, block by block: 32-bit additions, rotations and XOR only. */

/**
 * Writes keystream from block 0 on to `out`, from `at` to `at` + `length`, for a key of eight words, each the
 * little-endian reading of four key bytes. A key must serve for one stream only: that makes the constant nonce safe.
 */
export function expandKey(out: DataView, at: number, length: number, key: Int32Array): void {
  const whole = length - (length % 64)
  for (let done = 0; done < whole; done += 64) writeBlock(out, at + done, key, done / 64)
  if (whole === length) return
  writeBlock(lastView, 0, key, whole / 64)
  for (let i = whole; i < length; i++) out.setUint8(at + i, last[i - whole]!) // less than 64
  last.fill(0)
}

const last = new Uint8Array(64)
const lastView = new DataView(last.buffer)

function writeBlock(out: DataView, at: number, key: Int32Array, counter: number): void {
  const k0 = key[0]!, k1 = key[1]!, k2 = key[2]!, k3 = key[3]!, k4 = key[4]!, k5 = key[5]!, k6 = key[6]!, k7 = key[7]!
  let x0 = 0x61707865, x1 = 0x3320646e, x2 = 0x79622d32, x3 = 0x6b206574
  let x4 = k0, x5 = k1, x6 = k2, x7 = k3, x8 = k4, x9 = k5, x10 = k6, x11 = k7
  let x12 = counter, x13 = 0, x14 = 0, x15 = 0
  for (let round = 0; round < 20; round += 2) {
    x0 = (x0 + x4) | 0; x12 ^= x0; x12 = (x12 << 16) | (x12 >>> 16)
    x8 = (x8 + x12) | 0; x4 ^= x8; x4 = (x4 << 12) | (x4 >>> 20)
    x0 = (x0 + x4) | 0; x12 ^= x0; x12 = (x12 << 8) | (x12 >>> 24)
    x8 = (x8 + x12) | 0; x4 ^= x8; x4 = (x4 << 7) | (x4 >>> 25)
    x1 = (x1 + x5) | 0; x13 ^= x1; x13 = (x13 << 16) | (x13 >>> 16)
    x9 = (x9 + x13) | 0; x5 ^= x9; x5 = (x5 << 12) | (x5 >>> 20)
    x1 = (x1 + x5) | 0; x13 ^= x1; x13 = (x13 << 8) | (x13 >>> 24)
    x9 = (x9 + x13) | 0; x5 ^= x9; x5 = (x5 << 7) | (x5 >>> 25)
    x2 = (x2 + x6) | 0; x14 ^= x2; x14 = (x14 << 16) | (x14 >>> 16)
    x10 = (x10 + x14) | 0; x6 ^= x10; x6 = (x6 << 12) | (x6 >>> 20)
    x2 = (x2 + x6) | 0; x14 ^= x2; x14 = (x14 << 8) | (x14 >>> 24)
    x10 = (x10 + x14) | 0; x6 ^= x10; x6 = (x6 << 7) | (x6 >>> 25)
    x3 = (x3 + x7) | 0; x15 ^= x3; x15 = (x15 << 16) | (x15 >>> 16)
    x11 = (x11 + x15) | 0; x7 ^= x11; x7 = (x7 << 12) | (x7 >>> 20)
    x3 = (x3 + x7) | 0; x15 ^= x3; x15 = (x15 << 8) | (x15 >>> 24)
    x11 = (x11 + x15) | 0; x7 ^= x11; x7 = (x7 << 7) | (x7 >>> 25)
    x0 = (x0 + x5) | 0; x15 ^= x0; x15 = (x15 << 16) | (x15 >>> 16)
    x10 = (x10 + x15) | 0; x5 ^= x10; x5 = (x5 << 12) | (x5 >>> 20)
    x0 = (x0 + x5) | 0; x15 ^= x0; x15 = (x15 << 8) | (x15 >>> 24)
    x10 = (x10 + x15) | 0; x5 ^= x10; x5 = (x5 << 7) | (x5 >>> 25)
    x1 = (x1 + x6) | 0; x12 ^= x1; x12 = (x12 << 16) | (x12 >>> 16)
    x11 = (x11 + x12) | 0; x6 ^= x11; x6 = (x6 << 12) | (x6 >>> 20)
    x1 = (x1 + x6) | 0; x12 ^= x1; x12 = (x12 << 8) | (x12 >>> 24)
    x11 = (x11 + x12) | 0; x6 ^= x11; x6 = (x6 << 7) | (x6 >>> 25)
    x2 = (x2 + x7) | 0; x13 ^= x2; x13 = (x13 << 16) | (x13 >>> 16)
    x8 = (x8 + x13) | 0; x7 ^= x8; x7 = (x7 << 12) | (x7 >>> 20)
    x2 = (x2 + x7) | 0; x13 ^= x2; x13 = (x13 << 8) | (x13 >>> 24)
    x8 = (x8 + x13) | 0; x7 ^= x8; x7 = (x7 << 7) | (x7 >>> 25)
    x3 = (x3 + x4) | 0; x14 ^= x3; x14 = (x14 << 16) | (x14 >>> 16)
    x9 = (x9 + x14) | 0; x4 ^= x9; x4 = (x4 << 12) | (x4 >>> 20)
    x3 = (x3 + x4) | 0; x14 ^= x3; x14 = (x14 << 8) | (x14 >>> 24)
    x9 = (x9 + x14) | 0; x4 ^= x9; x4 = (x4 << 7) | (x4 >>> 25)
  }
  out.setInt32(at + 0, x0 + 0x61707865, true)
  out.setInt32(at + 4, x1 + 0x3320646e, true)
  out.setInt32(at + 8, x2 + 0x79622d32, true)
  out.setInt32(at + 12, x3 + 0x6b206574, true)
  out.setInt32(at + 16, x4 + k0, true)
  out.setInt32(at + 20, x5 + k1, true)
  out.setInt32(at + 24, x6 + k2, true)
  out.setInt32(at + 28, x7 + k3, true)
  out.setInt32(at + 32, x8 + k4, true)
  out.setInt32(at + 36, x9 + k5, true)
  out.setInt32(at + 40, x10 + k6, true)
  out.setInt32(at + 44, x11 + k7, true)
  out.setInt32(at + 48, x12 + counter, true)
  out.setInt32(at + 52, x13, true)
  out.setInt32(at + 56, x14, true)
  out.setInt32(at + 60, x15, true)
}
