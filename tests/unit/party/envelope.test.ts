import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { PartyEnvelopeSchema, SealedBodySchema, type PartyEnvelope } from '../../../src/gen/mpc/party/v1/envelope_pb.ts'
import { ephemeralKeyPair } from '../../../src/identity/seal.ts'
import { statement } from '../../../src/identity/statement.ts'
import { openEnvelope, sealEnvelope, type EnvelopeContext, type Recipient } from '../../../src/party/envelope.ts'
import { identityOf } from './fixtures/parties.ts'

const context: EnvelopeContext = {
  protocol: 'dkls23-keygen',
  sessionId: 'session-1',
  sid: new Uint8Array(32).fill(1),
  rosterHash: new Uint8Array(32).fill(2),
}
const alice = await identityOf('alice')
const mallory = await identityOf('mallory')
const bobKeys = ephemeralKeyPair(new Uint8Array(32).fill(3))
const carolKeys = ephemeralKeyPair(new Uint8Array(32).fill(4))
const body = new TextEncoder().encode('the body')
const bob: Recipient = {
  partyId: 'bob',
  ephemeralSecret: bobKeys.secret,
  identityKeyOf: (partyId) => ({ alice: alice.publicKey, mallory: mallory.publicKey })[partyId],
}
const direct = { round: 2, from: 'alice', to: 'bob' }
const broadcast = { round: 2, from: 'alice', to: null }
const routed = (payload: Uint8Array) => ({ from: 'alice', round: 2, payload })
const sealDirect = (changed: Partial<EnvelopeContext> = {}, address = direct) =>
  sealEnvelope({ ...context, ...changed }, address, body, { identity: alice, recipientKey: bobKeys.publicKey })
const sealBroadcast = () => sealEnvelope(context, broadcast, body, { identity: alice, recipientKey: null })

test('a broadcast and a one-to-one message arrive on their channels as they were sent', async () => {
  expect(await openEnvelope(context, routed(await sealBroadcast()), bob)).toMatchObject({
    kind: 'opened',
    channel: 'broadcast',
    body,
  })
  expect(await openEnvelope(context, routed(await sealDirect()), bob)).toMatchObject({
    kind: 'opened',
    channel: 'direct',
    body,
  })
})

test('a one-to-one body does not appear in the payload', async () => {
  expect(Buffer.from(await sealDirect()).includes(Buffer.from(body))).toBe(false)
})

describe('changing any one field makes an envelope useless', () => {
  const changes: [string, 'direct' | 'broadcast', (envelope: PartyEnvelope) => void, string][] = [
    ['version', 'direct', (e) => (e.version = 2), 'wrong-version'],
    ['protocol', 'direct', (e) => (e.protocol = 'dkls23-sign'), 'wrong-protocol'],
    ['session id', 'direct', (e) => (e.sessionId = 'session-2'), 'wrong-session'],
    ['sid', 'direct', (e) => (e.sid = e.sid.map((byte) => byte ^ 1)), 'wrong-sid'],
    ['round', 'direct', (e) => (e.round = 3), 'wrong-round'],
    ['sender', 'direct', (e) => (e.from = 'mallory'), 'wrong-sender'],
    ['recipient', 'direct', (e) => (e.to = 'carol'), 'wrong-recipient'],
    [
      'signature',
      'direct',
      (e) => (e.signature = e.signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte))),
      'signature-invalid',
    ],
    ['signature left out', 'direct', (e) => (e.signature = new Uint8Array(0)), 'signature-invalid'],
    [
      'broadcast body',
      'broadcast',
      (e) => (e.body = { case: 'plaintext', value: Uint8Array.of(1) }),
      'signature-invalid',
    ],
    ['ciphertext', 'direct', (e) => flip(e, 'ciphertext'), 'signature-invalid'],
    ['encapsulated key', 'direct', (e) => flip(e, 'encapsulatedKey'), 'signature-invalid'],
    ['body left out', 'direct', (e) => (e.body = { case: undefined }), 'malformed'],
    ['one-to-one in plaintext', 'direct', (e) => (e.body = { case: 'plaintext', value: body }), 'malformed'],
    ['broadcast that is sealed', 'direct', (e) => (e.to = ''), 'malformed'],
    [
      'encapsulated key cut short',
      'direct',
      (e) =>
        (e.body = {
          case: 'sealed',
          value: create(SealedBodySchema, { encapsulatedKey: body, ciphertext: new Uint8Array(32) }),
        }),
      'malformed',
    ],
  ]
  test.each(changes)('%s', async (_field, channel, change, reason) => {
    const envelope = fromBinary(PartyEnvelopeSchema, channel === 'direct' ? await sealDirect() : await sealBroadcast())
    change(envelope)
    expect(await openEnvelope(context, routed(toBinary(PartyEnvelopeSchema, envelope)), bob)).toEqual({
      kind: 'rejected',
      reason,
    })
  })

  test('bytes that are no envelope', async () => {
    expect(await openEnvelope(context, routed(Uint8Array.of(255, 255)), bob)).toEqual({
      kind: 'rejected',
      reason: 'malformed',
    })
  })
})

