/** A creating call that is repeated because its answer was lost: one session, one answer. */
import { setTimeout as delay } from 'node:timers/promises'
import { toJson } from '@bufbuild/protobuf'
import { createClient, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { decodeEvent } from '../../../src/events/session-event.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import {
  CreateSessionResponseSchema,
  SessionCoordinator,
} from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { callerApiKey, otherApiKey, refusal, startCoordinator, type TestCoordinator } from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let one: TestCoordinator
let other: TestCoordinator
const start = () => startCoordinator({ natsUrl: nats.url, databaseUrl: database.url })

beforeAll(async () => {
  nats = await startNats()
  database = await createDatabase()
  ;[one, other] = await Promise.all([start(), start()])
})
afterAll(async () => {
  await one?.close()
  await other?.close()
  await nats?.stop()
  await database?.drop()
})

const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
const request = { sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants }
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })

async function stored(sessionId: string): Promise<Uint8Array[]> {
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  const events: Uint8Array[] = []
  for await (const event of log.read(sessionSubject(sessionId))) events.push(event.data)
  await log.close()
  return events
}
const kinds = async (sessionId: string) => (await stored(sessionId)).map((bytes) => decodeEvent(bytes).payload.case)

describe('a creation with an Idempotency-Key', () => {
  test('is answered again as it was, by any coordinator, also one that was not there then', async () => {
    const first = await one.client().createSession(request, keyed('order-1'))
    expect(await one.client().createSession(request, keyed('order-1'))).toEqual(first)
    expect(await other.client().createSession(request, keyed('order-1'))).toEqual(first)
    const later = await start()
    expect(await later.client().createSession(request, keyed('order-1'))).toEqual(first)
    await later.close()
    expect(await kinds(first.sessionId)).toEqual(['sessionCreated'])
  })

  test('sent forty times at once to two coordinators makes one session', async () => {
    const clients = [one.client(), other.client()]
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => clients[n % 2]!.createSession(request, keyed('at-once'))),
    )
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(await kinds(answers[0]!.sessionId)).toEqual(['sessionCreated'])
  })

  test('is the same call over every protocol', async () => {
    const authorization = `Bearer ${callerApiKey}`
    const headers = { authorization, ...keyed('any-protocol').headers }
    const web = { baseUrl: one.httpUrl, httpVersion: '1.1' } as const
    const transports: Transport[] = [
      createGrpcTransport({ baseUrl: one.grpcUrl }),
      createConnectTransport(web),
      createGrpcWebTransport(web),
    ]
    const rpc = await Promise.all(
      transports.map((transport) => createClient(SessionCoordinator, transport).createSession(request, { headers })),
    )
    const response = await fetch(`${one.httpUrl}/api/v1/sessions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({
        session_type: 'keygen',
        threshold_n: 2,
        threshold_t: 2,
        participants: [{ party_id: 'alice' }, { party_id: 'bob' }],
        unknown: 'to us',
      }),
    })
    const rest = (await response.json()) as Record<string, unknown>
    expect(response.status).toBe(201)
    for (const answer of rpc) expect(answer).toEqual(rpc[0])
    const { session_id, join_tokens } = toJson(CreateSessionResponseSchema, rpc[0]!, {
      useProtoFieldName: true,
    }) as Record<string, unknown>
    expect(rest).toMatchObject({ session_id, join_tokens })
  })

  test('is answered as the first was after the session has gone on, and its tokens are good', async () => {
    const first = await one.client().createSession(request, keyed('goes-on'))
    await one.client('').joinSession({ joinToken: first.joinTokens['alice']!, partyId: 'alice' })
    const { joinTokens, status } = await other.client().createSession(request, keyed('goes-on'))
    expect(status).toBe('created')
    expect(await other.client('').joinSession({ joinToken: joinTokens['bob']!, partyId: 'bob' })).toMatchObject({
      partyIndex: 1,
    })
  })

  test('is answered as the first was after the session has expired', async () => {
    const brief = { ...request, expiresInSeconds: 1 }
    const first = await one.client().createSession(brief, keyed('brief'))
    while (!(await kinds(first.sessionId)).includes('sessionExpired')) await delay(50)
    expect(await one.client().createSession(brief, keyed('brief'))).toEqual(first)
  })

  test('for another request under a used key is refused, naming the key, and changes nothing', async () => {
    const first = await one.client().createSession(request, keyed('used'))
    const changed = [
      { ...request, expiresInSeconds: 60 },
      { ...request, participants: [...participants].reverse() },
    ]
    for (const different of changed) {
      expect(await refusal(other.client().createSession(different, keyed('used')))).toMatchObject({
        code: 'conflict',
        details: { 'Idempotency-Key': 'was used for another request' },
      })
    }
    expect(await kinds(first.sessionId)).toEqual(['sessionCreated'])
  })

  test('that was refused did not use up its key', async () => {
    await refusal(one.client().createSession({ ...request, thresholdT: 3 }, keyed('corrected')))
    expect(await one.client().createSession(request, keyed('corrected'))).toMatchObject({ status: 'created' })
  })

  test("does not meet another caller's", async () => {
    const mine = await one.client().createSession(request, keyed('shared'))
    const theirs = await one.client(otherApiKey).createSession({ ...request, expiresInSeconds: 60 }, keyed('shared'))
    expect(theirs.sessionId).not.toBe(mine.sessionId)
    expect(theirs.joinTokens['alice']).not.toBe(mine.joinTokens['alice'])
  })

  test('leaves none of its tokens in the log', async () => {
    const { sessionId, joinTokens } = await one.client().createSession(request, keyed('secret'))
    const log = Buffer.concat(await stored(sessionId)).toString('latin1')
    for (const token of Object.values(joinTokens)) expect(log).not.toContain(token)
    expect(log).not.toContain('mpc_join_')
  })

  test.each(['a b', 'ü', 'x'.repeat(129)])('that is none ("%s") is refused by name', async (key) => {
    const authorization = `Bearer ${callerApiKey}`
    const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': key }
    const body = JSON.stringify({
      session_type: 'keygen',
      threshold_n: 2,
      threshold_t: 2,
      participants: [{ party_id: 'alice' }, { party_id: 'bob' }],
    })
    const response = await fetch(`${one.httpUrl}/api/v1/sessions`, { method: 'POST', headers, body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: 'invalid_request',
      details: { 'Idempotency-Key': expect.any(String) },
    })
  })
})

test('without a key every creation makes a session of its own', async () => {
  const [first, second] = await Promise.all([one.client().createSession(request), one.client().createSession(request)])
  expect(second.sessionId).not.toBe(first.sessionId)
})
