/**
 * Checks a signature with code that this project did not write: libsecp256k1 through the `secp256k1` package. Where its
 * native binding was not built for the platform, the package falls back to the `elliptic` library; `verifierName` says
 * which one did the work.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const secp256k1: typeof import('secp256k1') = require('secp256k1')

export const verifierName = nativeBindingLoads() ? 'libsecp256k1' : 'elliptic'

export type CheckedSignature = Readonly<{ valid: boolean; recoversPublicKey: boolean }>

/** All values as hex: public key (33 or 65 bytes), hash (32 bytes), signature r||s (64 bytes, s in the lower half). */
export function checkSignature(input: {
  publicKey: string
  messageHash: string
  signature: string
  recoveryId: number
}): CheckedSignature {
  const publicKey = secp256k1.publicKeyConvert(Buffer.from(input.publicKey, 'hex'), false)
  const hash = Buffer.from(input.messageHash, 'hex')
  const signature = Buffer.from(input.signature, 'hex')
  const recovered = secp256k1.ecdsaRecover(signature, input.recoveryId, hash, false)
  return {
    valid: secp256k1.ecdsaVerify(signature, hash, publicKey),
    recoversPublicKey: Buffer.from(recovered).equals(Buffer.from(publicKey)),
  }
}

function nativeBindingLoads(): boolean {
  try {
    require('secp256k1/bindings')
    return true
  } catch {
    return false
  }
}
