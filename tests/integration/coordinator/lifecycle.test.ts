/** Sessions from creation to their end, over the public methods. */
import { randomBytes } from 'node:crypto'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import {
  joinAll,
  makeKey,
  newIdentity,
  partyKeys,
  refusal,
  report,
  signHash,
  startAll,
  startCoordinator,
  type TestCoordinator,
  type TestKey,
} from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let coordinator: TestCoordinator
let key: TestKey

beforeAll(async () => {
  nats = await startNats()
  database = await createDatabase()
  coordinator = await startCoordinator({ natsUrl: nats.url, databaseUrl: database.url })
  key = await makeKey(coordinator)
})

afterAll(async () => {
  await coordinator?.close()
  await nats?.stop()
  await database?.drop()
})

const two = [{ partyId: 'alice' }, { partyId: 'bob' }]

function keygen() {
  return coordinator.client().createSession({ sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants: two })
}

function signing(hash: Uint8Array) {
  const messageHash = bytesToHex(hash)
  return coordinator.client().createSession({ sessionType: 'sign', keyId: key.keyId, messageHash, participants: two })
}

describe('key generation', () => {
  test('goes through every documented status', async () => {
    const created = await keygen()
    expect(Object.keys(created.joinTokens)).toEqual(['alice', 'bob'])
    const status = async () => (await coordinator.client().getSessionStatus({ sessionId: created.sessionId })).status
    expect(await status()).toBe('created')
    const parties = await joinAll(coordinator, created)
    expect(await status()).toBe('waiting')
    const rosterHash = await startAll(coordinator, created.sessionId, parties)
    expect(rosterHash).toHaveLength(32)
    expect(await status()).toBe('in_progress')
    const [alice, bob] = parties
    const first = await report(coordinator, created.sessionId, rosterHash, alice!, key.publicKey)
    expect(first).toMatchObject({ success: true, allCompleted: false })
    const second = await report(coordinator, created.sessionId, rosterHash, bob!, key.publicKey)
    expect(second).toMatchObject({ success: true, allCompleted: true })
    const done = await coordinator.client().getSessionStatus({ sessionId: created.sessionId })
    expect(done).toMatchObject({ status: 'completed', thresholdN: 2, thresholdT: 2, sessionType: 'keygen' })
    expect(done.publicKey).toMatch(/^04[0-9a-f]{128}$/)
    expect(done.participants.map(({ status }) => status)).toEqual(['completed', 'completed'])
    expect(Number(done.version)).toBe(9)
  })

  test('every step can be repeated and answers the present state', async () => {
    const created = await keygen()
    const { sessionId } = created
    const [joinToken] = Object.values(created.joinTokens)
    const identity = await newIdentity()
    const keys = await partyKeys(identity, sessionId, 'alice')
    const join = () => coordinator.client('').joinSession({ joinToken: joinToken!, partyId: 'alice', keys })
    const first = await join()
    const again = await join()
    expect(again.partyCredential).toBe(first.partyCredential)
    const alice = coordinator.client(first.partyCredential)
    const ready = { allReady: false, readyCount: 1, totalParties: 2 }
    expect(await alice.markPartyReady({ sessionId, partyId: 'alice' })).toMatchObject(ready)
    expect(await alice.markPartyReady({ sessionId, partyId: 'alice' })).toMatchObject(ready)
    const { version } = await coordinator.client().getSessionStatus({ sessionId })
    expect(Number(version)).toBe(3)
  })

  test('fails when two parties report different keys', async () => {
    const created = await keygen()
    const parties = await joinAll(coordinator, created)
    const rosterHash = await startAll(coordinator, created.sessionId, parties)
    const other = (await makeKey(coordinator)).publicKey
    await report(coordinator, created.sessionId, rosterHash, parties[0]!, key.publicKey)
    const last = await report(coordinator, created.sessionId, rosterHash, parties[1]!, other)
    expect(last.allCompleted).toBe(false)
    const { status, failure } = await coordinator.client().getSessionStatus({ sessionId: created.sessionId })
    expect({ status, reason: failure?.reason }).toEqual({ status: 'failed', reason: 'results_disagree' })
  })
})

