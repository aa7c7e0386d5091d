import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningService } from '../../../src/edge/serve.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import { messagesOfSession } from '../../../src/events/subjects.ts'
import { decodeMessageEvent } from '../../../src/events/message-event.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { openSocket, refusedSocket, startRouter } from './edge-fixture.ts'
import { openLog, openTestRouter, readAll, send } from './router-fixture.ts'
import { createSession, runningSession, type SessionFixture } from './session-fixture.ts'

const allowedOrigin = 'https://wallet.example'
const otherOrigin = 'https://other.example'

let nats: TestNats
let log: EventLog
let sender: Router
let router: RunningService
/** Another process would not know more of the first: all that they share is the log. */
let second: RunningService
let open: RunningService

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  sender = await openTestRouter(log)
  const env = { MPC_CORS_ORIGINS: `${allowedOrigin},${otherOrigin}` }
  router = await startRouter(nats.url, env)
  second = await startRouter(nats.url, env)
  open = await startRouter(nats.url, { MPC_OPEN_MODE: 'true' })
})

afterAll(async () => {
  for (const service of [router, second, open]) await service.close()
  await sender.close()
  await log.close()
  await nats.stop()
})

type Body = Readonly<Record<string, unknown>>

async function ask(
  service: RunningService,
  body: Body,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${service.httpUrl}/api/v1/messages/subscribe/ticket`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Body }
}

async function ticketFor(session: SessionFixture, partyId: string, more: Body = {}, origin?: string): Promise<string> {
  const authorization = `Bearer ${session.credential(partyId)}`
  const headers = { authorization, ...(origin === undefined ? {} : { origin }) }
  const { status, body } = await ask(router, { session_id: session.id, party_id: partyId, ...more }, headers)
  expect(status).toBe(201)
  return String(body['ticket'])
}

function query(session: SessionFixture, partyId: string, more: Record<string, string> = {}): Record<string, string> {
  return { session_id: session.id, party_id: partyId, ...more }
}

function protocols(ticket: string) {
  return ['mpc.router.v1', ticket]
}

describe('a ticket', () => {
  test('opens a WebSocket without any credential, on any router, where it was asked for', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const first = await send(sender, session, 'a', { round: 1 })
    await send(sender, session, 'a', { round: 2 })
    const ticket = await ticketFor(session, 'b', { after_sequence: first.sequence })
    const socket = await openSocket(second, query(session, 'b'), { protocols: protocols(ticket) })
    expect(socket.socket.protocol).toBe('mpc.router.v1')
    await session.complete()
    expect(await socket.closed).toEqual({ code: 1000, reason: 'session completed' })
    expect(socket.frames.map((frame) => frame['round'])).toEqual([2])
  })

  test('gives way to the position in the URL', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const sent = await send(sender, session, 'a')
    const ticket = await ticketFor(session, 'b')
    const after = { after_sequence: String(sent.sequence) }
    const socket = await openSocket(router, query(session, 'b', after), { protocols: protocols(ticket) })
    await session.complete()
    await socket.closed
    expect(socket.frames).toEqual([])
  })

  test('is answered as documented, and only its hash is stored', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const request = { session_id: session.id, party_id: 'b', after_sequence: 7 }
    const headers = { authorization: `Bearer ${session.credential('b')}`, origin: allowedOrigin }
    const before = Math.floor(Date.now() / 1000)
    const { status, body } = await ask(router, request, headers)
    expect(status).toBe(201)
    expect(body).toEqual({
      ticket: expect.stringMatching(/^mpc_ticket_[A-Za-z0-9_-]{43}$/),
      expires_at: expect.any(Number),
    })
    expect(Number(body['expires_at']) - before).toBeLessThanOrEqual(31)
    const events = await readAll(log.read(messagesOfSession(session.id)))
    const stored = events.map(({ data }) => decodeMessageEvent(data)?.payload)
    expect(stored).toMatchObject([
      { case: 'subscriptionTicketIssued', value: { partyId: 'b', afterSequence: 7n, origin: allowedOrigin } },
    ])
    const raw = Buffer.concat(events.map(({ data }) => data))
    expect(raw.includes(createHash('sha256').update(String(body['ticket'])).digest())).toBe(true)
    expect(raw.includes(String(body['ticket']))).toBe(false)
  })

  test('needs no credential for a party without keys in open mode', async () => {
    const session = await createSession(log, ['a', 'b'])
    await session.join('b', { keys: false })
    const { body } = await ask(open, { session_id: session.id, party_id: 'b' })
    const socket = await openSocket(open, query(session, 'b'), { protocols: protocols(String(body['ticket'])) })
    await session.fail('party_lost')
    expect(await socket.closed).toEqual({ code: 1000, reason: 'session failed' })
  })

  test('is refused to who is not the party, to strangers, and beyond the number for one party', async () => {
    const poor = await startRouter(nats.url, { MPC_ROUTER_MAX_TICKETS_PER_PARTY: '2' })
    const session = await runningSession(log, ['a', 'b'])
    const request = { session_id: session.id, party_id: 'b' }
    const own = { authorization: `Bearer ${session.credential('b')}` }
    const other = { authorization: `Bearer ${session.credential('a')}` }
    const outcome = async (...call: Parameters<typeof ask>) => {
      const { status, body } = await ask(...call)
      return [status, Object.keys(body['details'] ?? {})]
    }
    expect(await outcome(poor, request)).toEqual([401, ['Authorization']])
    expect(await outcome(poor, request, other)).toEqual([401, ['party_id']])
    expect(await outcome(poor, { ...request, session_id: 'nowhere' }, own)).toEqual([404, ['session_id']])
    expect(await outcome(poor, { ...request, after_sequence: -1 }, own)).toEqual([400, ['after_sequence']])
    const answers = []
    for (let count = 0; count < 3; count += 1) answers.push(await outcome(poor, request, own))
    expect(answers).toEqual([
      [201, []],
      [201, []],
      [429, ['party_id']],
    ])
    await ticketFor(session, 'a')
    await poor.close()
  })
})

describe('a WebSocket with a ticket', () => {
  async function refusal(service: RunningService, target: Record<string, string>, offered: string[], origin?: string) {
    const headers = { 'sec-websocket-protocol': offered.join(', ') }
    const refused = await refusedSocket(service, target, { headers, ...(origin === undefined ? {} : { origin }) })
    const body = JSON.parse(refused.body) as { error: string; details: Record<string, string> }
    return [refused.status, body.error, body.details]
  }

  test('is refused when the ticket was used, also on another router, and with the credential beside it', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const ticket = await ticketFor(session, 'b')
    const socket = await openSocket(router, query(session, 'b'), { protocols: protocols(ticket) })
    const used = [401, 'unauthorized', { ticket: 'has been used' }]
    expect(await refusal(router, query(session, 'b'), protocols(ticket))).toEqual(used)
    expect(await refusal(second, query(session, 'b'), protocols(ticket))).toEqual(used)
    const headers = {
      authorization: `Bearer ${session.credential('b')}`,
      'sec-websocket-protocol': protocols(ticket).join(', '),
    }
    expect((await refusedSocket(second, query(session, 'b'), { headers })).status).toBe(401)
    socket.socket.terminate()
  })

  test('is let in once, when many show the same ticket to several routers at the same time', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const ticket = await ticketFor(session, 'b')
    const attempts = Array.from({ length: 20 }, (_, index) =>
      openSocket(index % 2 === 0 ? router : second, query(session, 'b'), { protocols: protocols(ticket) }),
    )
    const settled = await Promise.allSettled(attempts)
    const opened = settled.filter((attempt) => attempt.status === 'fulfilled')
    expect(opened).toHaveLength(1)
    for (const attempt of opened) attempt.value.socket.terminate()
  })

  test('is refused when the ticket has expired', async () => {
    const brief = await startRouter(nats.url, { MPC_ROUTER_TICKET_MS: '10' })
    const session = await runningSession(log, ['a', 'b'])
    const headers = { authorization: `Bearer ${session.credential('b')}` }
    const { body } = await ask(brief, { session_id: session.id, party_id: 'b' }, headers)
    await delay(20)
    const late = await refusal(second, query(session, 'b'), protocols(String(body['ticket'])))
    expect(late).toEqual([401, 'unauthorized', { ticket: 'has expired' }])
    await brief.close()
  })

  test('is refused for another party and another session than those of the ticket', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const elsewhere = await runningSession(log, ['a', 'b'])
    const ticket = await ticketFor(session, 'b')
    const foreign = [401, 'unauthorized', { ticket: 'is not one of this session and party' }]
    expect(await refusal(router, query(session, 'a'), protocols(ticket))).toEqual(foreign)
    expect(await refusal(router, query(elsewhere, 'b'), protocols(ticket))).toEqual(foreign)
    const stranger = [401, 'unauthorized', { party_id: expect.any(String) }]
    expect(await refusal(router, query(session, 'z'), protocols(ticket))).toEqual(stranger)
    const socket = await openSocket(router, query(session, 'b'), { protocols: protocols(ticket) })
    socket.socket.terminate()
  })

  test('is refused to a page of another origin than the one that asked, also to none', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const ticket = await ticketFor(session, 'b', {}, allowedOrigin)
    const foreign = [401, 'unauthorized', { ticket: 'was issued to another origin' }]
    expect(await refusal(router, query(session, 'b'), protocols(ticket), otherOrigin)).toEqual(foreign)
    expect(await refusal(router, query(session, 'b'), protocols(ticket))).toEqual(foreign)
    const own = await openSocket(router, query(session, 'b'), { protocols: protocols(ticket), origin: allowedOrigin })
    own.socket.terminate()
  })

  test('is answered with the protocol before it, and nothing else ever is', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const ticket = await ticketFor(session, 'b')
    const own = await openSocket(router, query(session, 'b'), { protocols: protocols(ticket) })
    expect(own.socket.protocol).toBe('mpc.router.v1')
    const authorization = `Bearer ${session.credential('a')}`
    const headers = { authorization, 'sec-websocket-protocol': 'another' }
    const other = await openSocket(router, query(session, 'a'), { headers })
    expect(other.socket.protocol).toBe('')
    for (const { socket } of [own, other]) socket.terminate()
  })

  test.each([
    ['made up', ['mpc.router.v1', `mpc_ticket_${'A'.repeat(43)}`], 401, 'ticket'],
    ['without the protocol before it', [`mpc_ticket_${'A'.repeat(43)}`], 400, 'Sec-WebSocket-Protocol'],
    ['before the protocol', [`mpc_ticket_${'A'.repeat(43)}`, 'mpc.router.v1'], 400, 'Sec-WebSocket-Protocol'],
  ])('is refused when the ticket is %s', async (_what, offered, status, field) => {
    const session = await runningSession(log, ['a', 'b'])
    const [actual, , details] = await refusal(router, query(session, 'b'), offered)
    expect([actual, Object.keys(details as object)]).toEqual([status, [field]])
  })
})
