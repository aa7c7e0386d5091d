import { describe, expect, test } from 'vitest'
import { rosterHash, sessionId, type RosterEntry, type SessionIdInput } from '../../../src/crypto/session-id.ts'
import { hashOf } from './fixtures.ts'

function entry(index: number): RosterEntry {
  const own = (what: string) => hashOf(`${what} ${index}`)
  return { index, partyId: `party_${index}`, identityKey: own('id'), ephemeralKey: own('eph'), nonce: own('nonce') }
}

const roster = [entry(0), entry(1), entry(2)]
const keygen: SessionIdInput = {
  purpose: 'keygen',
  keyType: 'ecdsa-secp256k1',
  sessionId: 'session',
  keyId: 'key',
  epoch: 0,
  derivationPath: '',
  message: new Uint8Array(0),
  threshold: 2,
  parties: 3,
  roster,
  policyHash: new Uint8Array(0),
}
const sign: SessionIdInput = { ...keygen, purpose: 'sign', message: hashOf('m'), roster: [entry(0), entry(2)] }

describe('the session id', () => {
  test('is 32 bytes and the same for the same input', () => {
    expect(sessionId(keygen)).toHaveLength(32)
    expect(sessionId(keygen)).toEqual(sessionId({ ...keygen, roster: [...roster] }))
  })

  test.each([
    ['purpose', { ...sign, purpose: 'keygen', message: new Uint8Array(0), roster }],
    ['session id', { ...sign, sessionId: 'session2' }],
    ['key type', { ...sign, keyType: 'schnorr-secp256k1' }],
    ['key id', { ...sign, keyId: 'key2' }],
    ['epoch', { ...sign, epoch: 1 }],
    ['epoch beyond 32 bits', { ...sign, epoch: 2 ** 32 }],
    ['derivation path', { ...sign, derivationPath: 'm/0' }],
    ['message hash', { ...sign, message: hashOf('m2') }],
    ['parties', { ...sign, parties: 5 }],
    ['policy', { ...sign, policyHash: hashOf('policy') }],
    ['order of the roster', { ...sign, roster: [entry(2), entry(0)] }],
    ['members of the roster', { ...sign, roster: [entry(0), entry(1)] }],
    ['party number', { ...sign, roster: [entry(0), { ...entry(2), index: 1 }] }],
    ['party id', { ...sign, roster: [entry(0), { ...entry(2), partyId: 'x' }] }],
    ['identity key', { ...sign, roster: [entry(0), { ...entry(2), identityKey: hashOf('x') }] }],
    ['ephemeral key', { ...sign, roster: [entry(0), { ...entry(2), ephemeralKey: hashOf('x') }] }],
    ['contributed nonce', { ...sign, roster: [entry(0), { ...entry(2), nonce: hashOf('x') }] }],
  ] satisfies [string, SessionIdInput][])('depends on the %s', (_, changed) => {
    expect(sessionId(changed)).not.toEqual(sessionId(sign))
  })

  test('depends on the threshold', () => {
    expect(sessionId({ ...keygen, threshold: 3 })).not.toEqual(sessionId(keygen))
  })

  test('of signing with Ed25519 depends on every byte of a message of any length', () => {
    const eddsa = (message: Uint8Array) => sessionId({ ...sign, keyType: 'eddsa-ed25519', message })
    const messages = [new Uint8Array(1), new Uint8Array(2), new Uint8Array(65_535), new Uint8Array(65_536), hashOf('m')]
    expect(new Set(messages.map((message) => Buffer.from(eddsa(message)).toString('hex'))).size).toBe(messages.length)
    expect(eddsa(hashOf('m'))).not.toEqual(sessionId(sign))
  })

  test('does not confuse neighbouring texts', () => {
    expect(sessionId({ ...sign, sessionId: 'ab', keyId: 'c' })).not.toEqual(
      sessionId({ ...sign, sessionId: 'a', keyId: 'bc' }),
    )
  })

  test.each([
    ['purpose', { purpose: 'refresh' }],
    ['keyType', { keyType: 'ecdsa-p256' }],
    ['sessionId', { sessionId: '' }],
    ['keyId', { keyId: 'x'.repeat(257) }],
    ['derivationPath', { derivationPath: 'x'.repeat(257) }],
    // UTF-8 has no lone surrogates: each would hash like every other one.
    ['sessionId', { sessionId: 'a\ud800' }],
    ['keyId', { keyId: '\udc00' }],
    ['derivationPath', { derivationPath: '\ud800' }],
    ['roster.partyId', { roster: [entry(0), { ...entry(1), partyId: '\ud800' }] }],
    ['message', { message: new Uint8Array(31) }],
    ['message', { keyType: 'schnorr-secp256k1', message: new Uint8Array(33) }],
    ['message', { keyType: 'eddsa-ed25519', message: new Uint8Array(0) }],
    ['message', { keyType: 'eddsa-ed25519', message: new Uint8Array(65_537) }],
    ['parties', { parties: 21 }],
    ['parties', { parties: 1 }],
    ['threshold', { threshold: 1 }],
    ['threshold', { threshold: 4 }],
    ['threshold', { threshold: 2.5 }],
    ['roster', { roster: [entry(0)] }],
    ['roster', { roster: [0, 1, 2, 3].map(entry) }],
    ['roster.index', { roster: [entry(0), { ...entry(1), index: 0 }] }],
    ['roster.index', { roster: [entry(0), { ...entry(1), index: -1 }] }],
    ['roster.partyId', { roster: [entry(0), { ...entry(1), partyId: 'party_0' }] }],
    ['roster.identityKey', { roster: [entry(0), { ...entry(1), identityKey: new Uint8Array(31) }] }],
    ['roster.ephemeralKey', { roster: [entry(0), { ...entry(1), ephemeralKey: new Uint8Array(33) }] }],
    ['roster.nonce', { roster: [entry(0), { ...entry(1), nonce: new Uint8Array(16) }] }],
  ])('refuses a bad %s by name', (field, change) => {
    const changed = { ...sign, ...change } as SessionIdInput // some changes break the type on purpose
    expect(() => sessionId(changed)).toThrow(`${field} is out of bounds`)
  })

  test('of key generation needs the whole roster and no message', () => {
    expect(() => sessionId({ ...keygen, roster: roster.slice(1) })).toThrow('roster')
    expect(() => sessionId({ ...keygen, message: hashOf('m') })).toThrow('message')
  })

  test('refuses an epoch that is not a safe integer', () => {
    expect(() => sessionId({ ...keygen, epoch: -1 })).toThrow()
    expect(() => sessionId({ ...keygen, epoch: 2 ** 53 })).toThrow()
  })
})

test('the roster hash refuses an empty roster', () => {
  expect(() => rosterHash([])).toThrow('roster is out of bounds')
})
