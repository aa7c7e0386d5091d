import { bytesToHex } from '@noble/hashes/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { expect, test } from 'vitest'
import { encodeFrostKeyShare } from '../../../../src/crypto/frost/key-share-codec.ts'
import type { FrostKeyType } from '../../../../src/crypto/key-type.ts'
import vectors from '../../../vectors/frost-2of3.json' with { type: 'json' }
import { hashOf } from '../fixtures.ts'
import { transcript } from '../known-answer.ts'
import { resultsOf, runProtocol } from '../run-protocol.ts'
import { frostKeygenParties, frostKeyTypes, frostSignParties } from './fixtures.ts'

function transcribe(keyType: FrostKeyType) {
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

test.each(frostKeyTypes)('a 2-of-3 key of type %s and a signature are byte for byte as recorded', (keyType) => {
  // A difference here is a change of the wire format or of a hash: parties of both versions cannot work together.
  expect(transcribe(keyType)).toEqual(vectors[keyType])
})
