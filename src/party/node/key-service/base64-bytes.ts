/** Base64 (RFC 4648, section 4) from bytes to bytes: a string that held a key could not be wiped. */

const alphabet = Uint8Array.from(Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'))
const padding = 0x3d

/** ASCII. */
export function toBase64(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(padding)
  for (let i = 0, o = 0; i < bytes.length; i += 3, o += 4) {
    const left = bytes.length - i
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    for (let digit = 0; digit <= Math.min(left, 3); digit++) {
      out[o + digit] = alphabet[(group >> (18 - 6 * digit)) & 63] ?? 0
    }
  }
  return out
}

/** Null where `text` is not the one encoding of some bytes. */
export function fromBase64(text: Uint8Array): Uint8Array | null {
  if (text.length % 4 !== 0) return null
  const padded = text.at(-1) === padding ? (text.at(-2) === padding ? 2 : 1) : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padded)
  for (let i = 0, o = 0; i < text.length; i += 4, o += 3) {
    let group = 0
    for (let digit = 0; digit < 4; digit++) {
      const isPadding = i + digit >= text.length - padded
      const value = isPadding ? 0 : alphabet.indexOf(text[i + digit] ?? 0)
      if (value < 0) return failed(bytes)
      group = (group << 6) | value
    }
    for (let byte = 0; byte < 3; byte++) {
      const value = (group >> (16 - 8 * byte)) & 255
      if (o + byte < bytes.length) bytes[o + byte] = value
      else if (value !== 0) return failed(bytes)
    }
  }
  return bytes
}

function failed(bytes: Uint8Array): null {
  bytes.fill(0)
  return null
}
