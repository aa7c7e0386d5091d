import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningService } from '../../../src/edge/serve.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import type { Router } from '../../../src/router/router.ts'
import { metricOf, openSocket, refusedSocket, startRouter } from './edge-fixture.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { bytes, openLog, openTestRouter, send } from './router-fixture.ts'
import { createSession, runningSession, type SessionFixture } from './session-fixture.ts'

const allowedOrigin = 'https://wallet.example'

let nats: TestNats
let log: EventLog
let sender: Router
let router: RunningService
let open: RunningService

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  sender = await openTestRouter(log)
  router = await startRouter(nats.url, { MPC_CORS_ORIGINS: allowedOrigin, MPC_ROUTER_MAX_SUBSCRIPTIONS_PER_PARTY: '1' })
  open = await startRouter(nats.url, { MPC_OPEN_MODE: 'true' })
})

afterAll(async () => {
  await router.close()
  await open.close()
  await sender.close()
  await log.close()
  await nats.stop()
})

function query(session: SessionFixture, partyId: string, more: Record<string, string> = {}): Record<string, string> {
  return { session_id: session.id, party_id: partyId, ...more }
}

function credential(session: SessionFixture, partyId: string) {
  return { headers: { authorization: `Bearer ${session.credential(partyId)}` } }
}

describe('a WebSocket subscription', () => {
  test('has one documented JSON message in each frame, replayed and live, and closes with the session', async () => {
    const session = await runningSession(log, ['a', 'b', 'c'])
    const first = await send(sender, session, 'a', { payload: bytes('replayed') })
    const socket = await openSocket(router, query(session, 'b'), credential(session, 'b'))
    await socket.received(1)
    const second = await send(sender, session, 'c', { to: ['b'], round: 0, payload: bytes('live') })
    await socket.received(2)
    await session.complete()
    expect(await socket.closed).toEqual({ code: 1000, reason: 'session completed' })
    expect(socket.frames).toEqual([
      {
        session_id: session.id,
        from_party: 'a',
        to_parties: [],
        round: 1,
        payload: Buffer.from('replayed').toString('base64'),
        is_broadcast: true,
        timestamp: expect.any(Number),
        sequence: first.sequence,
      },
      {
        session_id: session.id,
        from_party: 'c',
        to_parties: ['b'],
        round: 0,
        payload: Buffer.from('live').toString('base64'),
        is_broadcast: false,
        timestamp: expect.any(Number),
        sequence: second.sequence,
      },
    ])
  })

  test('goes on after the sequence that the client had last', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const sequences: number[] = []
    for (let round = 1; round <= 3; round += 1) sequences.push((await send(sender, session, 'a', { round })).sequence)
    await session.complete()
    const socket = await openSocket(
      router,
      query(session, 'b', { after_sequence: String(sequences[0]) }),
      credential(session, 'b'),
    )
    await socket.closed
    expect(socket.frames.map((frame) => frame['sequence'])).toEqual(sequences.slice(1))
  })

  test('of a party without keys needs no credential in open mode', async () => {
    const session = await createSession(log, ['a', 'b'])
    await session.join('b', { keys: false })
    const socket = await openSocket(open, query(session, 'b'))
    await session.fail('party_lost')
    expect(await socket.closed).toEqual({ code: 1000, reason: 'session failed' })
  })

  test('a large backlog arrives whole and in order', async () => {
    const session = await runningSession(log, ['a', 'b'])
    for (let round = 0; round < 60; round += 1) {
      await send(sender, session, 'a', { round, payload: new Uint8Array(100_000).fill(round) })
    }
    await session.complete()
    const socket = await openSocket(router, query(session, 'b'), credential(session, 'b'))
    expect(await socket.closed).toMatchObject({ code: 1000 })
    expect(socket.frames.map((frame) => frame['round'])).toEqual(Array.from({ length: 60 }, (_, round) => round))
  })

  test('a client that leaves frees its place', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const first = await openSocket(router, query(session, 'b'), credential(session, 'b'))
    expect(await refusedSocket(router, query(session, 'b'), credential(session, 'b'))).toMatchObject({ status: 429 })
    first.socket.terminate()
    let status = 429
    while (status === 429) {
      status = await openSocket(router, query(session, 'b'), credential(session, 'b')).then(
        ({ socket }) => (socket.terminate(), 101),
        () => 429,
      )
    }
    expect(status).toBe(101)
  })

  test('ignores small frames and closes on a large one', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const { socket, received, closed } = await openSocket(router, query(session, 'b'), credential(session, 'b'))
    socket.send('hello')
    await send(sender, session, 'a')
    await received(1)
    socket.send('x'.repeat(5000))
    expect(await closed).toMatchObject({ code: 1009 })
  })
})

