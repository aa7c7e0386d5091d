/** Runs of FROST under fixed randomness, written down like those of ../known-answer.ts. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeFrostKeyShare } from '../../../../src/crypto/frost/key-share-codec.ts'
import type { FrostKeyType } from '../../../../src/crypto/key-type.ts'
import { hashOf } from '../fixtures.ts'
import { transcript } from '../known-answer.ts'
import { resultsOf, runProtocol } from '../run-protocol.ts'
import { frostKeygenParties, frostSignParties } from './fixtures.ts'

/** A 2-of-3 key generation and a signature, in the form of tests/vectors/frost-2of3.json. */
export function transcribeFrost(keyType: FrostKeyType) {
  const keygen = runProtocol(frostKeygenParties(keyType, 2, 3, 'known answer'))
  const key = resultsOf(keygen)
  const sign = runProtocol(frostSignParties(key, [0, 2], { label: 'known answer', message: hashOf('known answer') }))
  const [result] = resultsOf(sign)
  if (result === undefined) throw new Error('no signature')
  return {
    keygen: transcript(keygen.packets),
    publicKey: bytesToHex(result.publicKey),
    shares: key.map((share) => bytesToHex(sha256(encodeFrostKeyShare(share)))),
    sign: transcript(sign.packets),
    signature: bytesToHex(result.signature),
  }
}
