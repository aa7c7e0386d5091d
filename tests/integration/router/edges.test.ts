import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningService } from '../../../src/edge/serve.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import { MessageRouter, type MPCMessage } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { startRouter } from './edge-fixture.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { bytes, openLog, text } from './router-fixture.ts'
import { createSession, runningSession, type SessionFixture } from './session-fixture.ts'

let nats: TestNats
let log: EventLog
let router: RunningService
let open: RunningService
let grpc: Client<typeof MessageRouter>

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  router = await startRouter(nats.url)
  open = await startRouter(nats.url, { MPC_OPEN_MODE: 'true' })
  grpc = createClient(MessageRouter, createGrpcTransport({ baseUrl: router.grpcUrl }))
})

afterAll(async () => {
  await router.close()
  await open.close()
  await log.close()
  await nats.stop()
})

function bearer(session: SessionFixture, partyId: string) {
  return { headers: { authorization: `Bearer ${session.credential(partyId)}` } }
}

function post(service: RunningService, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${service.httpUrl}/api/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

async function subscribed(client: Client<typeof MessageRouter>, session: SessionFixture, partyId: string) {
  const received: MPCMessage[] = []
  const request = { sessionId: session.id, partyId }
  for await (const message of client.subscribeMessages(request, bearer(session, partyId))) received.push(message)
  return received
}

describe('gRPC and Connect', () => {
  test.each(['grpc', 'connect'] as const)('%s: routes, subscribes to the end, and fetches', async (protocol) => {
    const client =
      protocol === 'grpc'
        ? grpc
        : createClient(MessageRouter, createConnectTransport({ baseUrl: router.httpUrl, httpVersion: '1.1' }))
    const session = await runningSession(log, ['a', 'b', 'c'])
    const live = subscribed(client, session, 'b')
    const payload = bytes('sealed')
    const request = { sessionId: session.id, fromParty: 'a', toParties: ['b'], round: 3, payload }
    const routed = await client.routeMessage(request, bearer(session, 'a'))
    expect(routed).toMatchObject({ success: true, duplicate: false })
    expect(await client.routeMessage(request, bearer(session, 'a'))).toMatchObject({
      success: true,
      duplicate: true,
      sequence: routed.sequence,
    })
    const pending = await client.getPendingMessages({ sessionId: session.id, partyId: 'b' }, bearer(session, 'b'))
    await session.complete()
    const [message, ...more] = await live
    expect(more).toEqual([])
    expect(message).toMatchObject({
      sessionId: session.id,
      fromParty: 'a',
      toParties: ['b'],
      round: 3,
      isBroadcast: false,
      sequence: routed.sequence,
    })
    expect(text(message?.payload ?? new Uint8Array())).toBe('sealed')
    expect(Math.abs(Number(message?.timestamp) - Date.now() / 1000)).toBeLessThan(60)
    expect(pending.messages).toMatchObject([{ fromParty: 'a', round: 3, timestamp: message?.timestamp }])
  })

  test('refusals carry their code and the field', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const request = { sessionId: session.id, fromParty: 'a', toParties: ['a'], payload: bytes('x') }
    const code = (error: unknown): string => Code[ConnectError.from(error).code]
    await expect(grpc.routeMessage(request, bearer(session, 'b')).catch(code)).resolves.toBe('Unauthenticated')
    await expect(grpc.routeMessage(request, bearer(session, 'a')).catch(code)).resolves.toBe('InvalidArgument')
    await expect(subscribed(grpc, { ...session, id: 'unknown' }, 'a').catch(code)).resolves.toBe('NotFound')
  })

  test('a client that cancels its stream frees its place', async () => {
    const session = await runningSession(log, ['a', 'b'])
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const cancel = new AbortController()
      const options = { ...bearer(session, 'b'), signal: cancel.signal }
      const stream = grpc.subscribeMessages({ sessionId: session.id, partyId: 'b' }, options)[Symbol.asyncIterator]()
      await grpc.routeMessage(
        { sessionId: session.id, fromParty: 'a', round: attempt, payload: bytes('x') },
        bearer(session, 'a'),
      )
      await stream.next()
      cancel.abort()
      await expect(stream.next()).rejects.toMatchObject({ code: Code.Canceled })
    }
  })
})

describe('REST', () => {
  test('the documented request is stored, and the documented list has it', async () => {
    const session = await createSession(log, ['party_0', 'party_1'])
    await session.join('party_0', { keys: false })
    await session.join('party_1', { keys: false })
    await session.start()
    const sent = await post(open, {
      session_id: session.id,
      from_party: 'party_0',
      to_parties: ['party_1'],
      round: 1,
      payload: Buffer.from('tss').toString('base64'),
      is_broadcast: false,
    })
    expect(sent.status).toBe(200)
    expect(await sent.json()).toMatchObject({ success: true, duplicate: false })
    const list = await fetch(`${open.httpUrl}/api/v1/sessions/${session.id}/messages?party_id=party_1`)
    expect(list.status).toBe(200)
    expect(await list.json()).toMatchObject({
      messages: [
        {
          from_party: 'party_0',
          round: 1,
          payload: Buffer.from('tss').toString('base64'),
          timestamp: expect.any(Number),
          sequence: expect.any(Number),
        },
      ],
      has_more: false,
    })
  })

  test.each([
    ['no credential', {}, {}, 401, 'unauthorized', 'Authorization'],
    ['an unknown session', { session_id: 'nowhere' }, { as: 'a' }, 404, 'not_found', 'session_id'],
    ['itself as recipient', { to_parties: ['a'] }, { as: 'a' }, 400, 'invalid_request', 'to_parties[0]'],
    ['a foreign recipient', { to_parties: ['b', 'z'] }, { as: 'a' }, 400, 'invalid_request', 'to_parties[1]'],
    ['a contradiction', { is_broadcast: true }, { as: 'a' }, 400, 'invalid_request', 'is_broadcast'],
    ['no payload', { payload: '' }, { as: 'a' }, 400, 'invalid_request', 'payload'],
    ['a bad id', { from_party: 'a.b' }, { as: 'a' }, 400, 'invalid_request', 'from_party'],
    ['another payload than before', { round: 0 }, { as: 'a' }, 409, 'conflict', 'payload'],
  ] as const)('%s is refused with the documented body', async (_name, fields, who, status, error, field) => {
    const session = await runningSession(log, ['a', 'b'])
    const body = { session_id: session.id, from_party: 'a', to_parties: ['b'], payload: 'AAEC' }
    const credential = { authorization: `Bearer ${session.credential('a')}` }
    await post(router, { ...body, round: 0, payload: 'BBBB' }, credential)
    const response = await post(router, { ...body, round: 1, ...fields }, 'as' in who ? credential : {})
    expect(response.status).toBe(status)
    const refusal = (await response.json()) as { error: string; message: string; details: Record<string, string> }
    expect(refusal).toMatchObject({ error, message: expect.any(String) })
    expect(Object.keys(refusal.details)).toEqual([field])
  })
})

test('the service says that it is the message router', async () => {
  const health = await fetch(`${router.httpUrl}/health`)
  expect(await health.json()).toMatchObject({ service: 'message-router' })
  expect((await fetch(`${router.httpUrl}/readyz`)).status).toBe(200)
})

test('bad configuration is refused by the name of its variable', async () => {
  await expect(startRouter('', {})).rejects.toThrow('NATS_URL')
  await expect(startRouter(nats.url, { MPC_ROUTER_MAX_SESSION_BYTES: 'many' })).rejects.toThrow(
    'MPC_ROUTER_MAX_SESSION_BYTES',
  )
})