describe('a refused WebSocket', () => {
  test.each([
    ['without credential', {}, {}, 401, 'unauthorized', 'party_id'],
    ['for an unknown session', { session_id: 'nowhere' }, { as: 'b' }, 404, 'not_found', 'session_id'],
    ['with a bad session id', { session_id: 'a.>' }, { as: 'b' }, 400, 'invalid_request', 'session_id'],
    ['without a party', { party_id: '' }, { as: 'b' }, 400, 'invalid_request', 'party_id'],
    ['with a bad position', { after_sequence: '-1' }, { as: 'b' }, 400, 'invalid_request', 'after_sequence'],
  ] as const)('%s gets the documented error body', async (_name, more, who, status, error, field) => {
    const session = await runningSession(log, ['a', 'b'])
    const options = 'as' in who ? credential(session, 'b') : {}
    const refused = await refusedSocket(router, { ...query(session, 'b'), ...more }, options)
    expect(refused.status).toBe(status)
    const body = JSON.parse(refused.body) as { error: string; details: Record<string, string> }
    expect(body).toMatchObject({ error, message: expect.any(String) })
    expect(Object.keys(body.details)).toEqual([field])
  })

  test.each([
    ['a foreign origin', () => 'https://evil.example'],
    ['no origin of its own', () => 'null'],
    ['the service itself, or of a name that resolves to it', () => router.httpUrl],
  ])('a page of %s may not subscribe, not even with a credential', async (_what, origin) => {
    const session = await runningSession(log, ['a', 'b'])
    const { headers } = credential(session, 'b')
    const refused = await refusedSocket(router, query(session, 'b'), { headers, origin: origin() })
    expect(refused.status).toBe(403)
    expect(JSON.parse(refused.body)).toMatchObject({ error: 'forbidden', details: { Origin: 'is not allowed' } })
  })

  test('a page of an allowed origin may subscribe', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const { headers } = credential(session, 'b')
    const allowed = await openSocket(router, query(session, 'b'), { headers, origin: allowedOrigin })
    await session.complete()
    expect(await allowed.closed).toMatchObject({ code: 1000 })
  })

  test('a plain GET is told that this is a WebSocket', async () => {
    const response = await fetch(`${router.httpUrl}/api/v1/messages/subscribe?session_id=a&party_id=b`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_request', details: { upgrade: expect.any(String) } })
  })
})

test.each([
  ['completed', (session: SessionFixture) => session.complete()],
  ['failed', (session: SessionFixture) => session.fail('party_lost')],
  ['expired', (session: SessionFixture) => session.expire()],
  ['closed', (session: SessionFixture) => session.fail('closed')],
] as const)('a session that is %s closes its sockets with 1000 and that word', async (outcome, end) => {
  const session = await runningSession(log, ['a', 'b'])
  const socket = await openSocket(router, query(session, 'b'), credential(session, 'b'))
  await end(session)
  expect(await socket.closed).toEqual({ code: 1000, reason: `session ${outcome}` })
})

test('a client that sends more frames than the router allows is closed with 1008', async () => {
  const strict = await startRouter(nats.url, { MPC_ROUTER_MAX_INCOMING_FRAMES: '2' })
  const session = await runningSession(log, ['a', 'b'])
  const { socket, closed } = await openSocket(strict, query(session, 'b'), credential(session, 'b'))
  for (let frame = 0; frame < 3; frame += 1) socket.send('hello')
  expect(await closed).toMatchObject({ code: 1008 })
  await strict.close()
})

test('a client that reads nothing is dropped, and goes on after its last position when it comes back', async () => {
  const strict = await startRouter(nats.url, {
    MPC_ROUTER_DRAIN_MS: '50',
    MPC_ROUTER_SOCKET_BUFFER_BYTES: '1000',
    MPC_ROUTER_MAX_SUBSCRIPTIONS_PER_PARTY: '1',
  })
  const session = await runningSession(log, ['a', 'b'])
  const rounds = Array.from({ length: 40 }, (_, round) => round)
  for (const round of rounds) await send(sender, session, 'a', { round, payload: new Uint8Array(500_000) })
  const slow = await openSocket(strict, query(session, 'b'), credential(session, 'b'))
  slow.socket.pause()
  const dropped = (): Promise<number> => metricOf(strict, 'mpc_router_dropped_clients_total', 'reason="slow"')
  while ((await dropped()) === 0) await delay(20)
  slow.socket.resume()
  expect(await slow.closed).toMatchObject({ code: 1008 })
  expect(slow.frames.length).toBeLessThan(rounds.length)
  await session.complete()
  const frames = [...slow.frames]
  // With so little patience the router may drop it again where the machine is busy.
  for (let code = 1008; code === 1008; ) {
    const position = String(frames.at(-1)?.['sequence'] ?? 0)
    const again = await openSocket(strict, query(session, 'b', { after_sequence: position }), credential(session, 'b'))
    code = (await again.closed).code
    frames.push(...again.frames)
  }
  expect(frames.map((frame) => frame['round'])).toEqual(rounds)
  await strict.close()
})

test('a router that stops tells its sockets to come back, and keeps nothing open', async () => {
  const stopping = await startRouter(nats.url)
  const session = await runningSession(log, ['a', 'b'])
  const socket = await openSocket(stopping, query(session, 'b'), credential(session, 'b'))
  await stopping.close()
  expect([1001, 1013]).toContain((await socket.closed).code)
})
