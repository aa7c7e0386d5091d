/**
 * Who may speak for a party: every method of coordinator and router, over every protocol that has it, with every bearer
 * that is not the right one. The methods come from the contracts: one that is new fails here until it is in the table.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { DescMethodServerStreaming, DescMethodUnary } from '@bufbuild/protobuf'
import { createAsyncIterable } from '@connectrpc/connect/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { callOver, protocols, seenOf, statusOf, transportOf, type ProtocolName, type Seen } from '../edge/protocols.ts'
import { refusedSocket } from '../router/edge-fixture.ts'
import { methods, others, services, type Method, type Needs } from './methods.ts'
import { startSystem, type Mode, type PartyId, type Session, type System } from './system.ts'

let system: System
let session: Session
let elsewhere: Session
let over: Readonly<Record<'closed' | 'expired', Session>>
let ticket: string

beforeAll(async () => {
  system = await startSystem()
  const [running, other, closed, expired] = await Promise.all([
    system.open('running'),
    system.open('running'),
    system.open('closed'),
    system.open('expired'),
  ])
  session = running
  elsewhere = other
  over = { closed, expired }
  const create = MessageRouter.method.createSubscriptionTicket
  const request = { sessionId: session.id, partyId: 'alice' }
  const headers = { authorization: `Bearer ${session.credentials.alice}` }
  const answer = await transportOf('grpc', system.urls.closed.router).unary(create, undefined, 10_000, headers, request)
  ticket = answer.message.ticket
  // Subscriptions tell with their first message that they are open.
  const from = { authorization: `Bearer ${session.credentials.bob}` }
  const greeting = { sessionId: session.id, fromParty: 'bob', toParties: [], round: 1, payload: new Uint8Array(1) }
  await transportOf('grpc', system.urls.closed.router).unary(
    MessageRouter.method.routeMessage,
    undefined,
    10_000,
    from,
    greeting,
  )
})

afterAll(() => system.close())

type Call = Readonly<{ bearer: string | null; mode?: Mode; of?: Session; party?: PartyId }>

/** What the method says to alice's request, or another party's, over one protocol. */
async function asked(
  { method, at, request }: Method,
  protocol: ProtocolName,
  { bearer, mode = 'closed', of = session, party = 'alice' }: Call,
  query: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const urls = system.urls[mode][at]
  const headers = bearer === null ? {} : { authorization: `Bearer ${bearer}` }
  const body = request(of.id, party)
  if (method.methodKind === 'unary') {
    // A unary method by its kind.
    return callOver(protocol, urls, method as DescMethodUnary, body, headers, query)
  }
  if (protocol === 'rest') throw new Error('streams have no REST form')
  const end = new AbortController()
  try {
    const { stream } = { stream: method as DescMethodServerStreaming } // all others are
    const input = createAsyncIterable([body])
    const { message } = await transportOf(protocol, urls).stream(stream, end.signal, 10_000, headers, input)
    await message[Symbol.asyncIterator]().next()
    return { error: null, message: '', details: {}, status: 200, code: null, headers: new Headers() }
  } catch (error) {
    return seenOf(error)
  } finally {
    end.abort()
  }
}

const spoken = ({ method }: Method) => protocols.filter((name) => name !== 'rest' || method.methodKind === 'unary')

async function everyProtocol(method: Method, call: Call): Promise<readonly (readonly [ProtocolName, Seen])[]> {
  return Promise.all(spoken(method).map(async (name) => [name, await asked(method, name, call)] as const))
}

/** Without a bearer that could be a party's, the port answers before the method does. */
const unauthorized = (method: Method, protocol: ProtocolName, { bearer, mode = 'closed' }: Call) => {
  const isForParties = mode === 'open' || (bearer !== null && !bearer.startsWith('mpc_key_'))
  const field = method.needs === 'party' && !isForParties ? 'Authorization' : method.field
  return {
    error: 'unauthorized',
    status: statusOf(protocol, 'unauthorized'),
    message: expect.stringMatching(/credential|API key/),
    details: { [field]: expect.any(String) },
  }
}

const forbidden = (protocol: ProtocolName) => ({
  error: 'forbidden',
  status: statusOf(protocol, 'forbidden'),
  message: expect.stringMatching(/scope/),
  details: { Authorization: expect.any(String) },
})

/** Bearers that are not alice's credential. `fits`: where they are right all the same; `lacks`: known, but not enough. */
type Wrong = Readonly<{ what: string; bearer: () => string | null; fits: readonly Needs[]; lacks?: readonly Needs[] }>

const wrong: readonly Wrong[] = [
  { what: 'no credential', bearer: () => null, fits: [] },
  { what: 'the credential of another party', bearer: () => session.credentials.bob, fits: ['member', 'auditor'] },
  { what: 'that of a party without keys', bearer: () => session.credentials.carol, fits: ['member', 'auditor'] },
  { what: 'its credential of another session', bearer: () => elsewhere.credentials.alice, fits: [] },
  { what: 'its credential of a session that is over', bearer: () => over.closed.credentials.alice, fits: [] },
  { what: 'a forged credential', bearer: () => `mpc_party_${randomBytes(32).toString('base64url')}`, fits: [] },
  { what: 'its credential cut short', bearer: () => session.credentials.alice.slice(0, -1), fits: [] },
  { what: 'its credential with one character more', bearer: () => `${session.credentials.alice}A`, fits: [] },
  { what: 'its credential with another last character', bearer: () => otherEnd(session.credentials.alice), fits: [] },
  { what: 'the hash of its credential, as the log has it', bearer: () => hashOf(session.credentials.alice), fits: [] },
  { what: 'its join token', bearer: () => session.joinTokens.alice, fits: [] },
  { what: 'its ticket for a WebSocket', bearer: () => ticket, fits: [] },
  {
    what: 'an API key of callers',
    bearer: () => system.apiKeys.sessions,
    fits: ['member', 'caller'],
    lacks: ['auditor'],
  },
  {
    what: 'an API key of auditors',
    bearer: () => system.apiKeys.audit,
    fits: ['auditor'],
    lacks: ['member', 'caller'],
  },
]

