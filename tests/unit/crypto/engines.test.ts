import { expect, test } from 'vitest'
import { encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { createKeygen } from '../../../src/crypto/keygen/keygen.ts'
import type { Engine } from '../../../src/crypto/engine.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { nobleEngine } from '../../../src/crypto/reference/engine.ts'
import { createSign } from '../../../src/crypto/sign/sign.ts'
import { nodeEngine } from '../../../src/party/node/node-engine.ts'
import { hashOf, seededRng, shareOf } from './fixtures.ts'
import { resultsOf, runProtocol } from './run-protocol.ts'

/** Every message, share and signature of a key generation and a signing in which party i computes with engine i. */
function transcript(engines: readonly Engine[]) {
  const parties = engines.length
  const keygen = runProtocol(
    engines.map((engine, self) =>
      createKeygen({ sid: hashOf('engines'), self, threshold: 2, parties }, seededRng(`keygen ${self}`), engine),
    ),
  )
  const key = resultsOf(keygen)
  const signers = [0, parties - 1]
  const sign = runProtocol(
    signers.map((index, self) => {
      const params = { sid: hashOf('signing'), self, signers, messageHash: hashOf('m'), share: shareOf(key, index) }
      return createSign(params, seededRng(`sign ${self}`), engines[index])
    }),
  )
  return { keygen: keygen.packets, key: key.map(encodeKeyShare), sign: sign.packets, signatures: resultsOf(sign) }
}

const own = transcript([limbEngine, limbEngine])

test('BigInt arithmetic of @noble/curves makes the same protocol, byte for byte', () => {
  expect(transcript([nobleEngine, nobleEngine])).toEqual(own)
})

test('parties with different engines work together', () => {
  expect(transcript([nobleEngine, limbEngine])).toEqual(own)
})

test('Node’s SHA-256 makes no difference but in time', () => {
  expect(transcript([nodeEngine, nodeEngine])).toEqual(own)
})
