/**
 * The API reference, sections 2, 6 and 8, to be held beside it: each row is one of its examples, with the answer that
 * it shows. Documented fields must be there with their documented type, zero and false included; there may be more.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  joinToken,
  messageHash,
  openSession,
  somePublicKey,
  unixTime,
  uuid,
  type Opened,
} from './fixtures/documented.ts'
import { grpcClient } from './fixtures/grpc-client.ts'
import { rest } from './fixtures/rest.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
const coordinator = () => system().stack.services['session-coordinator']
const url = (path: string) => `${coordinator().httpUrl}/api/v1${path}`

const [user, server, recovery] = ['party_user_device', 'party_server', 'party_recovery'] as const
const documented = [
  { party_id: user, device_type: 'iOS', device_id: 'device_001' },
  { party_id: server, device_type: 'server', device_id: 'server_001' },
  { party_id: recovery, device_type: 'recovery', device_id: 'recovery_001' },
]
/** No server party of ours answers to `server_009`, so that nobody but the test moves these sessions. */
const participants = documented.map((one) => ({ ...one, device_id: one.device_id.replace('server_001', 'server_009') }))
const keygenRequest = { session_type: 'keygen', threshold_n: 3, threshold_t: 2, participants, expires_in_seconds: 300 }
const signRequest = {
  session_type: 'sign',
  threshold_n: 3,
  threshold_t: 2,
  participants: participants.slice(0, 2),
  message_hash: messageHash,
}
const signature = 'a1'.repeat(64)

let keygen: Opened
let sign: Opened
beforeAll(async () => {
  keygen = await openSession(url('/sessions'), keygenRequest)
  sign = await openSession(url('/sessions'), signRequest)
})

type Request = readonly [method: string, path: string, body?: unknown]

const create = (request: object): Request => ['POST', '/sessions', request]
const joining = (join_token: string | undefined, party_id: string): Request => {
  const { device_type, device_id } = participants.find((one) => one.party_id === party_id) ?? {}
  return ['POST', '/sessions/join', { join_token, party_id, device_type, device_id }]
}
const join = (session: Opened, partyId: string) => joining(session.join_tokens[partyId], partyId)
const ready = ({ session_id }: Opened, party_id: string): Request => {
  return ['PUT', `/sessions/${session_id}/parties/${party_id}/ready`, { party_id }]
}
const start = ({ session_id }: Opened): Request => ['POST', `/sessions/${session_id}/start`]
const show = ({ session_id }: Opened): Request => ['GET', `/sessions/${session_id}`]
const complete = ({ session_id }: Opened, body: object): Request => ['POST', `/sessions/${session_id}/complete`, body]
const parties = [user, server, recovery]
const all = (status: string) => parties.map((party_id, party_index) => ({ party_id, party_index, status }))
const readyOf = (total_parties: number, ready_count: number) => {
  return { success: true, all_ready: ready_count === total_parties, ready_count, total_parties }
}
const started = { success: true, status: 'in_progress' }
const tokens = { [user]: joinToken, [server]: joinToken, [recovery]: joinToken }
const joinedFirst = [
  { party_id: user, status: 'joined' },
  { party_id: server, status: 'waiting' },
  { party_id: recovery, status: 'waiting' },
]
const progress = { session_id: uuid, threshold_t: 2, threshold_n: 3 }

type Row = readonly [section: string, call: () => Request, status: number, body: Readonly<Record<string, unknown>>]

/** In this order: a keygen session and a sign session, each from beginning to end. */
const examples: readonly Row[] = [
  [
    '2.1 create session',
    () => create({ ...keygenRequest, participants: documented, message_hash: 'abc123...' }),
    201,
    { session_id: uuid, join_tokens: tokens, expires_at: unixTime },
  ],
  ['2.5 status, created', () => show(keygen), 200, { ...progress, status: 'created' }],
  [
    '2.2 join session',
    () => join(keygen, user),
    200,
    { session_id: uuid, party_index: 0, status: 'joined', participants: joinedFirst },
  ],
  ['2.2 join session, second', () => join(keygen, server), 200, { party_index: 1, status: 'joined' }],
  ['2.2 join session, third', () => join(keygen, recovery), 200, { party_index: 2, status: 'joined' }],
  ['2.5 status, waiting', () => show(keygen), 200, { ...progress, status: 'waiting' }],
  ['2.3 ready, first', () => ready(keygen, recovery), 200, readyOf(3, 1)],
  ['2.3 ready', () => ready(keygen, user), 200, readyOf(3, 2)],
  ['2.3 ready, last', () => ready(keygen, server), 200, readyOf(3, 3)],
  ['2.4 start session', () => start(keygen), 200, started],
  ['2.5 status', () => show(keygen), 200, { ...progress, status: 'in_progress', participants: all('computing') }],
  [
    '2.6 completion, keygen, first',
    () => complete(keygen, { party_id: user, public_key: somePublicKey }),
    200,
    { success: true, all_completed: false },
  ],
  [
    '2.6 completion, keygen, second',
    () => complete(keygen, { party_id: server, public_key: somePublicKey }),
    200,
    { success: true, all_completed: false },
  ],
  [
    '2.6 completion, keygen',
    () => complete(keygen, { party_id: recovery, public_key: somePublicKey }),
    200,
    { success: true, all_completed: true },
  ],
  ['2.5 status, completed', () => show(keygen), 200, { status: 'completed', participants: all('completed') }],
  ['2.1 create session, sign', () => create(signRequest), 201, { session_id: uuid, expires_at: unixTime }],
  ['2.2 join session, sign', () => join(sign, user), 200, { party_index: 0, status: 'joined' }],
  ['2.2 join session, sign, second', () => join(sign, server), 200, { party_index: 1, status: 'joined' }],
  ['2.3 ready, sign', () => ready(sign, user), 200, readyOf(2, 1)],
  ['2.3 ready, sign, last', () => ready(sign, server), 200, readyOf(2, 2)],
  ['2.4 start session, sign', () => start(sign), 200, started],
  [
    '2.6 completion, signing, first',
    () => complete(sign, { party_id: user, signature, recovery_id: 0 }),
    200,
    { success: true, all_completed: false },
  ],
  [
    '2.6 completion, signing',
    () => complete(sign, { party_id: server, signature, recovery_id: 0 }),
    200,
    { success: true, all_completed: true },
  ],
]

