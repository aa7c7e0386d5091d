/** The API reference, sections 3, 4, 5 and the commands of 8.2, to be held beside it. */
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ServiceName } from '../../src/cli/stack/services.ts'
import {
  joinToken,
  messageHash,
  openStarted,
  somePublicKey,
  unixTime,
  uuid,
  type Opened,
} from './fixtures/documented.ts'
import { grpcClient, type GrpcClient } from './fixtures/grpc-client.ts'
import { rest } from './fixtures/rest.ts'
import { makeKey, recovery, server, sign, user, useSystem } from './fixtures/system.ts'

const system = useSystem()
const url = (service: ServiceName) => system().stack.services[service].httpUrl
const isoSecond = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const uncompressed = expect.stringMatching(/^04[0-9a-f]{128}$/)

describe('§3 messages', () => {
  const payload = Buffer.from('a TSS message').toString('base64')
  let session: Opened
  let router: GrpcClient
  beforeAll(async () => {
    session = await openStarted(`${url('session-coordinator')}/api/v1/sessions`, ['party_0', 'party_1', 'party_2'])
    const { grpcUrl } = system().stack.services['message-router']
    router = grpcClient(grpcUrl, 'mpc/router/v1/message_router.proto', 'mpc.router.v1.MessageRouter')
    return () => router.close()
  })
  const documented = () => ({
    session_id: session.session_id,
    from_party: 'party_0',
    to_parties: ['party_1'],
    round: 1,
    payload,
    is_broadcast: false,
  })

  test('§3.1 route message, gRPC', async () => {
    const request = { ...documented(), payload: Buffer.from(payload, 'base64') }
    expect(await router.call('RouteMessage', request)).toMatchObject({ success: true })
  })

  test('§3.1 the same fields as JSON; empty to_parties is a broadcast', async () => {
    const request = { ...documented(), to_parties: [], round: 0, is_broadcast: true }
    const { status, body } = await rest('POST', `${url('message-router')}/api/v1/messages`, request)
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { success: true, sequence: expect.any(Number), duplicate: false },
    })
  })

  test('§3.2 subscribe, gRPC stream', async () => {
    const stream = router.stream('SubscribeMessages', { session_id: session.session_id, party_id: 'party_1' })
    const [message] = await once(stream, 'data')
    stream.on('error', () => undefined).cancel()
    expect(message).toMatchObject({ ...documented(), payload: Buffer.from(payload, 'base64'), timestamp: unixTime })
  })

  test('§3.2 subscribe, WebSocket', async () => {
    const address = new URL(`${url('message-router')}/api/v1/messages/subscribe`)
    address.protocol = 'ws:'
    address.search = `session_id=${session.session_id}&party_id=party_1`
    const socket = new WebSocket(address)
    const [frame, isBinary] = await once(socket, 'message')
    socket.close()
    expect(isBinary).toBe(false)
    expect(JSON.parse(String(frame))).toMatchObject({ ...documented(), timestamp: unixTime })
  })

  test('§3.3 pending messages', async () => {
    const path = `/api/v1/sessions/${session.session_id}/messages`
    expect(await rest('GET', `${url('message-router')}${path}?party_id=party_1`)).toMatchObject({
      status: 200,
      body: {
        messages: [
          { from_party: 'party_0', round: 1, payload, timestamp: unixTime },
          { from_party: 'party_0', round: 0, payload, timestamp: unixTime },
        ],
      },
    })
    const none = await rest('GET', `${url('message-router')}${path}?party_id=party_0`)
    expect(none).toMatchObject({ status: 200, body: { messages: [] } })
  })
})

