import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { identityFromSeed, sealingKey } from '../../../src/identity/identity-key.ts'
import { ephemeralKeyPair, open, packSealed, seal, unpackSealed } from '../../../src/identity/seal.ts'
import { statement } from '../../../src/identity/statement.ts'

const info = statement('envelopeSeal', ['session'])
const aad = statement('envelopeSeal', ['from', 'to'])
const plaintext = new TextEncoder().encode('a share')
const keys = ephemeralKeyPair(new Uint8Array(32).fill(7))

describe('sealing', () => {
  test('the recipient opens what was sealed, also after packing', async () => {
    const sealed = unpackSealed(packSealed(await seal(keys.publicKey, info, aad, plaintext)))
    expect(await open(keys.secret, info, aad, sealed)).toEqual(plaintext)
  })

  test('another key, info or aad does not open it', async () => {
    const sealed = await seal(keys.publicKey, info, aad, plaintext)
    const other = ephemeralKeyPair(new Uint8Array(32).fill(8))
    expect(await open(other.secret, info, aad, sealed)).toBeNull()
    expect(await open(keys.secret, aad, aad, sealed)).toBeNull()
    expect(await open(keys.secret, info, info, sealed)).toBeNull()
  })

  test('a flipped bit anywhere does not open', async () => {
    const packed = packSealed(await seal(keys.publicKey, info, aad, plaintext))
    for (let i = 0; i < packed.length; i++) {
      const flipped = Uint8Array.from(packed, (byte, at) => (at === i ? byte ^ 1 : byte))
      expect(await open(keys.secret, info, aad, unpackSealed(flipped)), `byte ${i}`).toBeNull()
    }
  })

  test('a truncated value does not open', async () => {
    const packed = packSealed(await seal(keys.publicKey, info, aad, plaintext))
    expect(await open(keys.secret, info, aad, unpackSealed(packed.subarray(0, 40)))).toBeNull()
  })

  test('sealing to the all-zero key is refused', async () => {
    await expect(seal(new Uint8Array(32), info, aad, plaintext)).rejects.toThrow()
  })

  test('what is sealed to an identity opens with the secret of that identity, as OpenSSL sees the key', async () => {
    const identity = await identityFromSeed(new Uint8Array(32).fill(3))
    const sealed = await seal(sealingKey(identity.publicKey), info, aad, plaintext)
    expect(await open(identity.openingSecret(), info, aad, sealed)).toEqual(plaintext)
    expect(opensslX25519Public(identity.openingSecret())).toEqual(Buffer.from(sealingKey(identity.publicKey)))
  })
})

function opensslX25519Public(secret: Uint8Array): Buffer {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey)
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
}
