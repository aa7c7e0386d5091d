/** Secret keys from files. A key that others on the machine can read is not secret, so no service starts with it. */
import { readFileSync, statSync } from 'node:fs'
import { ConfigurationError } from './configuration-error.ts'

const othersMayRead = 0o077

/**
 * The 32 bytes that the file holds as 64 hex digits. Throws ConfigurationError naming `variable`, never the content.
 */
export function readSecretKeyFile(variable: string, path: string): Uint8Array {
  let text: string
  let mode: number
  try {
    text = readFileSync(path, 'utf8').trim()
    mode = statSync(path).mode
  } catch {
    throw new ConfigurationError(variable, `${path} cannot be read`)
  }
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new ConfigurationError(variable, `${path} must hold 64 hex digits`)
  // Windows has no such bits.
  if (process.platform !== 'win32' && (mode & othersMayRead) !== 0) {
    throw new ConfigurationError(variable, `${path} may be read by other users of this machine: chmod 600 ${path}`)
  }
  return Uint8Array.from(Buffer.from(text, 'hex'))
}
