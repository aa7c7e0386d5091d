import { bytesToHex } from '@noble/hashes/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { expect, test } from 'vitest'
import { encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import vector from '../../vectors/dkls23-2of3.json' with { type: 'json' }
import { hashOf, keygenParties, signParties } from './fixtures.ts'
import { resultsOf, runProtocol, type Packet } from './run-protocol.ts'

/** One line per message: where it went, its size and its SHA-256. */
function transcript(packets: readonly Packet[]): string[] {
  return packets.map(({ round, channel, from, to, body }) => {
    return `round ${round} ${channel} ${from}->${to} ${body.length} bytes ${bytesToHex(sha256(body))}`
  })
}

function transcribe() {
  const keygen = runProtocol(keygenParties(2, 3, 'known answer'))
  const key = resultsOf(keygen)
  const sign = runProtocol(signParties(key, [0, 2], { label: 'known answer', messageHash: hashOf('known answer') }))
  const [signature] = resultsOf(sign)
  if (signature === undefined) throw new Error('no signature')
  return {
    keygen: transcript(keygen.packets),
    publicKey: bytesToHex(signature.publicKey),
    shares: key.map((share) => bytesToHex(sha256(encodeKeyShare(share)))),
    sign: transcript(sign.packets),
    signature: { r: bytesToHex(signature.r), s: bytesToHex(signature.s), recoveryId: signature.recoveryId },
  }
}

test('a 2-of-3 key generation and a signature under fixed randomness are byte for byte as recorded', () => {
  // A difference here is a change of the wire format or of a hash: parties of both versions cannot work together.
  // To record a deliberate one, write what `transcribe` returns into the vector and raise the protocol's version.
  expect(transcribe()).toEqual(vector)
})
