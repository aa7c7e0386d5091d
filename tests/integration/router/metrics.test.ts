import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import type { RunningService } from '../../../src/edge/serve.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { metricOf, openSocket, refusedSocket, startRouter } from './edge-fixture.ts'
import { bytes, openLog } from './router-fixture.ts'
import { runningSession } from './session-fixture.ts'

let nats: TestNats
let log: EventLog
let router: RunningService

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  router = await startRouter(nats.url)
})

afterAll(async () => {
  await router.close()
  await log.close()
  await nats.stop()
})

function count(name: string, ...labels: string[]): Promise<number> {
  return metricOf(router, `mpc_router_${name}`, ...labels)
}

test('what goes through the router is counted, and what it holds is shown', async () => {
  const session = await runningSession(log, ['a', 'b'])
  const bearer = (party: string) => ({ headers: { authorization: `Bearer ${session.credential(party)}` } })
  const client = createClient(MessageRouter, createGrpcTransport({ baseUrl: router.grpcUrl }))
  const message = { sessionId: session.id, fromParty: 'a', round: 1, payload: bytes('hello') }
  await client.routeMessage(message, bearer('a'))
  await client.routeMessage(message, bearer('a'))
  await client.routeMessage({ ...message, payload: bytes('other') }, bearer('a')).catch(() => undefined)
  await client.routeMessage(message, bearer('b')).catch(() => undefined)
  expect(await count('messages_total', 'outcome="stored"')).toBe(1)
  expect(await count('messages_total', 'outcome="duplicate"')).toBe(1)
  expect(await count('message_bytes_total')).toBe(5)
  expect(await count('refusals_total', 'operation="route"', 'code="conflict"')).toBe(1)
  expect(await count('refusals_total', 'operation="route"', 'code="unauthorized"')).toBe(1)

  const party = { sessionId: session.id, partyId: 'b' }
  await client.getPendingMessages(party, bearer('b'))
  expect([await count('pending_pages_total'), await count('pending_messages_total')]).toEqual([1, 1])

  const options = { baseUrl: router.httpUrl, httpVersion: '1.1' } as const
  const transports = {
    grpc: createGrpcTransport({ baseUrl: router.grpcUrl }),
    connect: createConnectTransport(options),
    'grpc-web': createGrpcWebTransport(options),
  }
  const ends = new AbortController()
  for (const [kind, transport] of Object.entries(transports)) {
    const call = { ...bearer('b'), signal: ends.signal }
    const stream = createClient(MessageRouter, transport).subscribeMessages(party, call)[Symbol.asyncIterator]()
    expect((await stream.next()).value?.round).toBe(1)
    expect(await count('subscriptions', `kind="${kind}"`)).toBe(1)
    expect(await count('delivered_messages_total', `kind="${kind}"`)).toBe(1)
    expect(await count('delivered_bytes_total', `kind="${kind}"`)).toBe(5)
  }
  const { ticket } = await client.createSubscriptionTicket(party, bearer('b'))
  const query = { session_id: session.id, party_id: 'b' }
  const protocols = ['mpc.router.v1', ticket]
  const socket = await openSocket(router, query, { protocols })
  await refusedSocket(router, query, { headers: { 'sec-websocket-protocol': protocols.join(', ') } })
  await socket.received(1)
  expect(await count('subscriptions', 'kind="websocket"')).toBe(1)
  expect(await count('delivered_messages_total', 'kind="websocket"')).toBe(1)
  expect(await count('tickets_total', 'step="issued"')).toBe(1)
  expect(await count('tickets_total', 'step="redeemed"')).toBe(1)
  expect(await count('refusals_total', 'operation="subscribe"', 'code="unauthorized"')).toBe(1)
  expect([await count('sessions'), await count('mailboxes')]).toEqual([1, 1])
  expect(await count('memory_payload_bytes')).toBe(5)
  expect(await count('indexed_messages')).toBeGreaterThan(0)

  socket.socket.send('x'.repeat(5000))
  await socket.closed
  expect(await count('dropped_clients_total', 'reason="oversized"')).toBe(1)
  ends.abort()
  await session.complete()
  for (const kind of [...Object.keys(transports), 'websocket']) {
    while ((await count('subscriptions', `kind="${kind}"`)) !== 0);
  }
})
