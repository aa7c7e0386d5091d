import { request as httpRequest } from 'node:http'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Refusal } from '../../../src/edge/refusal.ts'
import { ErrorDetailSchema } from '../../../src/gen/mpc/api/v1/error_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { serveSample, type Sample } from './sample-service.ts'

const wallet = 'https://wallet.example'
let sample: Sample
beforeAll(async () => {
  sample = await serveSample({
    env: { MPC_CORS_ORIGINS: wallet },
    definition: {
      webSocketPaths: ['/echo'],
      http: (app, upgrade, identify) =>
        app.get(
          '/echo',
          upgrade((context) => {
            const { bearer } = identify(context.req.raw.headers)
            if (bearer === 'nobody') throw new Refusal('unauthorized', 'nobody')
            return { onMessage: (event, socket) => socket.send(`${bearer}: ${String(event.data)}`) }
          }),
        ),
    },
  })
})
afterAll(() => sample.close())

describe.each([
  ['Connect', () => createConnectTransport({ baseUrl: sample.httpUrl })],
  ['Connect with binary messages', () => createConnectTransport({ baseUrl: sample.httpUrl, useBinaryFormat: true })],
  ['gRPC-web', () => createGrpcWebTransport({ baseUrl: sample.httpUrl })],
])('over %s', (_, transport) => {
  test('a call is answered', async () => {
    const created = await createClient(SessionCoordinator, transport()).createSession({
      sessionType: 'keygen',
      participants: [{ partyId: 'a' }],
    })
    expect(created).toMatchObject({ sessionId: 's1', joinTokens: { a: 'token-a' }, expiresAt: 1703145600n })
  })

  test('a refusal carries code and documented detail', async () => {
    const error = await createClient(SessionCoordinator, transport())
      .joinSession({ joinToken: 't', partyId: 'a' })
      .catch(ConnectError.from)
    expect(error).toMatchObject({ code: Code.ResourceExhausted, rawMessage: 'all participants have joined' })
    expect((error as ConnectError).findDetails(ErrorDetailSchema)).toMatchObject([
      { error: 'session_full', details: { party_id: 'is not expected' } },
    ])
  })

  test('an invalid request names its fields', async () => {
    const error = await createClient(SessionCoordinator, transport())
      .getSessionStatus({ sessionId: '.' })
      .catch(ConnectError.from)
    expect((error as ConnectError).findDetails(ErrorDetailSchema)).toMatchObject([
      { error: 'invalid_request', details: { session_id: expect.any(String) } },
    ])
  })

  test('the unexpected shows nothing', async () => {
    const error = await createClient(SessionCoordinator, transport())
      .startSession({ sessionId: 's1' })
      .catch(ConnectError.from)
    expect(error).toMatchObject({ code: Code.Internal, rawMessage: 'internal error' })
  })

  test('a stream delivers, and ends when the client leaves', async () => {
    const leaving = new AbortController()
    const stream = createClient(SessionFeed, transport()).watchSession({ sessionId: 's1' }, { signal: leaving.signal })
    const seen: (string | undefined)[] = []
    const error = await (async () => {
      for await (const { session } of stream) {
        seen.push(session?.sessionId)
        leaving.abort()
      }
    })().catch(ConnectError.from)
    expect(seen).toEqual(['s1'])
    expect(error).toMatchObject({ code: Code.Canceled })
  })

  test('a stream that breaks shows nothing', async () => {
    const stream = createClient(SessionFeed, transport()).watchSession({ sessionId: 'broken' })[Symbol.asyncIterator]()
    await stream.next()
    const error = await stream.next().catch(ConnectError.from)
    expect(error).toMatchObject({ code: Code.Internal, rawMessage: 'internal error' })
  })
})

test('a content type of no protocol gets the documented body', async () => {
  const url = `${sample.httpUrl}/mpc.coordinator.v1.SessionCoordinator/StartSession`
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/xml' }, body: '<a/>' })
  expect(response.status).toBe(415)
  expect(await response.json()).toMatchObject({
    error: 'invalid_request',
    details: { 'Content-Type': expect.any(String) },
  })
})

