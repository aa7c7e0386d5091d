import { createPublicKey, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { fingerprint, identityFromSeed, isIdentityKey, verifyIdentity } from '../../../src/identity/identity-key.ts'
import { statement } from '../../../src/identity/statement.ts'

const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
const signed = statement('join', ['session', 'party'])

function opensslKey(raw: Uint8Array) {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw])
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

describe('identity keys', () => {
  test('OpenSSL accepts our signature under our public key', async () => {
    const identity = await identityFromSeed(seed)
    expect(verify(null, signed, opensslKey(identity.publicKey), await identity.sign(signed))).toBe(true)
  })

  test('a signature over another statement is refused', async () => {
    const identity = await identityFromSeed(seed)
    const signature = await identity.sign(signed)
    expect(await verifyIdentity(identity.publicKey, signed, signature)).toBe(true)
    expect(await verifyIdentity(identity.publicKey, statement('join', ['session', 'other']), signature)).toBe(false)
  })

  test('a key of small order, under which anyone can sign, is refused', async () => {
    const identityPoint = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    // With A = R = the neutral element and s = 0, the verification equation holds for every message.
    const forged = new Uint8Array(64)
    forged[0] = 1
    expect(isIdentityKey(identityPoint)).toBe(false)
    expect(await verifyIdentity(identityPoint, signed, forged)).toBe(false)
  })

  test('a key with a torsion component is refused', () => {
    const torsion = ed25519.Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
    expect(isIdentityKey(ed25519.Point.BASE.add(torsion).toBytes())).toBe(false)
  })

  test.each([0, 31, 33])('a key of %s bytes is refused', async (length) => {
    expect(await verifyIdentity(new Uint8Array(length), signed, new Uint8Array(64))).toBe(false)
  })

  test('fingerprints hold 128 bits, in groups that people can compare, and differ between keys', () => {
    expect(fingerprint(seed)).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/)
    expect(fingerprint(seed)).not.toBe(fingerprint(seed.toReversed()))
  })

  test('fingerprints stay what they are: people have written them down', () => {
    expect(fingerprint(new Uint8Array(32).fill(1))).toBe('435e-693f-1ddc-4411-4119-efb2-28eb-a435')
  })
})
