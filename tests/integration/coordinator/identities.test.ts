/** Identities that are fixed when a session is created: by its creator, by registration, by the key it signs with. */
import { randomBytes } from 'node:crypto'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpeningIdentity } from '../../../src/identity/identity-key.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { callOver, protocols } from '../edge/protocols.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { joinAll, makeKey, newIdentity, partyKeys, refusal, startCoordinator, type TestCoordinator } from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let coordinator: TestCoordinator
let server: OpeningIdentity
let alice: OpeningIdentity

beforeAll(async () => {
  ;[nats, database, server, alice] = await Promise.all([startNats(), createDatabase(), newIdentity(), newIdentity()])
  const servers = new Map([['server_001', server.publicKey]])
  coordinator = await startCoordinator({ natsUrl: nats.url, databaseUrl: database.url, servers })
})

afterAll(async () => {
  await coordinator?.close()
  await Promise.all([nats?.stop(), database?.drop()])
})

const hexOf = ({ publicKey }: OpeningIdentity) => bytesToHex(publicKey)
const aServer = { partyId: 'server', deviceType: 'server', deviceId: 'server_001' }
const keygen = (participants: { partyId: string; identityKey?: string }[]) =>
  coordinator.client().createSession({ sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants })

describe('a participant with an identity key', () => {
  test('joins with it, and is shown with it', async () => {
    const created = await keygen([{ partyId: 'alice', identityKey: hexOf(alice).toUpperCase() }, aServer])
    const { participants } = await coordinator.client().getSessionStatus({ sessionId: created.sessionId })
    expect(participants.map(({ identityKey }) => identityKey)).toEqual([hexOf(alice), hexOf(server)])
    await joinAll(coordinator, created, { alice, server })
  })

  test('is not shown with one where none was fixed', async () => {
    const created = await keygen([{ partyId: 'alice' }, { partyId: 'bob' }])
    const { participants } = await coordinator.client().getSessionStatus({ sessionId: created.sessionId })
    expect(participants.map(({ identityKey }) => identityKey)).toEqual([undefined, undefined])
  })

  test.each(protocols)('is refused with another, or with none, naming the field (%s)', async (protocol) => {
    const fixed = { partyId: 'alice', identityKey: hexOf(alice) }
    const { sessionId, joinTokens } = await keygen([fixed, { partyId: 'bob' }])
    const join = { joinToken: joinTokens['alice'] ?? '', partyId: 'alice' }
    const method = SessionCoordinator.method.joinSession
    const keys = await partyKeys(await newIdentity(), sessionId, 'alice')
    const bare = await callOver(protocol, coordinator, method, join)
    const other = await callOver('grpc', coordinator, method, { ...join, keys })
    for (const seen of [bare, other]) {
      expect(seen).toMatchObject({ error: 'unauthorized', details: { 'keys.identity_key': expect.any(String) } })
    }
    const own = { ...join, keys: await partyKeys(alice, sessionId, 'alice') }
    expect((await callOver('grpc', coordinator, method, own)).error).toBeNull()
  })
})

describe('creating a session is refused where', () => {
  test.each<[string, string, () => Promise<unknown>]>([
    [
      'the identity key is not hex',
      'participants[0].identity_key',
      () => keygen([{ partyId: 'a', identityKey: 'ab' }, { partyId: 'b' }]),
    ],
    [
      'it is no Ed25519 key',
      'participants[0].identity_key',
      () => keygen([{ partyId: 'a', identityKey: '00'.repeat(32) }, { partyId: 'b' }]),
    ],
    [
      'two participants have one',
      'participants[1].identity_key',
      () => keygen(['a', 'b'].map((partyId) => ({ partyId, identityKey: hexOf(alice) }))),
    ],
    [
      'the registered server party has another',
      'participants[1].identity_key',
      () => keygen([{ partyId: 'alice' }, { ...aServer, identityKey: hexOf(alice) }]),
    ],
  ])('%s, naming %s', async (_what, field, call) => {
    const refused = await refusal(call())
    expect(refused).toMatchObject({ code: 'invalid_request' })
    expect(Object.keys(refused.details)).toEqual([field])
  })

  test('the key was made with another, or its server party was given another since', async () => {
    const { keyId, identities } = await makeKey(coordinator)
    const sign = { sessionType: 'sign', keyId, messageHash: randomBytes(32).toString('hex') }
    const client = coordinator.client()
    const asked = { partyId: 'alice', identityKey: hexOf(alice) }
    const another = await refusal(client.createSession({ ...sign, participants: [asked, { partyId: 'bob' }] }))
    expect(another.details).toEqual({ 'participants[0].identity_key': 'is not the one that the key was made with' })
    const moved = { ...aServer, partyId: 'bob' }
    const rotated = await refusal(client.createSession({ ...sign, participants: [{ partyId: 'alice' }, moved] }))
    expect(Object.keys(rotated.details)).toEqual(['participants[1].device_id'])
    const two = [{ partyId: 'alice' }, { partyId: 'bob' }]
    const { sessionId } = await client.createSession({ ...sign, participants: two })
    const { participants } = await client.getSessionStatus({ sessionId })
    const made = ['alice', 'bob'].map((partyId) => bytesToHex(identities[partyId]?.publicKey ?? new Uint8Array(0)))
    expect(participants.map(({ identityKey }) => identityKey)).toEqual(made)
  })
})
