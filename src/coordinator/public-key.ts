/** Public keys as callers write them: 33 or 65 bytes in hex. Kept compressed, shown uncompressed. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { invalidField } from '../edge/refusal.ts'
import { uncompressedPublicKey } from '../crypto/public-key.ts'

/** 33 bytes. Refuses, naming `field`, anything but a point of secp256k1. */
export function parsePublicKey(hex: string, field: string): Uint8Array {
  try {
    return secp256k1.Point.fromHex(hex).toBytes(true)
  } catch {
    throw invalidField(field, 'is not a public key of secp256k1')
  }
}

/**
 * 130 lower-case hex digits from 33 bytes. Sessions are shown far more often than keys are made, so the last are kept.
 */
export function showPublicKey(compressed: Uint8Array): string {
  const short = bytesToHex(compressed)
  const known = shown.get(short)
  if (known !== undefined) return known
  const long = bytesToHex(uncompressedPublicKey(compressed))
  if (shown.size >= maxShown) shown.clear()
  shown.set(short, long)
  return long
}

const shown = new Map<string, string>()
const maxShown = 4096
