/** Coordinators on one log: racing, dying, coming back, expiring sessions that nobody asks for. */
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { toBinary } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decide } from '../../../src/coordinator/decide/decide.ts'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import { dropReadModel } from '../../../src/coordinator/projection/session-projection.ts'
import { evolve, initialState, type SessionState } from '../../../src/coordinator/session-state.ts'
import { createAggregateStore } from '../../../src/events/aggregate-store.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { decodeEvent, verifyChain } from '../../../src/events/session-event.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import { GetSessionStatusResponseSchema } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import {
  joinAll,
  makeKey,
  newIdentity,
  partyKeys,
  refusal,
  report,
  startAll,
  startCoordinator,
  type TestCoordinator,
} from './fixture.ts'

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

const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
const request = { sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants }

async function storedEvents(sessionId: string): Promise<Uint8Array[]> {
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  const stored: Uint8Array[] = []
  for await (const event of log.read(sessionSubject(sessionId))) stored.push(event.data)
  await log.close()
  return stored
}

async function kinds(sessionId: string): Promise<(string | undefined)[]> {
  return (await storedEvents(sessionId)).map((bytes) => decodeEvent(bytes).payload.case)
}

describe('two coordinators', () => {
  test('of 100 identities that redeem one join token at once exactly one gets in, and may repeat it', async () => {
    const { sessionId, joinTokens } = await one.client().createSession(request)
    const join = { joinToken: joinTokens['alice'] ?? '', partyId: 'alice' }
    const clients = [one.client(''), other.client('')]
    const attempts = await Promise.all(
      Array.from({ length: 100 }, async () => partyKeys(await newIdentity(), sessionId, 'alice')),
    )
    const outcomes = await Promise.allSettled(attempts.map((keys, n) => clients[n % 2]!.joinSession({ ...join, keys })))
    const winners = outcomes.flatMap((outcome, n) =>
      outcome.status === 'fulfilled' ? [[n, outcome.value] as const] : [],
    )
    expect(winners).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        expect(await refusal(Promise.reject(outcome.reason))).toMatchObject({
          code: 'unauthorized',
          message: 'the join token is not valid',
          details: { join_token: expect.any(String) },
        })
      }
    }
    expect(await kinds(sessionId)).toEqual(['sessionCreated', 'partyJoined'])
    const [[n, first]] = winners as [[number, Awaited<ReturnType<(typeof clients)[0]['joinSession']>>]]
    for (const client of clients) expect(await client.joinSession({ ...join, keys: attempts[n]! })).toEqual(first)
    await one.client().closeSession({ sessionId })
    for (const client of clients) {
      const late = await refusal(client.joinSession({ ...join, keys: attempts[n]! }))
      expect(late).toMatchObject({ code: 'conflict', details: { reason: 'closed' } })
    }
    expect(await kinds(sessionId)).toEqual(['sessionCreated', 'partyJoined', 'sessionClosed'])
  })

  test('a join repeated through both at once is one join', async () => {
    const { sessionId, joinTokens } = await one.client().createSession(request)
    const joinToken = joinTokens['alice'] ?? ''
    const keys = await partyKeys(await newIdentity(), sessionId, 'alice')
    const joins = Array.from({ length: 10 }, (_, n) =>
      (n % 2 === 0 ? one : other).client('').joinSession({ joinToken, partyId: 'alice', keys }),
    )
    const credentials = (await Promise.all(joins)).map(({ partyCredential }) => partyCredential)
    expect(new Set(credentials).size).toBe(1)
    expect(await kinds(sessionId)).toEqual(['sessionCreated', 'partyJoined'])
  })

  test('share a session step by step, and its history is one chain', async () => {
    const created = await one.client().createSession(request)
    const parties = await joinAll(other, created)
    const rosterHash = await startAll(one, created.sessionId, parties)
    const { publicKey } = await makeKey(other)
    await Promise.all(
      parties.map((party, n) => report(n === 0 ? one : other, created.sessionId, rosterHash, party, publicKey)),
    )
    const statuses = await Promise.all(
      [one, other].map((each) => each.client().getSessionStatus({ sessionId: created.sessionId })),
    )
    expect(statuses[0]!.status).toBe('completed')
    expect(statuses[1]).toEqual(statuses[0])
    const head = { version: Number(statuses[0]!.version), hash: statuses[0]!.chainHead }
    const verdict = await verifyChain(created.sessionId, await storedEvents(created.sessionId), head)
    expect(verdict).toMatchObject({ kind: 'intact', head: { version: 9 } })
  })

  test('a coordinator that comes back shows every session exactly as before', async () => {
    const created = await one.client().createSession(request)
    await joinAll(one, created)
    const { sessionId } = created
    const ask = async (coordinator: TestCoordinator) =>
      toBinary(GetSessionStatusResponseSchema, await coordinator.client().getSessionStatus({ sessionId }))
    const before = await ask(one)
    const fresh = await startCoordinator({ natsUrl: nats.url, databaseUrl: database.url })
    expect(await ask(fresh)).toEqual(before)
    await fresh.close()
  })
})

