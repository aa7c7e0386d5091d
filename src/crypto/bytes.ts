/** Byte-array primitives of this folder. */

/** The arrays one after the other, in a fresh array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** Pieces of `length` bytes, in fresh arrays. */
export function chunks(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: bytes.length / length }, (_, i) => bytes.slice(i * length, (i + 1) * length))
}

/** Whether both hold the same bytes. Time depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= byteAt(a, i) ^ byteAt(b, i)
  return difference === 0
}

/** Whether all bytes are 0. Time depends on the length only. */
export function isAllZero(bytes: Uint8Array): boolean {
  let any = 0
  for (let i = 0; i < bytes.length; i++) any |= byteAt(bytes, i)
  return any === 0
}

/** `bytes[index]`, which must exist. */
export function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index]
  if (byte === undefined) throw new RangeError(`byte ${index} of ${bytes.length}`)
  return byte
}

/** Bit `index` (0 or 1), counted from the least significant bit of the first byte. */
export function bitAt(bytes: Uint8Array, index: number): number {
  return (byteAt(bytes, index >>> 3) >>> (index & 7)) & 1
}

/** `a ^ b` in a fresh array; both have the same length. */
export function xorBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length !== b.length) throw new RangeError(`xor of ${a.length} and ${b.length} bytes`)
  return a.map((byte, i) => byte ^ byteAt(b, i))
}

/** An unsigned 32-bit integer, big-endian. */
export function uint32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw new RangeError(`not a uint32: ${value}`)
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
}

/** An unsigned integer below 2^53 as 8 bytes, big-endian. */
export function uint64(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned safe integer: ${value}`)
  return concatBytes(uint32(Math.floor(value / 2 ** 32)), uint32(value % 2 ** 32))
}

/** Overwrites secrets that are no longer needed. Best effort: a JavaScript engine may have copied them. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0)
}