describe('§4 accounts', () => {
  let keygen: Opened
  let publicKey: string
  const alice = { username: 'alice', email: 'alice@example.com', phone: '+1234567890' }
  const mpcSession = (id: string) => rest('GET', `${url('account-service')}/api/v1/mpc/sessions/${id}`)
  const documentedKeygen = { threshold_n: 3, threshold_t: 2, participants: [user, server, recovery] }

  test('§4.2 create keygen session, §4.4 its status', async () => {
    const created = await rest('POST', `${url('account-service')}/api/v1/mpc/keygen`, documentedKeygen)
    expect(created).toMatchObject({
      status: 201,
      body: {
        session_id: uuid,
        session_type: 'keygen',
        threshold_n: 3,
        threshold_t: 2,
        join_tokens: { user_device: joinToken, server_party: joinToken, recovery_party: joinToken },
        status: 'waiting',
      },
    })
    keygen = created.body as Opened // its shape is what was just checked
    const waiting = await mpcSession(keygen.session_id)
    const body = { session_id: keygen.session_id, status: 'waiting', completed_parties: 0, total_parties: 3 }
    expect(waiting).toMatchObject({ status: 200, body })
    expect(waiting.body).not.toHaveProperty('public_key')
    expect(waiting.body).not.toHaveProperty('signature')
  })

  test('§4.4 after the key was made, §4.3 create signing session, §4.4 after signing', async () => {
    const [phone, spare] = [await system().device('phone', 'iOS'), await system().device('spare', 'recovery')]
    await Promise.all([makeKey(phone, user.party_id, keygen), makeKey(spare, recovery.party_id, keygen)])
    const { body } = await mpcSession(keygen.session_id)
    const expected = { status: 'completed', completed_parties: 3, total_parties: 3, public_key: uncompressed }
    expect(body).toMatchObject({ session_id: keygen.session_id, ...expected })
    publicKey = String(body['public_key'])

    const account = await rest('POST', `${url('account-service')}/api/v1/accounts`, { ...alice, publicKey })
    const request = { account_id: account.body['id'], message_hash: messageHash, participants: [user, server] }
    const created = await rest('POST', `${url('account-service')}/api/v1/mpc/sign`, request)
    expect(created, '§4.3 create signing session').toMatchObject({
      status: 201,
      body: {
        session_id: uuid,
        session_type: 'sign',
        account_id: account.body['id'],
        message_hash: messageHash,
        threshold_t: 2,
        join_tokens: { user_device: joinToken, server_party: joinToken },
        status: 'waiting',
      },
    })
    const signing = created.body as Opened // its shape is what was just checked
    await sign(phone, user.party_id, signing, messageHash)
    expect((await mpcSession(signing.session_id)).body, '§4.4 after signing').toMatchObject({
      session_id: signing.session_id,
      status: 'completed',
      completed_parties: 2,
      total_parties: 2,
      signature: expect.stringMatching(/^[0-9a-f]{128}$/),
    })
  })

  test('§4.1 create account', async () => {
    const request = { ...alice, username: 'bob', publicKey: somePublicKey }
    expect(await rest('POST', `${url('account-service')}/api/v1/accounts`, request)).toMatchObject({
      status: 201,
      body: {
        id: expect.stringMatching(/^acc-[0-9a-f-]{36}$/),
        username: 'bob',
        email: 'alice@example.com',
        status: 'active',
        createdAt: isoSecond,
      },
    })
  })

  const nobody = { account_id: 'acc-uuid-123', message_hash: messageHash, participants: [user, server] }
  test.each([
    ['a bad publicKey', '/accounts', { ...alice, username: 'eve', publicKey: '04a1b2c3...' }, 400, 'publicKey'],
    ['no point', '/accounts', { ...alice, username: 'eve', publicKey: `02${'f'.repeat(64)}` }, 400, 'publicKey'],
    ['a bad email', '/accounts', { ...alice, username: 'eve', email: 'alice', publicKey: somePublicKey }, 400, 'email'],
    ['a username that is taken', '/accounts', { ...alice, username: 'BOB', publicKey: somePublicKey }, 409, 'username'],
    ['an unknown account', '/mpc/sign', nobody, 404, 'account_id'],
    ['a bad message_hash', '/mpc/sign', { ...nobody, message_hash: '8dcd9f35...' }, 400, 'message_hash'],
    ['t above n, as the coordinator says', '/mpc/keygen', { ...documentedKeygen, threshold_t: 4 }, 400, 'threshold_t'],
  ])('§6 %s is refused by name', async (_, path, request, status, field) => {
    const answer = await rest('POST', `${url('account-service')}/api/v1${path}`, request)
    expect(answer.status).toBe(status)
    expect(answer.body['details']).toHaveProperty([field], expect.any(String))
  })
})

const services = [
  'session-coordinator',
  'message-router',
  'server-party-1',
  'server-party-2',
  'server-party-3',
  'account-service',
] as const

test.each(services)('§5 %s answers /health', async (service) => {
  const uptime = expect.stringMatching(/^(\d+h)?(\d+m)?\d+s$/)
  const { status, body } = await rest('GET', `${url(service)}/health`)
  expect({ status, body }).toEqual({ status: 200, body: { status: 'healthy', service, version: '1.0.0', uptime } })
})

/** The bytes of the documented commands; only host, token and session id are put in. */
describe('§8.2 curl', () => {
  const curl = (path: string, data?: string) => {
    const post = { method: 'POST', headers: { 'Content-Type': 'application/json' } }
    return fetch(`${url('session-coordinator')}${path}`, data === undefined ? {} : { ...post, body: data })
  }
  const create = `{
"session_type": "keygen",
"threshold_n": 3,
"threshold_t": 2,
"participants": [
{"party_id": "party_0"},
{"party_id": "party_1"},
{"party_id": "party_2"}
]
}`
  const join = `{
"join_token": "token-uuid-1",
"party_id": "party_0",
"device_type": "iOS",
"device_id": "device_001"
}`

  test('create, join and query', async () => {
    const created = await curl('/api/v1/sessions', create)
    expect(created.status).toBe(201)
    const session = (await created.json()) as Opened
    const token = session.join_tokens['party_0'] ?? ''
    const joined = await curl('/api/v1/sessions/join', join.replace('token-uuid-1', token))
    expect(joined.status).toBe(200)
    expect(await joined.json()).toMatchObject({ party_index: 0, status: 'joined' })
    const shown = await curl(`/api/v1/sessions/${session.session_id}`)
    expect(shown.status).toBe(200)
    expect(await shown.json()).toMatchObject({ session_id: session.session_id, status: 'waiting' })
  })

  test('with the token and session id as printed, it is refused and not found', async () => {
    expect((await curl('/api/v1/sessions/join', join)).status).toBe(401)
    expect((await curl('/api/v1/sessions/550e8400-e29b-41d4-a716-446655440000')).status).toBe(404)
  })
})
