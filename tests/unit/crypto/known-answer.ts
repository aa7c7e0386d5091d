/** A run under fixed randomness, written down: the same in every environment that runs src/crypto. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { hashOf, keygenParties, signParties } from './fixtures.ts'
import { resultsOf, runProtocol, type Packet } from './run-protocol.ts'

/** One line per message: where it went, its size and its SHA-256. */
export function transcript(packets: readonly Packet[]): string[] {
  return packets.map(({ round, channel, from, to, body }) => {
    return `round ${round} ${channel} ${from}->${to} ${body.length} bytes ${bytesToHex(sha256(body))}`
  })
}

/** A 2-of-3 key generation and a signature, in the form of tests/vectors/dkls23-2of3.json. */
export function transcribe() {
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
