/** Keys of the other types at the coordinator: found by their public keys, verified, and rebuilt from the log. */
import { randomBytes } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { schnorr } from '@noble/curves/secp256k1.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import type { FrostKeyType } from '../../../src/crypto/key-type.ts'
import { resultStatement } from '../../../src/identity/statement.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { joinAll, refusal, startAll, startCoordinator, type JoinedParty, type TestCoordinator } from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let coordinator: TestCoordinator

beforeAll(async () => {
  ;[nats, database] = await Promise.all([startNats(), createDatabase()])
  coordinator = await startCoordinator({ natsUrl: nats.url, databaseUrl: database.url })
})
afterAll(async () => {
  await coordinator?.close()
  await database?.drop()
  await nats?.stop()
})

const secret = new Uint8Array(32).fill(3)
const message = utf8ToBytes('a message of any length')
const hash = new Uint8Array(32).fill(9)
const kinds = [
  ['eddsa-ed25519', ed25519.getPublicKey(secret), { message }, ed25519.sign(message, secret)],
  ['schnorr-secp256k1', schnorr.getPublicKey(secret), { messageHash: bytesToHex(hash) }, schnorr.sign(hash, secret)],
] as const
const two = [{ partyId: 'alice' }, { partyId: 'bob' }]
const keygen = { sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants: two }

async function report(
  keyType: FrostKeyType,
  sessionId: string,
  rosterHash: Uint8Array,
  party: JoinedParty,
  result: Uint8Array,
) {
  const { partyId, identity, credential } = party
  const resultSignature = await identity.sign(resultStatement({ sessionId, partyId, rosterHash, keyType, result }))
  const stated = result.length === 32 ? { publicKey: bytesToHex(result) } : { signature: bytesToHex(result) }
  return coordinator.client(credential).reportCompletion({ sessionId, partyId, ...stated, resultSignature })
}

async function run(keyType: FrostKeyType, created: Parameters<typeof joinAll>[1], result: Uint8Array, known = {}) {
  const parties = await joinAll(coordinator, created, known)
  const rosterHash = await startAll(coordinator, created.sessionId, parties)
  for (const party of parties) await report(keyType, created.sessionId, rosterHash, party, result)
  return Object.fromEntries(parties.map(({ partyId, identity }) => [partyId, identity]))
}

test.each(kinds)('a key of type %s is made, found by its public key, and signs', async (...kind) => {
  const [keyType, publicKey, asked, signature] = kind
  const client = coordinator.client()
  const made = await client.createSession({ ...keygen, keyType })
  expect(made.keyType).toBe(keyType)
  const identities = await run(keyType, made, publicKey)
  const key = await client.getSessionStatus({ sessionId: made.sessionId })
  expect(key).toMatchObject({ status: 'completed', keyType, publicKey: bytesToHex(publicKey) })

  const request = { sessionType: 'sign', publicKey: bytesToHex(publicKey), participants: two }
  const session = await client.createSession({ ...request, ...asked })
  expect(session).toMatchObject({ keyId: made.sessionId, keyType })
  await run(keyType, session, signature, identities)
  const done = await client.getSessionStatus({ sessionId: session.sessionId })
  expect(done).toMatchObject({ status: 'completed', keyType, signature: bytesToHex(signature), ...asked })
  expect(done.recoveryId).toBeUndefined()

  const wrongType = await refusal(client.createSession({ ...request, ...asked, keyType: 'ecdsa-secp256k1' }))
  expect(wrongType).toMatchObject({ code: 'invalid_request', details: { key_type: expect.any(String) } })
  const readModel = await openReadModel(database.url, () => {})
  const row = readModel.selectFrom('keys').select(['key_type']).where('key_id', '=', made.sessionId)
  await expect.poll(async () => (await row.executeTakeFirst())?.key_type).toBe(keyType)
  await readModel.destroy()
})

test('a result of a statement that names another key type is not signed', async () => {
  const [keyType, publicKey] = kinds[0]
  const client = coordinator.client()
  const made = await client.createSession({ ...keygen, keyType })
  const parties = await joinAll(coordinator, made)
  const rosterHash = await startAll(coordinator, made.sessionId, parties)
  const [alice] = parties
  if (alice === undefined) throw new Error('nobody joined')
  const refused = await refusal(report('schnorr-secp256k1', made.sessionId, rosterHash, alice, publicKey))
  expect(refused.details).toHaveProperty('result_signature')
})

test('an unknown key type, a message that is too long and an unknown key are refused by name', async () => {
  const client = coordinator.client()
  expect((await refusal(client.createSession({ ...keygen, keyType: 'rsa' }))).details).toHaveProperty('key_type')
  const message = randomBytes(65_537)
  const long = { sessionType: 'sign', publicKey: bytesToHex(kinds[0][1]), participants: two, message }
  expect((await refusal(client.createSession(long))).details).toHaveProperty('message')
  const publicKey = bytesToHex(schnorr.getPublicKey(new Uint8Array(32).fill(5)))
  const unknown = { sessionType: 'sign', publicKey, participants: two, messageHash: bytesToHex(hash) }
  const missing = { code: 'not_found', details: { public_key: expect.any(String) } }
  expect(await refusal(client.createSession(unknown))).toMatchObject(missing)
})
