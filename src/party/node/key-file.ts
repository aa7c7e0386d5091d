/**
 * Secret keys from files. A key that others on the machine can read is not secret, so the party does not start with it.
 */
import { statSync } from 'node:fs'
import { readKeyFile } from '../../edge/config.ts'
import { ConfigurationError } from '../../edge/configuration-error.ts'

const othersMayRead = 0o077

/**
 * The 32 bytes that the file holds as 64 hex digits. Throws ConfigurationError naming `variable`, never the content.
 */
export function readSecretKeyFile(variable: string, path: string): Uint8Array {
  const key = readKeyFile(variable, path)
  // Windows has no such bits.
  if (process.platform !== 'win32' && (statSync(path).mode & othersMayRead) !== 0) {
    throw new ConfigurationError(variable, `${path} may be read by other users of this machine: chmod 600 ${path}`)
  }
  return key
}
