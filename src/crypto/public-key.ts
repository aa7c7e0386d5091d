/** Forms of a public key that other systems use. Public values only. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { decodePoint, encodeUncompressed } from './curve/secp256k1.ts'
import { concatBytes, equalBytes } from './bytes.ts'
import type { KeyType } from './key-type.ts'

/** 65 bytes (04 ‖ x ‖ y) from 33. @throws Error unless `publicKey` is a compressed point of secp256k1. */
export function uncompressedPublicKey(publicKey: Uint8Array): Uint8Array {
  const point = decodePoint(publicKey)
  if (point === undefined) throw new Error('public key: not a compressed point of secp256k1')
  return encodeUncompressed(point)
}

/** As the API shows it, in hex: 65 bytes for a key of secp256k1 in 33, other keys as they are. @throws Error too. */
export function publicKeyHex(publicKey: Uint8Array): string {
  return bytesToHex(publicKey.length === 33 ? uncompressedPublicKey(publicKey) : publicKey)
}

/** From any of its spellings in hex: 33 bytes for ECDSA, else 32 as they are. Undefined for what is no such key. */
export function canonicalPublicKey(hex: string, keyType: KeyType): Uint8Array | undefined {
  if (!/^([0-9a-fA-F]{2})+$/.test(hex)) return undefined
  const bytes = hexToBytes(hex)
  if (keyType !== 'ecdsa-secp256k1') return bytes.length === 32 ? bytes : undefined
  const isUncompressed = bytes.length === 65 && bytes[0] === 4
  const parity = (bytes.at(-1) ?? 0) & 1
  const compressed = isUncompressed ? concatBytes(Uint8Array.of(2 + parity), bytes.subarray(1, 33)) : bytes
  if (compressed.length !== 33 || decodePoint(compressed) === undefined) return undefined
  return isUncompressed && !equalBytes(uncompressedPublicKey(compressed), bytes) ? undefined : compressed
}

/** `0x` and 40 hex digits, in the mixed case of EIP-55. @throws Error like `uncompressedPublicKey`. */
export function ethereumAddress(publicKey: Uint8Array): string {
  // Yellow paper, appendix F: the last 20 bytes of Keccak-256 over x ‖ y.
  const address = bytesToHex(keccak_256(uncompressedPublicKey(publicKey).subarray(1)).subarray(12))
  const checksum = bytesToHex(keccak_256(new TextEncoder().encode(address)))
  const isUpper = (i: number) => Number.parseInt(checksum.charAt(i), 16) >= 8
  return `0x${[...address].map((digit, i) => (isUpper(i) ? digit.toUpperCase() : digit)).join('')}`
}