describe('signing', () => {
  test('completes with a signature that the key verifies', async () => {
    const hash = randomBytes(32)
    const created = await signing(hash)
    expect(created).toMatchObject({ thresholdT: 2, thresholdN: 3, keyId: key.keyId })
    const parties = await joinAll(coordinator, created, key.identities)
    const rosterHash = await startAll(coordinator, created.sessionId, parties)
    const result = signHash(hash, key.secret)
    for (const party of parties) await report(coordinator, created.sessionId, rosterHash, party, result)
    const done = await coordinator.client().getSessionStatus({ sessionId: created.sessionId })
    const signature = bytesToHex(result.subarray(0, 64))
    expect(done).toMatchObject({ status: 'completed', signature, recoveryId: result[64] })
  })

  test('fails on a signature over another message and blames who reported it', async () => {
    const created = await signing(randomBytes(32))
    const parties = await joinAll(coordinator, created, key.identities)
    const rosterHash = await startAll(coordinator, created.sessionId, parties)
    const forged = signHash(randomBytes(32), key.secret)
    await report(coordinator, created.sessionId, rosterHash, parties[1]!, forged)
    const { status, failure } = await coordinator.client().getSessionStatus({ sessionId: created.sessionId })
    expect(status).toBe('failed')
    expect(failure).toMatchObject({ reason: 'signature_invalid', reportedBy: 'bob', culprits: ['bob'] })
  })

  test('finds a key by the public key that a key generation has made just now', async () => {
    const fresh = await makeKey(coordinator)
    const created = await coordinator.client().createSession({
      sessionType: 'sign',
      publicKey: bytesToHex(fresh.publicKey),
      messageHash: bytesToHex(randomBytes(32)),
      participants: two,
    })
    expect(created.keyId).toBe(fresh.keyId)
  })

  test('refuses an unknown key, a stranger to the key and too few signers', async () => {
    const client = coordinator.client()
    const request = { sessionType: 'sign', messageHash: bytesToHex(randomBytes(32)), participants: two }
    const unknown = await refusal(client.createSession({ ...request, keyId: 'nothing' }))
    expect(unknown).toMatchObject({ code: 'not_found', details: { key_id: expect.any(String) } })
    const strangers = [{ partyId: 'alice' }, { partyId: 'mallory' }]
    const stranger = await refusal(client.createSession({ ...request, keyId: key.keyId, participants: strangers }))
    expect(stranger.details).toHaveProperty(['participants[1].party_id'])
    const few = await refusal(client.createSession({ ...request, keyId: key.keyId, participants: two.slice(1) }))
    expect(few.code).toBe('threshold_not_met')
  })

  test('a party of the key must join with the identity that it made the key with', async () => {
    const created = await signing(randomBytes(32))
    const keys = await partyKeys(await newIdentity(), created.sessionId, 'alice')
    const joinToken = created.joinTokens['alice'] ?? ''
    const refused = await refusal(coordinator.client('').joinSession({ joinToken, partyId: 'alice', keys }))
    expect(refused.code).toBe('unauthorized')
  })
})

describe('credentials', () => {
  test('a party cannot speak for another', async () => {
    const created = await keygen()
    const [alice] = await joinAll(coordinator, created)
    const call = coordinator.client(alice!.credential).markPartyReady({ sessionId: created.sessionId, partyId: 'bob' })
    expect((await refusal(call)).code).toBe('unauthorized')
  })

  test('nobody creates, sees or closes sessions without a credential', async () => {
    const { sessionId } = await keygen()
    const nobody = coordinator.client('')
    const calls = [
      nobody.createSession({ sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants: two }),
      nobody.getSessionStatus({ sessionId }),
      nobody.closeSession({ sessionId }),
    ]
    for (const call of calls) expect((await refusal(call)).code).toBe('unauthorized')
  })

  test('a result that the identity key has not signed is refused', async () => {
    const created = await keygen()
    const parties = await joinAll(coordinator, created)
    const rosterHash = await startAll(coordinator, created.sessionId, parties)
    const stranger = { ...parties[0]!, identity: await newIdentity() }
    const refused = await refusal(report(coordinator, created.sessionId, rosterHash, stranger, key.publicKey))
    expect(refused.details).toHaveProperty('result_signature')
    const { status } = await coordinator.client().getSessionStatus({ sessionId: created.sessionId })
    expect(status).toBe('in_progress')
  })

  test('a wrong join token and one of another session get the same answer', async () => {
    const created = await keygen()
    const other = await keygen()
    const join = (joinToken: string) => refusal(coordinator.client('').joinSession({ joinToken, partyId: 'alice' }))
    const token = created.joinTokens['alice'] ?? ''
    const tampered = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    for (const wrong of ['token-uuid-1', tampered, created.joinTokens['bob'] ?? '']) {
      expect(await join(wrong)).toMatchObject({ code: 'unauthorized', message: 'the join token is not valid' })
    }
    expect(other.joinTokens['alice']).not.toBe(token)
  })
})

describe('ending early', () => {
  test('closing makes an open session failed', async () => {
    const { sessionId } = await keygen()
    expect(await coordinator.client().closeSession({ sessionId })).toMatchObject({ success: true, status: 'failed' })
    const { failure } = await coordinator.client().getSessionStatus({ sessionId })
    expect(failure?.reason).toBe('closed')
  })

  test('a party that gives up fails the session', async () => {
    const created = await keygen()
    const [alice] = await joinAll(coordinator, created)
    const { sessionId } = created
    const failure = { reason: 'ot-check-failed', culprits: ['bob'] }
    await coordinator.client(alice!.credential).reportCompletion({ sessionId, partyId: 'alice', failure })
    const status = await coordinator.client().getSessionStatus({ sessionId })
    expect(status.failure).toMatchObject({ reason: 'ot-check-failed', reportedBy: 'alice', culprits: ['bob'] })
  })
})
