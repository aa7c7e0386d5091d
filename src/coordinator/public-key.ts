/**
 * Public keys as callers write them, in hex. Those of ECDSA have 33 or 65 bytes, are kept compressed and shown
 * uncompressed; those of the other types have 32.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { invalidField } from '../edge/refusal.ts'
import { publicKeyHex } from '../crypto/public-key.ts'

/**
 * 33 bytes, or 32 as they are: of which type those are has to be known to check more. Refuses, naming `field`, 33 or 65
 * bytes that are no point of secp256k1.
 */
export function parsePublicKey(hex: string, field: string): Uint8Array {
  if (hex.length === 64) return hexToBytes(hex)
  try {
    return secp256k1.Point.fromHex(hex).toBytes(true)
  } catch {
    throw invalidField(field, 'is not a public key of secp256k1')
  }
}

/**
 * 130 lower-case hex digits from 33 bytes, 64 from 32. Sessions are shown far more often than keys are made, so the
 * last are kept.
 */
export function showPublicKey(compressed: Uint8Array): string {
  const short = bytesToHex(compressed)
  const known = shown.get(short)
  if (known !== undefined) return known
  const long = publicKeyHex(compressed)
  if (shown.size >= maxShown) shown.clear()
  shown.set(short, long)
  return long
}

const shown = new Map<string, string>()
const maxShown = 4096
