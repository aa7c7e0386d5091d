/** Bytes as the API spells them, and back, with errors that name the argument. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { invalidArgument } from './mpc-error.ts'

/** `messageHash`: 32 bytes, or 64 hex digits. @throws MpcError 'invalid_request' */
export function hashBytes(messageHash: Uint8Array | string): Uint8Array {
  const hex = typeof messageHash === 'string' ? messageHash : bytesToHex(messageHash)
  if (!/^[0-9A-Fa-f]{64}$/.test(hex)) throw invalidArgument('messageHash', 'must be 32 bytes, or 64 hex digits')
  return hexToBytes(hex)
}

export function hashHex(messageHash: Uint8Array | string): string {
  return bytesToHex(hashBytes(messageHash))
}
