/**
 * Checks Ed25519 and BIP-340 signatures with code that this project did not write: OpenSSL, and BIP-340's equation over
 * the points of the `secp256k1` package, whose exports stop short of libsecp256k1's own check.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const secp256k1: typeof import('secp256k1') = require('secp256k1')

/** RFC 8410: what precedes the 32 bytes of an Ed25519 key in DER. */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')

/** Public key of 32 bytes, signature of 64. */
export function opensslVerifiesEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([ed25519Prefix, publicKey]), format: 'der', type: 'spki' })
  return verify(null, message, key, signature)
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** BIP-340, "Verification": R = s·G - e·P must have an even y and the x that the signature starts with. */
export function libsecp256k1VerifiesBip340(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
  const e = BigInt(`0x${taggedHash('BIP0340/challenge', r, publicKey, message).toString('hex')}`) % order
  const minusE = Buffer.from(((order - e) % order).toString(16).padStart(64, '0'), 'hex')
  try {
    const point = secp256k1.publicKeyTweakMul(Uint8Array.of(2, ...publicKey), minusE)
    const R = secp256k1.publicKeyCombine([secp256k1.publicKeyCreate(Uint8Array.from(s)), point])
    return R[0] === 2 && Buffer.from(r).equals(R.subarray(1))
  } catch {
    return false // not on the curve, s not below the order, or R the identity
  }
}

function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Buffer {
  const tagHash = createHash('sha256').update(tag).digest()
  return createHash('sha256')
    .update(Buffer.concat([tagHash, tagHash, ...parts]))
    .digest()
}
