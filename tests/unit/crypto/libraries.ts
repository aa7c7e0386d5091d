/** Code nobody here wrote, to check ours against: libsecp256k1 and OpenSSL. */
import { createPublicKey, verify } from 'node:crypto'
import { createRequire } from 'node:module'
import type { EcdsaSignature } from '../../../src/crypto/ecdsa.ts'

// The package's main entry falls back to JavaScript when the native binding is missing; this one does not.
const libsecp256k1 = createRequire(import.meta.url)('secp256k1/bindings') as typeof import('secp256k1')

type Signed = Pick<EcdsaSignature, 'r' | 's' | 'recoveryId' | 'publicKey'>

function compact({ r, s }: Pick<Signed, 'r' | 's'>): Uint8Array {
  return Uint8Array.from([...r, ...s])
}

/** libsecp256k1 accepts low s only. */
export function libsecp256k1Verifies(signature: Signed, messageHash: Uint8Array): boolean {
  return libsecp256k1.ecdsaVerify(compact(signature), messageHash, signature.publicKey)
}

export function libsecp256k1Recovers(signature: Signed, messageHash: Uint8Array): Uint8Array {
  return libsecp256k1.ecdsaRecover(compact(signature), signature.recoveryId, messageHash, true)
}

/** `publicKey` in 65 bytes; OpenSSL hashes `message` with SHA-256 itself. */
export function opensslVerifies(signature: Signed, message: Uint8Array): boolean {
  const point = libsecp256k1.publicKeyConvert(signature.publicKey, false)
  const spkiPrefix = Buffer.from('3056301006072a8648ce3d020106052b8104000a034200', 'hex') // RFC 5480, secp256k1
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, point]), format: 'der', type: 'spki' })
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, compact(signature))
}