test('an envelope says nothing in a session with another sid, roster, protocol or id', async () => {
  const other = new Uint8Array(32).fill(9)
  const changes: [Partial<EnvelopeContext>, string][] = [
    [{ sid: other }, 'wrong-sid'],
    [{ sessionId: 'session-2' }, 'wrong-session'],
    [{ protocol: 'dkls23-sign' }, 'wrong-protocol'],
    [{ rosterHash: other }, 'signature-invalid'],
  ]
  for (const [change, reason] of changes) {
    const replayed = routed(await sealDirect(change))
    expect(await openEnvelope(context, replayed, bob)).toEqual({ kind: 'rejected', reason })
  }
})

test('what the router says of sender and round must be what was signed', async () => {
  const payload = await sealDirect()
  expect(await openEnvelope(context, { from: 'mallory', round: 2, payload }, bob)).toEqual({
    kind: 'rejected',
    reason: 'wrong-sender',
  })
  expect(await openEnvelope(context, { from: 'alice', round: 1, payload }, bob)).toEqual({
    kind: 'rejected',
    reason: 'wrong-round',
  })
})

test('a party cannot speak in the name of another, nor a stranger at all', async () => {
  const forged = await sealEnvelope(context, direct, body, { identity: mallory, recipientKey: bobKeys.publicKey })
  expect(await openEnvelope(context, routed(forged), bob)).toEqual({ kind: 'rejected', reason: 'signature-invalid' })
  const stranger = await sealDirect({}, { ...direct, from: 'eve' })
  const fromEve = { from: 'eve', round: 2, payload: stranger }
  expect(await openEnvelope(context, fromEve, bob)).toEqual({ kind: 'rejected', reason: 'wrong-sender' })
})

test('a body sealed to another party, or for another round of the same pair, does not open', async () => {
  const toCarol = await sealEnvelope(context, direct, body, { identity: alice, recipientKey: carolKeys.publicKey })
  expect(await openEnvelope(context, routed(toCarol), bob)).toEqual({ kind: 'rejected', reason: 'not-openable' })

  // Signed by its sender for round 2, but sealed for round 1: the statement is that of `sealEnvelope`.
  const moved = fromBinary(PartyEnvelopeSchema, await sealDirect({}, { ...direct, round: 1 }))
  if (moved.body.case !== 'sealed') throw new Error('not sealed')
  const { encapsulatedKey, ciphertext } = moved.body.value
  const hash = sha256.create().update(encapsulatedKey).update(ciphertext).digest()
  const { protocol, sessionId, sid, rosterHash } = context
  const signed = statement('envelope', [1, protocol, sessionId, sid, rosterHash, 2, 'alice', 'bob', 'sealed', hash])
  const resigned = { ...moved, round: 2, signature: await alice.sign(signed) }
  const opened = await openEnvelope(context, routed(toBinary(PartyEnvelopeSchema, resigned)), bob)
  expect(opened).toEqual({ kind: 'rejected', reason: 'not-openable' })
})

function flip(envelope: PartyEnvelope, part: 'ciphertext' | 'encapsulatedKey'): void {
  if (envelope.body.case !== 'sealed') throw new Error('not sealed')
  envelope.body.value[part] = envelope.body.value[part].map((byte, i) => (i === 3 ? byte ^ 1 : byte))
}
