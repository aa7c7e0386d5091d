/** Secret keys from files. A key that others on the machine can read is not secret, so no service starts with it. */
import { readFileSync, statSync } from 'node:fs'
import { ConfigurationError } from './configuration-error.ts'

const othersMayRead = 0o077
const keyLength = 32

/**
 * The 32 bytes that the file holds as 64 hex digits; to be wiped after use. Throws ConfigurationError naming
 * `variable`, never the content.
 */
export function readSecretKeyFile(variable: string, path: string): Uint8Array {
  const text = readSecretFile(variable, path)
  try {
    return keyFromHex(variable, text, `${path} must hold 64 hex digits`)
  } finally {
    text.fill(0)
  }
}

/** The file's bytes; to be wiped after use. Throws ConfigurationError naming `variable`. */
export function readSecretFile(variable: string, path: string): Buffer {
  let bytes: Buffer
  let mode: number
  try {
    bytes = readFileSync(path)
    mode = statSync(path).mode
  } catch {
    throw new ConfigurationError(variable, `${path} cannot be read`)
  }
  // Windows has no such bits.
  if (process.platform !== 'win32' && (mode & othersMayRead) !== 0) {
    bytes.fill(0)
    throw new ConfigurationError(variable, `${path} may be read by other users of this machine: chmod 600 ${path}`)
  }
  return bytes
}

/** `digits`: ASCII, white space around them is left out. No string is made of them, which could not be wiped. */
export function keyFromHex(variable: string, digits: Uint8Array, problem: string): Uint8Array {
  const isSpace = (byte: number | undefined) => byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d)
  let [start, end] = [0, digits.length]
  while (start < end && isSpace(digits[start])) start++
  while (end > start && isSpace(digits[end - 1])) end--
  const key = new Uint8Array(keyLength)
  const values = end - start === 2 * keyLength ? digits.subarray(start, end).map(valueOf) : null
  if (values === null || values.includes(noDigit)) {
    values?.fill(0)
    throw new ConfigurationError(variable, problem)
  }
  for (let i = 0; i < keyLength; i++) key[i] = ((values[2 * i] ?? 0) << 4) | (values[2 * i + 1] ?? 0)
  values.fill(0)
  return key
}

const noDigit = 255

function valueOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : noDigit
}
