/** What a party says that it saw of a session comes into the log with its result, if it is true. */
import { randomBytes } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { decodeEvent } from '../../../src/events/session-event.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import { resultStatement } from '../../../src/identity/statement.ts'
import { witnessStatement, type WitnessClaim } from '../../../src/identity/witness.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { joinAll, newIdentity, refusal, startAll, startCoordinator, type TestCoordinator } from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let one: TestCoordinator
let other: TestCoordinator

beforeAll(async () => {
  nats = await startNats()
  database = await createDatabase()
  const options = { natsUrl: nats.url, databaseUrl: database.url }
  ;[one, other] = await Promise.all([startCoordinator(options), startCoordinator(options)])
})
afterAll(async () => {
  await one?.close()
  await other?.close()
  await nats?.stop()
  await database?.drop()
})

const { publicKey } = secp256k1.keygen()

/** A started session, and how its first party reports with a witness of its own making. */
async function startedSession() {
  const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
  const created = await one.client().createSession({ sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants })
  const { sessionId } = created
  const parties = await joinAll(one, created)
  const rosterHash = await startAll(one, sessionId, parties)
  const [alice, bob] = [parties[0]!, parties[1]!]
  const { version, chainHead } = await one.client().getSessionStatus({ sessionId })
  const messagesHash = Uint8Array.from(randomBytes(32))
  const claim: WitnessClaim = { version: Number(version), chainHead, messageCount: 4, messagesHash }
  const reportAs = async (
    { partyId, identity, credential }: typeof alice,
    stated: WitnessClaim,
    signer = identity,
    through = one,
  ) => {
    const statement = resultStatement({ sessionId, partyId, rosterHash, result: publicKey })
    const signature = await signer.sign(witnessStatement(sessionId, partyId, stated))
    return through.client(credential).reportCompletion({
      sessionId,
      partyId,
      publicKey: bytesToHex(publicKey),
      resultSignature: await identity.sign(statement),
      witness: { ...stated, version: BigInt(stated.version), signature },
    })
  }
  return { sessionId, alice, bob, claim, reportAs }
}

async function storedWitness(sessionId: string, partyId: string) {
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  try {
    for await (const { data } of log.read(sessionSubject(sessionId))) {
      const { payload } = decodeEvent(data)
      if (payload.case === 'partyCompleted' && payload.value.partyId === partyId) return payload.value.witness
    }
    return undefined
  } finally {
    await log.close()
  }
}

test('a witness is stored as it was signed, also of a history that has gone on since', async () => {
  const { sessionId, alice, bob, claim, reportAs } = await startedSession()
  await reportAs(alice, claim)
  const earlier = { ...claim, messageCount: 0 }
  expect(await reportAs(bob, earlier)).toMatchObject({ allCompleted: true })
  const stored = await storedWitness(sessionId, 'alice')
  expect(stored).toMatchObject({ version: BigInt(claim.version), messageCount: 4 })
  expect(Buffer.from(stored!.chainHead).equals(claim.chainHead)).toBe(true)
  expect(Buffer.from(stored!.messagesHash).equals(claim.messagesHash)).toBe(true)
  expect(await storedWitness(sessionId, 'bob')).toMatchObject({ messageCount: 0 })
})

test('a coordinator that has not heard of the newest event yet looks again before it refuses', async () => {
  const { sessionId, alice, bob, claim, reportAs } = await startedSession()
  await reportAs(alice, claim, alice.identity, other)
  const { version, chainHead } = await other.client().getSessionStatus({ sessionId })
  expect(await reportAs(bob, { ...claim, version: Number(version), chainHead })).toMatchObject({ allCompleted: true })
})

test.each([
  ['another history', 'witness.chain_head', (claim: WitnessClaim) => ({ ...claim, chainHead: new Uint8Array(32) })],
  ['a history that has not happened', 'witness.chain_head', (claim: WitnessClaim) => ({ ...claim, version: 99 })],
  ['an event by another number', 'witness.chain_head', (claim: WitnessClaim) => ({ ...claim, version: claim.version - 1 })],
])('a witness of %s is refused, and the result with it', async (_, field, change) => {
  const { sessionId, alice, claim, reportAs } = await startedSession()
  const refused = await refusal(reportAs(alice, change(claim)))
  expect([refused.code, Object.keys(refused.details)]).toEqual(['invalid_request', [field]])
  expect(await storedWitness(sessionId, 'alice')).toBeUndefined()
  expect(await reportAs(alice, claim)).toMatchObject({ success: true })
})

test('a witness that another identity signed is refused', async () => {
  const { alice, claim, reportAs } = await startedSession()
  const refused = await refusal(reportAs(alice, claim, await newIdentity()))
  expect(Object.keys(refused.details)).toEqual(['witness.signature'])
})

test('of a party without an identity there is no witness', async () => {
  const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
  const created = await one.client().createSession({ sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants })
  const { sessionId, joinTokens } = created
  const credentials = new Map<string, string>()
  for (const [partyId, joinToken] of Object.entries(joinTokens)) {
    credentials.set(partyId, (await one.client('').joinSession({ joinToken, partyId })).partyCredential)
  }
  const as = (partyId: string) => one.client(credentials.get(partyId))
  for (const partyId of credentials.keys()) await as(partyId).markPartyReady({ sessionId, partyId })
  await one.client().startSession({ sessionId })
  const { version, chainHead } = await one.client().getSessionStatus({ sessionId })
  const witness = { version, chainHead, messageCount: 0, messagesHash: new Uint8Array(32), signature: new Uint8Array(64) }
  const result = { sessionId, partyId: 'alice', publicKey: bytesToHex(publicKey) }
  const refused = await refusal(as('alice').reportCompletion({ ...result, witness }))
  expect(Object.keys(refused.details)).toEqual(['witness.signature'])
  expect(await as('alice').reportCompletion(result)).toMatchObject({ success: true })
})
