/** Key encryption under 32 bytes that this process holds: XChaCha20-Poly1305, under a key derived for this use only. */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { concatBytes } from '../../crypto/bytes.ts'
import type { Rng } from '../../crypto/protocol.ts'
import type { KeyEncryption } from './key-encryption.ts'

const nonceLength = 24
/** A new local key is another key, not another version. */
const keyVersion = 1
/** One spelling only, so that no bit of a key file can change unseen. */
const ciphertextForm = /^(?:[0-9a-f]{2})+$/

/** `kek`: 32 bytes. Keeps a copy of its own until closed. */
export function localKeyEncryption(kek: Uint8Array, rng: Rng): KeyEncryption {
  if (kek.length !== 32) throw new RangeError('a key-encryption key is 32 bytes')
  const own = Uint8Array.from(kek)
  const wrappingKey = hkdf(sha256, own, undefined, utf8ToBytes('mpc-system/v2/wrap'), 32)
  const keyId = `local:${bytesToHex(hkdf(sha256, own, undefined, utf8ToBytes('mpc-system/v2/kek-id'), 8))}`
  return {
    keyId,
    wrap: async (dataKey, context) => {
      const nonce = rng(nonceLength)
      const ciphertext = xchacha20poly1305(wrappingKey, nonce, context).encrypt(dataKey)
      return { wrappedBy: keyId, keyVersion, ciphertext: bytesToHex(concatBytes(nonce, ciphertext)) }
    },
    unwrap: async (wrapped, context) => {
      if (wrapped.wrappedBy !== keyId || wrapped.keyVersion !== keyVersion) return null
      if (!ciphertextForm.test(wrapped.ciphertext)) return null
      const bytes = hexToBytes(wrapped.ciphertext)
      if (bytes.length <= nonceLength) return null
      const [nonce, ciphertext] = [bytes.subarray(0, nonceLength), bytes.subarray(nonceLength)]
      try {
        return xchacha20poly1305(wrappingKey, nonce, context).decrypt(ciphertext)
      } catch {
        return null
      }
    },
    directKey: () => own,
    close: () => {
      own.fill(0)
      wrappingKey.fill(0)
    },
  }
}
