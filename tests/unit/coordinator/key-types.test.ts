/** What a key's type means to the sessions that make it and sign with it. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ed25519 } from '@noble/curves/ed25519.js'
import { schnorr } from '@noble/curves/secp256k1.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import type { CreateSession, KeyGroup, ReportResult } from '../../../src/coordinator/decide/command.ts'
import { evolve, initialState } from '../../../src/coordinator/session-state.ts'
import type { FrostKeyType } from '../../../src/crypto/key-type.ts'
import { SessionCreatedSchema } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import {
  given,
  keygen,
  keyPair,
  kinds,
  madeKey,
  messageHash,
  signed,
  signing,
  started,
  when,
} from './scenario.ts'

const secret = new Uint8Array(32).fill(3)
const message = utf8ToBytes('a message of any length')
const hex = bytesToHex(messageHash)

/** Of each type: a key, what a session asks it to sign, and a signature of that. */
const kindsOfKey = {
  'eddsa-ed25519': {
    publicKey: ed25519.getPublicKey(secret),
    otherPublicKey: ed25519.getPublicKey(new Uint8Array(32).fill(4)),
    asks: { messageHash: '', message },
    signature: ed25519.sign(message, secret),
    signatureOfOther: ed25519.sign(messageHash, secret),
    refused: { messageHash: hex },
    refusedField: 'message_hash',
    missingField: 'message',
  },
  'schnorr-secp256k1': {
    publicKey: schnorr.getPublicKey(secret),
    otherPublicKey: schnorr.getPublicKey(new Uint8Array(32).fill(4)),
    asks: { messageHash: hex },
    signature: schnorr.sign(messageHash, secret),
    signatureOfOther: schnorr.sign(message, secret),
    refused: { message },
    refusedField: 'message',
    missingField: 'message_hash',
  },
} as const satisfies Record<FrostKeyType, unknown>
const frostKinds = Object.entries(kindsOfKey) as [FrostKeyType, (typeof kindsOfKey)[FrostKeyType]][]

/** A sign session of the same people with a key of this type. */
function signingWith(keyType: FrostKeyType, change: Partial<CreateSession> = {}): CreateSession {
  const { publicKey, asks } = kindsOfKey[keyType]
  const usual = signing()
  const key: KeyGroup | null = usual.key && { ...usual.key, keyType, publicKey }
  return { ...usual, ...asks, key, ...change }
}

const reports = (partyId: string, signature: Uint8Array, change: Partial<ReportResult> = {}) =>
  signed(partyId, messageHash, { signature, recoveryId: 0, ...change })

describe('a session that makes a key', () => {
  test('makes one for ECDSA unless it says otherwise', () => {
    expect(given(keygen()).keyType).toBe('ecdsa-secp256k1')
    expect(given(keygen({ keyType: 'eddsa-ed25519' })).keyType).toBe('eddsa-ed25519')
  })

  test('of an unknown type is refused', () => {
    const { refusal } = when(initialState, keygen({ keyType: 'rsa' }))
    expect(refusal).toMatchObject({ code: 'invalid_request', details: { key_type: expect.stringContaining('eddsa') } })
  })

  test.each(frostKinds)('of type %s completes on a public key of that type and on no other', (keyType, kind) => {
    const state = given(keygen({ keyType }), ...started)
    const made = ['alice', 'bob'].map((partyId) => madeKey(partyId, kind.publicKey))
    const done = given(keygen({ keyType }), ...started, ...made)
    expect(done).toMatchObject({ status: 'completed', publicKey: kind.publicKey })
    for (const wrong of [keyPair.publicKey, new Uint8Array(32).fill(0xff), new Uint8Array(31)]) {
      const { refusal } = when(state, madeKey('alice', wrong))
      const details = { public_key: expect.stringContaining(keyType) }
      expect(refusal).toMatchObject({ code: 'invalid_request', details })
    }
  })

  test('for ECDSA refuses a key of 32 bytes', () => {
    const { refusal } = when(given(keygen(), ...started), madeKey('alice', kindsOfKey['eddsa-ed25519'].publicKey))
    expect(refusal?.details).toHaveProperty('public_key')
  })
})

describe.each(frostKinds)('a session that signs with a key of type %s', (keyType, kind) => {
  test('takes the type from the key', () => {
    expect(given(signingWith(keyType))).toMatchObject({ keyType, publicKey: kind.publicKey })
    expect(given(signingWith(keyType, { keyType }))).toMatchObject({ keyType })
    const { refusal } = when(initialState, signingWith(keyType, { keyType: 'ecdsa-secp256k1' }))
    expect(refusal).toMatchObject({ code: 'invalid_request', details: { key_type: expect.stringContaining(keyType) } })
  })

  test('signs what its type signs, and only that', () => {
    const nothing = { messageHash: '', message: new Uint8Array(0) }
    const refusalOf = (change: Partial<CreateSession>) => when(initialState, signingWith(keyType, change)).refusal
    expect(refusalOf({ ...nothing })?.details).toHaveProperty([kind.missingField])
    expect(refusalOf({ ...nothing, ...kind.refused })?.details).toHaveProperty([kind.refusedField])
    expect(refusalOf({ ...kind.asks, ...kind.refused })?.details).toHaveProperty([kind.refusedField])
  })

  test('completes on its signature, without a recovery id', () => {
    const done = given(
      signingWith(keyType),
      ...started,
      reports('alice', kind.signature),
      reports('bob', kind.signature),
    )
    expect(done).toMatchObject({ status: 'completed', result: { signature: kind.signature, recoveryId: 0 } })
  })

  test('fails on a signature of something else, by another key, or changed, and blames the reporter', () => {
    const state = given(signingWith(keyType), ...started)
    const changed = kind.signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte))
    for (const wrong of [kind.signatureOfOther, changed, signed('alice').signature ?? changed]) {
      const outcome = when(state, reports('alice', wrong))
      expect(kinds(outcome)).toEqual(['sessionFailed'])
      expect(outcome.state.failure).toMatchObject({ reason: 'signature_invalid', culprits: ['alice'] })
    }
  })

  test('refuses a recovery id', () => {
    const state = given(signingWith(keyType), ...started)
    const { refusal } = when(state, reports('alice', kind.signature, { recoveryId: 1 }))
    expect(refusal).toMatchObject({ code: 'invalid_request', details: { recovery_id: expect.any(String) } })
  })
})

test('a message for an Ed25519 key has at most 65536 bytes', () => {
  const longest = signingWith('eddsa-ed25519', { message: new Uint8Array(65_536) })
  expect(when(initialState, longest).refusal).toBeNull()
  const { refusal } = when(initialState, { ...longest, message: new Uint8Array(65_537) })
  expect(refusal).toMatchObject({ code: 'invalid_request', details: { message: expect.stringContaining('65536') } })
})

test('a session created before there were key types is one for ECDSA', () => {
  // As the first version wrote it: without the fields that came with key types.
  const created = create(SessionCreatedSchema, { sessionType: 'keygen', thresholdT: 2, thresholdN: 2 })
  const old = toBinary(SessionCreatedSchema, created)
  const state = evolve(initialState, { case: 'sessionCreated', value: fromBinary(SessionCreatedSchema, old) })
  expect(state).toMatchObject({ status: 'created', keyType: 'ecdsa-secp256k1', message: new Uint8Array(0) })
})