describe('expiry', () => {
  test('is recorded although nobody asks, and says so to whoever asks', async () => {
    const created = await one.client().createSession({ ...request, expiresInSeconds: 1 })
    const { sessionId } = created
    while ((await kinds(sessionId)).length < 2) await delay(50)
    expect(await kinds(sessionId)).toEqual(['sessionCreated', 'sessionExpired'])
    expect((await one.client().getSessionStatus({ sessionId })).status).toBe('expired')
    const joinToken = created.joinTokens['alice'] ?? ''
    const late = await refusal(one.client('').joinSession({ joinToken, partyId: 'alice' }))
    expect(late.code).toBe('session_expired')
  })

  test('is recorded by the first command after it, when no sweeper has come by', async () => {
    const own = await createDatabase()
    let nowMs = Date.now()
    const options = { natsUrl: nats.url, databaseUrl: own.url, now: () => nowMs, sweepIntervalMs: 60_000 }
    const slow = await startCoordinator(options)
    const { sessionId } = await slow.client().createSession({ ...request, expiresInSeconds: 600 })
    nowMs += 600_000
    expect((await refusal(slow.client().startSession({ sessionId }))).code).toBe('session_expired')
    expect(await kinds(sessionId)).toEqual(['sessionCreated', 'sessionExpired'])
    await slow.close()
    await own.drop()
  })
})

describe('a crash after the last report', () => {
  test('leaves no session without its outcome', async () => {
    const created = await one.client().createSession(request)
    const { sessionId } = created
    const parties = await joinAll(one, created)
    const rosterHash = await startAll(one, sessionId, parties)
    const { publicKey } = await makeKey(one)
    await report(one, sessionId, rosterHash, parties[0]!, publicKey)
    const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
    const store = createAggregateStore({ log, fold: { initial: initialState, evolve } })
    const lastReport = {
      type: 'complete',
      nowMs: Date.now(),
      partyId: parties[1]!.partyId,
      publicKey,
      signature: null,
      recoveryId: 0,
      resultSignature: new Uint8Array(64),
      witness: null,
    } as const
    // A coordinator that dies between the two events of this decision.
    const dying = ({ state }: { state: SessionState }) => {
      const decision = decide(state, lastReport, 'party:bob')
      expect(decision.events.map(({ payload }) => payload.case)).toEqual(['partyCompleted', 'sessionCompleted'])
      return { ...decision, events: decision.events.slice(0, 1) }
    }
    await store.execute(sessionId, dying, { causationId: randomUUID(), correlationId: '', timeMs: Date.now() })
    await log.close()
    while ((await kinds(sessionId)).length < 9) await delay(50)
    expect((await kinds(sessionId)).slice(-2)).toEqual(['partyCompleted', 'sessionCompleted'])
    expect((await one.client().getSessionStatus({ sessionId })).status).toBe('completed')
  })
})

describe('the read model', () => {
  test('survives the loss of every database connection', async () => {
    const { sessionId } = await one.client().createSession(request)
    const admin = await openReadModel(database.url, () => undefined)
    for (let loss = 0; loss < 5; loss += 1) {
      const others = sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`
      await Promise.all([one.client().createSession(request), others.execute(admin), makeKey(other)])
    }
    await one.client().closeSession({ sessionId })
    const end = await lastSequence()
    const position = () => admin.selectFrom('checkpoint').select('sequence').executeTakeFirstOrThrow()
    while (Number((await position()).sequence) < end) await delay(20)
    const row = admin.selectFrom('sessions').select('status').where('session_id', '=', sessionId)
    expect(await row.executeTakeFirst()).toEqual({ status: 'failed' })
    await admin.destroy()
  })

  test('rebuilt from the log is identical', async () => {
    const closed = await one.client().createSession(request)
    await one.client().closeSession({ sessionId: closed.sessionId })
    const failing = await one.client().createSession(request)
    const [alice] = await joinAll(one, failing)
    const failure = { reason: 'proof-invalid', culprits: ['bob'] }
    await one.client(alice!.credential).reportCompletion({ sessionId: failing.sessionId, partyId: 'alice', failure })
    const made = await makeKey(one)
    const signing = { sessionType: 'sign', messageHash: randomBytes(32).toString('hex'), participants }
    await one.client().createSession({ ...signing, keyId: made.keyId })

    const rebuilt = await createDatabase()
    const builder = await startCoordinator({ natsUrl: nats.url, databaseUrl: rebuilt.url, sweepIntervalMs: 60_000 })
    const publicKey = Buffer.from(made.publicKey).toString('hex')
    await builder.client().createSession({ ...signing, publicKey })
    const end = await lastSequence()
    const tables = async (url: string) => {
      const db = await openReadModel(url, () => undefined)
      const checkpoint = () => db.selectFrom('checkpoint').selectAll().execute()
      while (Number((await checkpoint())[0]?.sequence ?? 0) < end) await delay(20)
      const participants = db.selectFrom('participants').selectAll()
      const content = {
        sessions: await db.selectFrom('sessions').selectAll().orderBy('session_id').execute(),
        participants: await participants.orderBy('session_id').orderBy('party_index').execute(),
        keys: await db.selectFrom('keys').selectAll().orderBy('key_id').execute(),
        checkpoint: await checkpoint(),
      }
      await db.destroy()
      return content
    }
    const kept = await tables(database.url)
    expect(kept.keys.length).toBeGreaterThan(0)
    expect(await tables(rebuilt.url)).toEqual(kept)
    await builder.close()

    const emptied = await openReadModel(rebuilt.url, () => undefined)
    await dropReadModel(emptied)
    await emptied.destroy()
    const again = await startCoordinator({ natsUrl: nats.url, databaseUrl: rebuilt.url, sweepIntervalMs: 60_000 })
    expect(await tables(rebuilt.url)).toEqual(kept)
    await again.close()
    await rebuilt.drop()
  })
})

async function lastSequence(): Promise<number> {
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  const end = await log.lastSequence('SESSIONS')
  await log.close()
  return end
}
