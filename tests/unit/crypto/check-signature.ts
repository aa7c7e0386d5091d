/** Signs with a set of parties and checks the signature by every means there is. */
import { sha256 } from '@noble/hashes/sha2.js'
import { expect } from 'vitest'
import { recoverPublicKey, verifySignature } from '../../../src/crypto/ecdsa.ts'
import type { KeyShare } from '../../../src/crypto/key-share.ts'
import { numberOf, order } from './arithmetic.ts'
import { shareOf, signParties } from './fixtures.ts'
import { libsecp256k1Recovers, libsecp256k1Verifies, opensslVerifies } from './libraries.ts'
import { resultsOf, runProtocol } from './run-protocol.ts'

const utf8 = new TextEncoder()

export function checkSignature(
  key: readonly KeyShare[],
  signers: readonly number[],
  message: Uint8Array = utf8.encode(`signed by ${signers.join()}`),
): void {
  const messageHash = sha256(message)
  const results = resultsOf(runProtocol(signParties(key, signers, { messageHash })))
  const [signature] = results
  if (signature === undefined) throw new Error('no signer')
  for (const other of results) expect(other).toEqual(signature)
  expect(signature.publicKey).toEqual(shareOf(key, 0).publicKey)
  expect(libsecp256k1Verifies(signature, messageHash)).toBe(true)
  expect(opensslVerifies(signature, message)).toBe(true)
  expect(libsecp256k1Recovers(signature, messageHash)).toEqual(signature.publicKey)
  expect(recoverPublicKey(signature, messageHash)).toEqual(signature.publicKey)
  expect(verifySignature(signature, messageHash, signature.publicKey)).toBe(true)
  expect(numberOf(signature.s) <= order / 2n).toBe(true)
}