describe('cross-origin', () => {
  const preflight = (origin: string) =>
    fetch(`${sample.httpUrl}/api/v1/sessions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,authorization',
      },
    })

  test('an allowed origin passes the preflight and may read what it needs', async () => {
    const asked = await preflight(wallet)
    expect(asked.ok).toBe(true)
    expect(asked.headers.get('access-control-allow-origin')).toBe(wallet)
    expect(asked.headers.get('access-control-allow-methods')).toMatch(/PUT/)
    expect(asked.headers.get('access-control-allow-headers')?.toLowerCase()).toMatch(/authorization/)
    const answered = await fetch(`${sample.httpUrl}/health`, { headers: { origin: wallet } })
    expect(answered.headers.get('access-control-allow-origin')).toBe(wallet)
    expect(answered.headers.get('vary')?.toLowerCase()).toContain('origin')
    // Credentials are in Authorization, which a page sets itself: nothing that a browser sends by itself is wanted.
    for (const { headers } of [asked, answered]) expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(answered.headers.get('access-control-expose-headers')?.toLowerCase()).toMatch(/grpc-status.*x-request-id/)
  })

  test('an error is readable by an allowed origin too', async () => {
    const response = await fetch(`${sample.httpUrl}/nothing`, { headers: { origin: wallet } })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([404, wallet])
  })

  test.each(['https://evil.example', 'https://wallet.example.evil.example', 'null'])(
    'no page of another origin may call: %s',
    async (origin) => {
      const asked = await preflight(origin)
      expect(asked.headers.get('access-control-allow-origin')).toBeNull()
      expect(asked.headers.get('vary')?.toLowerCase()).toContain('origin')
      // No preflight is made for a POST without a body: the request itself must be refused.
      const response = await fetch(`${sample.httpUrl}/api/v1/sessions/s1/close`, {
        method: 'POST',
        headers: { origin },
      })
      expect([response.status, (await response.json()).error]).toEqual([403, 'forbidden'])
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    },
  )

  test('a page served from the same origin may call', async () => {
    const response = await fetch(`${sample.httpUrl}/health`, { headers: { origin: sample.httpUrl } })
    expect(response.status).toBe(200)
  })
})

describe('DNS rebinding', () => {
  test.each(['evil.example', 'evil.example:8080', 'localhost.evil.example', '10.0.0.1'])(
    'open mode refuses the host %s',
    async (host) => {
      expect(await get('/health', host)).toMatchObject({ status: 403, body: expect.stringContaining('"forbidden"') })
    },
  )
  test.each(['localhost:8080', '127.0.0.1', '[::1]:9'])('open mode answers to %s', async (host) => {
    expect(await get('/health', host)).toMatchObject({ status: 200 })
  })
  test('outside open mode any host name may be ours', async () => {
    const closed = await serveSample({ env: { MPC_OPEN_MODE: 'false', MPC_HOST: '127.0.0.1' } })
    expect(await get('/health', 'mpc.example', closed.httpUrl)).toMatchObject({ status: 200 })
    await closed.close()
  })
})

describe('a WebSocket', () => {
  const open = (headers: Record<string, string>) => {
    const socket = new WebSocket(`${sample.httpUrl.replace('http', 'ws')}/echo`, { headers })
    return new Promise<string>((resolve) => {
      socket.on('open', () => socket.send('hello'))
      socket.on('message', (data) => {
        resolve(String(data))
        socket.close()
      })
      socket.on('unexpected-response', (_, response) => resolve(String(response.statusCode)))
      socket.on('error', () => resolve('error'))
    })
  }
  test('is upgraded and knows its caller', async () => {
    expect(await open({ authorization: 'Bearer alice' })).toBe('alice: hello')
  })
  test.each([
    ['of a page of another origin', { origin: 'https://evil.example' }, '403'],
    ['with a wrong API key', { authorization: 'Bearer mpc_key_x' }, '401'],
    ['that the service refuses', { authorization: 'Bearer nobody' }, '401'],
  ])('%s is refused', async (_, headers, status) => {
    expect(await open(headers as Record<string, string>)).toBe(status)
  })
})

/** fetch() does not let a caller choose the Host header. */
function get(
  path: string,
  host: string,
  baseUrl = sample.httpUrl,
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(baseUrl + path, { headers: { host } }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    request.on('error', reject).end()
  })
}
