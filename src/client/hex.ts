/** Bytes as the API spells them, and back, with errors that name the argument. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { invalidArgument } from './mpc-error.ts'

/** `messageHash`: 32 bytes, or 64 hex digits. @throws MpcError 'invalid_request' */
export function hashBytes(messageHash: Uint8Array | string): Uint8Array {
  const hex = typeof messageHash === 'string' ? messageHash : bytesToHex(messageHash)
  if (!/^[0-9A-Fa-f]{64}$/.test(hex)) throw invalidArgument('messageHash', 'must be 32 bytes, or 64 hex digits')
  return hexToBytes(hex)
}

/** An identity key of 32 bytes, or as 64 hex digits; empty where there is none. @throws MpcError 'invalid_request' */
export function identityHex(identityKey: Uint8Array | string | undefined, argument: string): string {
  if (identityKey === undefined) return ''
  const hex = typeof identityKey === 'string' ? identityKey : bytesToHex(identityKey)
  if (!/^[0-9A-Fa-f]{64}$/.test(hex)) throw invalidArgument(argument, 'must be 32 bytes, or 64 hex digits')
  return hex
}

export function hashHex(messageHash: Uint8Array | string): string {
  return bytesToHex(hashBytes(messageHash))
}
