/** Every response and every log line of a call carries the call's request id, whatever becomes of the call. */
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import type { DescMethodUnary } from '@bufbuild/protobuf'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Refusal } from '../../../src/edge/refusal.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { callOver, protocols } from './protocols.ts'
import { serveSample, type Sample } from './sample-service.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const joinPath = '/mpc.coordinator.v1.SessionCoordinator/JoinSession'
let sample: Sample
let session: ClientHttp2Session
beforeAll(async () => {
  sample = await serveSample({
    definition: {
      webSocketPaths: ['/ws', '/refused'],
      http: (app, upgrade) => {
        app.get(
          '/ws',
          upgrade(() => ({})),
        )
        app.get('/refused', () => {
          throw new Refusal('not_found', 'no such session', { session_id: 'is unknown' })
        })
      },
    },
  })
  session = connectHttp2(sample.grpcUrl).on('error', () => undefined)
})
afterAll(async () => {
  session.destroy()
  await sample.close()
})

describe.each(protocols)('over %s', (protocol) => {
  const { getSessionStatus, joinSession, startSession } = SessionCoordinator.method
  test.each<[string, DescMethodUnary, Record<string, string>]>([
    ['a success', getSessionStatus, { sessionId: 's1' }],
    ['a refusal', joinSession, { joinToken: 't', partyId: 'a' }],
    ['an invalid request', joinSession, { joinToken: 't', partyId: '..' }],
    ['a fault of ours', startSession, { sessionId: 's1' }],
  ])("%s has the caller's own id, or a fresh one", async (what, method, request) => {
    const own = `${protocol}-${what.replaceAll(' ', '-')}`
    const seen = await callOver(protocol, sample, method, request, { 'x-request-id': own })
    expect(seen.headers.get('x-request-id')).toBe(own)
    const fresh = await callOver(protocol, sample, method, request, { 'x-request-id': 'not an id' })
    expect(fresh.headers.get('x-request-id')).toMatch(uuid)
    const lines = sample
      .logText()
      .split('\n')
      .filter((line) => line.includes(`"${own}"`))
    const levels = lines.map((line) => (JSON.parse(line) as { level: number }).level)
    expect(levels.length).toBeGreaterThan(0)
    expect(levels.includes(50)).toBe(what === 'a fault of ours')
  })

  test('a bad credential has it, in the log too', async () => {
    const own = `${protocol}-credential`
    const headers = { 'x-request-id': own, authorization: 'Bearer mpc_key_none' }
    const seen = await callOver(protocol, sample, getSessionStatus, { sessionId: 's1' }, headers)
    expect([seen.error, seen.headers.get('x-request-id')]).toEqual(['unauthorized', own])
    expect(sample.logText()).toContain(`"requestId":"${own}"`)
  })
})

test.each([
  ['gRPC', () => createGrpcTransport({ baseUrl: sample.grpcUrl })],
  ['gRPC-web', () => createGrpcWebTransport({ baseUrl: sample.httpUrl, httpVersion: '1.1' })],
  ['Connect', () => createConnectTransport({ baseUrl: sample.httpUrl, httpVersion: '1.1' })],
])('a stream over %s has it from its first message on', async (_, transport) => {
  let seen: string | null = null
  const feed = createClient(SessionFeed, transport())
  const onHeader = (headers: Headers) => void (seen = headers.get('x-request-id'))
  const stop = new AbortController()
  const options = { onHeader, signal: stop.signal, headers: { 'x-request-id': 'stream-1' } }
  const stream = feed.watchSession({ sessionId: 's1' }, options)[Symbol.asyncIterator]()
  await stream.next()
  expect(seen).toBe('stream-1')
  stop.abort()
  await stream.next().catch(() => undefined)
})

describe('on the HTTP port', () => {
  const init = (method: string, headers: Record<string, string> = {}) => ({ method, headers })
  test.each([
    ['nothing at the path', '/nothing', init('GET')],
    ['a wrong method', '/api/v1/sessions', init('DELETE')],
    ['an unknown RPC', '/mpc.coordinator.v1.SessionCoordinator/Nothing', init('POST')],
    ['a wrong content type', joinPath, init('POST', { 'content-type': 'a/b' })],
    ['health', '/health', init('GET')],
    ['metrics', '/metrics', init('GET')],
    ['a page of a strange origin', '/api/v1/sessions/s1', init('GET', { origin: 'https://evil.example' })],
    ['a preflight', '/api/v1/sessions', init('OPTIONS', { 'access-control-request-method': 'POST' })],
  ])('%s has it', async (_, path, request) => {
    const response = await fetch(sample.httpUrl + path, request)
    expect(response.headers.get('x-request-id')).toMatch(uuid)
    await response.arrayBuffer()
  })

  test.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['too large headers', `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['a path that is no URL', 'GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    [
      'an upgrade that is none',
      'GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    ],
  ])('%s has it', async (_, bytes) => {
    const answer = await exchange(bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answer).toMatch(/\r\nx-request-id: [0-9a-f-]{36}\r\n/i)
  })
})

describe('a WebSocket', () => {
  const open = (path: string, headers: Record<string, string>) => {
    const socket = new WebSocket(sample.httpUrl.replace('http', 'ws') + path, { headers })
    return new Promise<Record<string, unknown>>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('upgrade', ({ headers: seen }) => {
        resolve({ ...seen, upgraded: true })
        socket.close()
      })
      socket.once('unexpected-response', (_request, response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        const { headers: seen, statusCode: status } = response
        response.once('end', () => resolve({ ...seen, status, body: JSON.parse(text) as unknown }))
      })
    })
  }

  test('that is opened has it', async () => {
    expect(await open('/ws', { 'x-request-id': 'socket-1' })).toMatchObject({
      upgraded: true,
      'x-request-id': 'socket-1',
    })
  })

  test.each([
    ['by its handler', '/refused', {}, 404, 'not_found'],
    ['for its origin', '/ws', { origin: 'https://evil.example' }, 403, 'forbidden'],
    ['for its credential', '/ws', { authorization: 'Bearer mpc_key_none' }, 401, 'unauthorized'],
  ])('that is refused %s has it, with the documented body', async (_, path, headers, status, error) => {
    expect(await open(path, { ...headers, 'x-request-id': 'socket-2' })).toMatchObject({
      status,
      'content-type': 'application/json',
      'x-request-id': 'socket-2',
      body: { error, message: expect.any(String), details: expect.any(Object) },
    })
  })
})

describe('on the gRPC port', () => {
  const ask = (headers: Record<string, string>) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const stream = session.request({ ':method': 'POST', 'content-type': 'application/grpc', ...headers })
      stream.on('response', (head) => resolve(head as Record<string, unknown>))
      stream.on('error', (error) => resolve({ error }))
      stream.end()
      stream.resume()
    })
  test.each([
    ['an unknown method', { ':path': '/x.Y/Z' }],
    ['a wrong content type', { ':path': joinPath, 'content-type': 'a/b' }],
    ['a wrong HTTP method', { ':path': joinPath, ':method': 'GET' }],
    ['a host that is none', { ':path': '/x.Y/Z', ':authority': '[' }],
  ])('%s has it', async (_, headers) => {
    expect(await ask(headers)).toMatchObject({ 'x-request-id': expect.stringMatching(uuid) })
  })
})

function exchange(bytes: string): Promise<string> {
  const { hostname, port } = new URL(sample.httpUrl)
  return new Promise((resolve) => {
    let answer = ''
    const socket = connectTcp(Number(port), hostname, () => socket.write(bytes))
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })
}