const otherEnd = (text: string) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')
const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url')

test('every method of coordinator and router is in the table, or has another credential', () => {
  const declared = Object.entries(services).flatMap(([at, list]) =>
    list.flatMap((service) => service.methods.map((method) => `${method.name} of ${at}`)),
  )
  const listed = methods.map(({ name, at }) => `${name} of ${at}`)
  const elsewhereTested = Object.keys(others).map((name) => `${name} of coordinator`)
  expect([...listed, ...elsewhereTested].sort()).toEqual(declared.sort())
})

describe.each(methods.map((method) => [method.name, method] as const))('%s', (_name, method) => {
  const refused = wrong.filter(({ fits }) => !fits.includes(method.needs))

  test.each(refused.map((row) => [row.what, row] as const))('is refused with %s', async (_what, row) => {
    const call = { bearer: row.bearer() }
    for (const [protocol, seen] of await everyProtocol(method, call)) {
      const answer = row.lacks?.includes(method.needs) ? forbidden(protocol) : unauthorized(method, protocol, call)
      expect(seen, protocol).toMatchObject(answer)
    }
  })

  test('is answered with the right one', async () => {
    const bearer = method.needs === 'caller' ? system.apiKeys.sessions : session.credentials.alice
    // Closing would end the session; a report without a result is refused, but not for who makes it.
    const call = method.name === 'CloseSession' ? { bearer, of: over.closed } : { bearer }
    const accepted = method.name === 'ReportCompletion' ? 'invalid_request' : null
    for (const [protocol, { error }] of await everyProtocol(method, call)) {
      expect([protocol, error]).toEqual([protocol, accepted])
    }
  })

  if (method.needs === 'caller') return

  test.each(['closed', 'expired'] as const)('is answered as documented when the session is %s', async (stage) => {
    const of = over[stage]
    for (const [protocol, { error }] of await everyProtocol(method, { bearer: of.credentials.alice, of })) {
      expect([protocol, error]).toEqual([protocol, method.over[stage]])
    }
  })

  test.each(['closed', 'expired'] as const)('is refused to strangers when the session is %s', async (stage) => {
    for (const bearer of [null, session.credentials.alice]) {
      const call = { bearer, of: over[stage] }
      for (const [protocol, seen] of await everyProtocol(method, call)) {
        expect(seen, protocol).toMatchObject(unauthorized(method, protocol, call))
      }
    }
  })

  if (method.needs !== 'party') return

  test('asks a party with keys for its credential in open mode too, and one without keys for none', async () => {
    for (const bearer of [null, session.credentials.bob]) {
      const call = { bearer, mode: 'open' } as const
      for (const [protocol, seen] of await everyProtocol(method, call)) {
        expect(seen, protocol).toMatchObject(unauthorized(method, protocol, call))
      }
    }
    for (const [protocol, { error }] of await everyProtocol(method, { bearer: null, mode: 'open', party: 'carol' })) {
      expect([protocol, error === 'unauthorized']).toEqual([protocol, false])
    }
  })
})

describe('a secret in a URL', () => {
  const names = ['access_token', 'authorization', 'Authorization', 'bearer', 'credential', 'party_credential', 'token']
  const everywhere = (secret: string) => Object.fromEntries(names.map((name) => [name, secret]))
  const unary = methods.filter(({ method }) => method.methodKind === 'unary')

  test.each(unary.map((method) => [method.name, method] as const))('opens nothing: %s', async (_name, method) => {
    const secret = method.needs === 'caller' ? system.apiKeys.sessions : session.credentials.alice
    for (const value of [secret, `Bearer ${secret}`]) {
      const seen = await asked(method, 'rest', { bearer: null }, everywhere(value))
      expect(seen).toMatchObject(unauthorized(method, 'rest', { bearer: null }))
    }
  })

  test('opens no WebSocket, be it the credential or a ticket', async () => {
    const target = { session_id: session.id, party_id: 'alice' }
    for (const secret of [session.credentials.alice, ticket]) {
      const query = { ...target, ...everywhere(secret), ticket: secret }
      expect(await refusedSocket(system.urls.closed.router, query)).toMatchObject({ status: 401 })
    }
  })

  test('lets nobody join', async () => {
    const { coordinator } = system.urls.closed
    const query = new URLSearchParams({ join_token: session.joinTokens.carol, party_id: 'carol' })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${coordinator.httpUrl}/api/v1/sessions/join?${query}`, {
      method: 'POST',
      headers,
      body: '{}',
    })
    expect(response.status).toBe(400)
    const refused = { error: 'invalid_request', details: { join_token: expect.any(String) } }
    expect(await response.json()).toMatchObject(refused)
  })
})

describe('a WebSocket', () => {
  const refused = wrong.filter(({ what }) => what !== 'no credential')

  test.each(refused.map((row) => [row.what, row] as const))('is refused with %s', async (_what, { bearer }) => {
    const target = { session_id: session.id, party_id: 'alice' }
    const headers = { authorization: `Bearer ${bearer()}` }
    const { status, body } = await refusedSocket(system.urls.closed.router, target, { headers })
    expect(status).toBe(401)
    expect(JSON.parse(body)).toMatchObject({ error: 'unauthorized', details: { party_id: expect.any(String) } })
  })
})