test.each(examples)('§%s', async (_, call, status, body) => {
  const [method, path, request] = call()
  const answer = await rest(method, url(path), request)
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status, body })
})

/** The form of a join token, of a session that never was. */
const unknown: Opened = { session_id: '550e8400-e29b-41d4-a716-446655440000', join_tokens: {} }
const strangerBytes = Buffer.from(unknown.session_id.replaceAll('-', '') + '07'.repeat(32), 'hex')
const strangerToken = `mpc_join_${strangerBytes.toString('base64url')}`
let expired: Opened

type Refused = readonly [error: string, status: number, why: string, call: () => Request, field: string | null]

const refusals: readonly Refused[] = [
  ['invalid_request', 400, 't above n', () => create({ ...keygenRequest, threshold_t: 4 }), 'threshold_t'],
  ['invalid_request', 400, 'a wrong type', () => create({ ...keygenRequest, threshold_n: 'three' }), 'threshold_n'],
  [
    'invalid_request',
    400,
    'an id that is none',
    () => create({ ...keygenRequest, participants: [...participants.slice(1), { party_id: 'a b' }] }),
    'participants[2].party_id',
  ],
  [
    'invalid_request',
    400,
    'fewer participants than threshold_n',
    () => create({ ...keygenRequest, participants: participants.slice(1) }),
    'participants',
  ],
  ['invalid_request', 400, 'a short hash', () => create({ ...signRequest, message_hash: 'abc123...' }), 'message_hash'],
  [
    'threshold_not_met',
    400,
    'one signer where two are required',
    () => create({ ...signRequest, participants: participants.slice(0, 1) }),
    'participants',
  ],
  ['unauthorized', 401, 'the token as printed', () => joining('token-uuid-1', user), null],
  ['unauthorized', 401, "another party's token", () => joining(sign.join_tokens[user], server), null],
  ['not_found', 404, 'an unknown session', () => show(unknown), null],
  ['not_found', 404, 'starting an unknown session', () => start(unknown), null],
  ['not_found', 404, 'a party ready in an unknown session', () => ready(unknown, user), null],
  ['not_found', 404, 'a result of an unknown session', () => complete(unknown, { party_id: user }), null],
  ['not_found', 404, 'the token of an unknown session', () => joining(strangerToken, user), null],
  [
    'session_full',
    409,
    'a party that was not invited has a valid token when all have joined',
    () => joining(keygen.join_tokens[user], 'party_4'),
    'party_id',
  ],
  ['session_expired', 410, 'joining after expires_in_seconds', () => join(expired, user), null],
  ['session_expired', 410, 'starting after expires_in_seconds', () => start(expired), null],
]

describe('§6', () => {
  beforeAll(async () => {
    expired = await openSession(url('/sessions'), { ...keygenRequest, expires_in_seconds: 1 })
    await sleep(1_100)
  })

  test.each(refusals)('%s is %i: %s', async (error, status, _, call, field) => {
    const [method, path, request] = call()
    const answer = await rest(method, url(path), request)
    expect({ status: answer.status, body: answer.body }).toEqual({
      status,
      body: { error, message: expect.stringMatching(/./), details: expect.any(Object) },
    })
    if (field !== null) expect(answer.body['details']).toHaveProperty([field], expect.any(String))
  })

  test('a session past its time shows as expired (§2.5)', async () => {
    const { status, body } = await rest('GET', url(`/sessions/${expired.session_id}`))
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'expired' } })
  })
})

test('§8.1 what the Go client sends creates a session', async () => {
  const [file, service] = ['mpc/coordinator/v1/session_coordinator.proto', 'mpc.coordinator.v1.SessionCoordinator']
  const client = grpcClient(coordinator().grpcUrl, file, service)
  const request = {
    session_type: 'keygen',
    threshold_n: 3,
    threshold_t: 2,
    participants: [{ party_id: 'party_0' }, { party_id: 'party_1' }, { party_id: 'party_2' }],
  }
  expect(await client.call('CreateSession', request)).toMatchObject({ session_id: uuid })
  client.close()
})
