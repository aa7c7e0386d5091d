/**
 * Sealing to an X25519 key: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one
 * message per encapsulation. Who sent it is not HPKE's business here: senders sign what they seal.
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { x25519 } from '@noble/curves/ed25519.js'

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

export type Sealed = Readonly<{ encapsulatedKey: Uint8Array<ArrayBuffer>; ciphertext: Uint8Array<ArrayBuffer> }>

/** Both parts `info` and `aad` must be the same when opening. Throws on a malformed or low-order recipient key. */
export async function seal(
  recipientKey: Uint8Array,
  info: Uint8Array<ArrayBuffer>,
  aad: Uint8Array<ArrayBuffer>,
  plaintext: Uint8Array<ArrayBuffer>,
): Promise<Sealed> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(exactBuffer(recipientKey))
  const { enc, ct } = await suite.seal({ recipientPublicKey, info }, plaintext, aad)
  return { encapsulatedKey: new Uint8Array(enc), ciphertext: new Uint8Array(ct) }
}

/** The plaintext, or null when the ciphertext was not made for this key, info and aad. */
export async function open(
  recipientSecret: Uint8Array,
  info: Uint8Array<ArrayBuffer>,
  aad: Uint8Array<ArrayBuffer>,
  sealed: Readonly<{ encapsulatedKey: Uint8Array; ciphertext: Uint8Array }>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const recipientKey = await suite.kem.deserializePrivateKey(exactBuffer(recipientSecret))
    const enc = exactBuffer(sealed.encapsulatedKey)
    return new Uint8Array(await suite.open({ recipientKey, enc, info }, exactBuffer(sealed.ciphertext), aad))
  } catch {
    return null
  }
}

/** A fresh X25519 key pair from 32 random bytes. */
export function ephemeralKeyPair(seed: Uint8Array): Readonly<{ secret: Uint8Array; publicKey: Uint8Array }> {
  const secret = Uint8Array.from(seed)
  return { secret, publicKey: x25519.getPublicKey(secret) }
}

/** Sealed value as one byte string: the 32-byte encapsulated key, then the ciphertext. */
export function packSealed(sealed: Sealed): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...sealed.encapsulatedKey, ...sealed.ciphertext])
}

export function unpackSealed(bytes: Uint8Array): Sealed {
  return { encapsulatedKey: Uint8Array.from(bytes.subarray(0, 32)), ciphertext: Uint8Array.from(bytes.subarray(32)) }
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}
