import { describe, expect, test } from 'vitest'
import { verifyFrostSignature } from '../../../../src/crypto/frost/suite.ts'
import { hashOf } from '../fixtures.ts'
import { resultsOf, runProtocol } from '../run-protocol.ts'
import { frostKeyTypes, frostShareOf, frostSignParties, makeFrostKey } from './fixtures.ts'
import { subsets } from '../subsets.ts'
import { libsecp256k1VerifiesBip340, opensslVerifiesEd25519 } from '../../../../src/cli/demo/schnorr-check.ts'

const independentCheck = {
  'eddsa-ed25519': opensslVerifiesEd25519,
  'schnorr-secp256k1': libsecp256k1VerifiesBip340,
} as const

const sizes = [
  [2, 2],
  [2, 3],
  [3, 5],
  [4, 4],
] as const

describe.each(frostKeyTypes)('%s', (keyType) => {
  test.each(sizes)('every set of at least %i of %i parties signs, and nobody else is needed to verify', (t, n) => {
    const key = makeFrostKey(keyType, t, n)
    const { publicKey } = frostShareOf(key, 0)
    expect(new Set(key.map((share) => Buffer.from(share.publicKey).toString('hex'))).size).toBe(1)
    for (const signers of subsets(n, t)) {
      const message = hashOf(`signed by ${signers.join()}`)
      const results = resultsOf(runProtocol(frostSignParties(key, signers, { message })))
      for (const { signature } of results) {
        expect(signature).toEqual(results[0]?.signature)
        expect(independentCheck[keyType](signature, message, publicKey)).toBe(true)
        expect(independentCheck[keyType](signature, hashOf('another message'), publicKey)).toBe(false)
        expect(verifyFrostSignature(keyType, signature, message, publicKey)).toBe(true)
      }
    }
  })

  test('signers may take part in any order', () => {
    const key = makeFrostKey(keyType, 2, 3)
    const message = hashOf('message')
    const [result] = resultsOf(runProtocol(frostSignParties(key, [2, 0], { message })))
    expect(result && independentCheck[keyType](result.signature, message, result.publicKey)).toBe(true)
  })
})

test('a BIP-340 key is found with joint points of either parity, and so are group commitments', () => {
  const parities = new Set<string>()
  for (let i = 0; i < 12; i++) {
    const key = makeFrostKey('schnorr-secp256k1', 2, 2, `parity ${i}`)
    const message = hashOf(`parity ${i}`)
    const [result] = resultsOf(runProtocol(frostSignParties(key, [0, 1], { message, label: `parity ${i}` })))
    parities.add(String(frostShareOf(key, 0).commitments[0]?.[0]))
    expect(result && libsecp256k1VerifiesBip340(result.signature, message, result.publicKey)).toBe(true)
  }
  expect([...parities].sort()).toEqual(['2', '3'])
})

test.each([1, 1_000, 65_536])('Ed25519 keys sign messages of %i bytes', (length) => {
  const key = makeFrostKey('eddsa-ed25519', 2, 2)
  const message = new Uint8Array(length).map((_, i) => i)
  const [result] = resultsOf(runProtocol(frostSignParties(key, [0, 1], { message })))
  expect(result && opensslVerifiesEd25519(result.signature, message, result.publicKey)).toBe(true)
})
