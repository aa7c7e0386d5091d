import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServiceDefinition } from '../../../src/edge/serve.ts'
import { serveSample, type Sample } from './sample-service.ts'

const maxBodyBytes = 100_000
let sample: Sample
beforeAll(async () => {
  const definition: Partial<ServiceDefinition> = {
    webSocketPaths: ['/ws'],
    http: (app, upgrade) => app.get('/ws', upgrade(() => ({}))),
  }
  sample = await serveSample({ limits: { maxBodyBytes }, definition })
})
afterAll(() => sample.close())

const json = { 'content-type': 'application/json' }
const sessions = '/api/v1/sessions'
const keygen = '{"session_type":"keygen","threshold_n":2,"threshold_t":2,"participants":[{"party_id":"a"}]}'

type Case = Readonly<{ method?: string; path?: string; headers?: Record<string, string>; body?: BodyInit }>

const cases: readonly (readonly [name: string, request: Case, status: number, error: string, field: string | null])[] =
  [
    ['no JSON', { body: 'hello' }, 400, 'invalid_request', 'body'],
    ['cut-off JSON', { body: '{"session_type":' }, 400, 'invalid_request', 'body'],
    ['JSON that is a list', { body: '[]' }, 400, 'invalid_request', 'body'],
    ['JSON that is null', { body: 'null' }, 400, 'invalid_request', 'body'],
    [
      'bad UTF-8',
      { body: Uint8Array.of(0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d) },
      400,
      'invalid_request',
      'body',
    ],
    ['deep nesting', { body: `{"x":${'['.repeat(40_000)}${']'.repeat(40_000)}}` }, 400, 'invalid_request', 'body'],
    ['an oversize body', { body: `{"x":"${'x'.repeat(maxBodyBytes)}"}` }, 413, 'payload_too_large', 'body'],
    ['a string for a number', { body: '{"threshold_n":"three"}' }, 400, 'invalid_request', 'threshold_n'],
    ['a number for a string', { body: '{"session_type":1}' }, 400, 'invalid_request', 'session_type'],
    ['an object for a list', { body: '{"participants":{}}' }, 400, 'invalid_request', 'participants'],
    [
      'a wrong list item',
      { body: '{"participants":[{"party_id":"a"},[]]}' },
      400,
      'invalid_request',
      'participants[1]',
    ],
    ['a lone surrogate', { body: '{"session_type":"\\ud800"}' }, 400, 'invalid_request', 'session_type'],
    ['an empty body', {}, 400, 'invalid_request', 'session_type'],
    [
      'a value out of range',
      { body: keygen.replace('"threshold_n":2', '"threshold_n":99') },
      400,
      'invalid_request',
      'threshold_n',
    ],
    [
      'a NUL in an id',
      { body: keygen.replace('"a"', '"a\\u0000"') },
      400,
      'invalid_request',
      'participants[0].party_id',
    ],
    ['a form', { body: keygen, headers: { 'content-type': 'text/plain' } }, 400, 'invalid_request', 'Content-Type'],
    [
      'a compressed body',
      { body: keygen, headers: { ...json, 'content-encoding': 'gzip' } },
      400,
      'invalid_request',
      'Content-Encoding',
    ],
    ['an unknown path', { path: '/api/v1/nothing', body: '{}' }, 404, 'not_found', null],
    ['a trailing slash', { path: `${sessions}/`, body: '{}' }, 404, 'not_found', null],
    ['an unknown RPC', { path: '/mpc.coordinator.v1.SessionCoordinator/Nothing', body: '{}' }, 404, 'not_found', null],
    ['a wrong method', { method: 'DELETE' }, 405, 'invalid_request', 'method'],
    ['a wrong method on an operation', { method: 'POST', path: '/health' }, 405, 'invalid_request', 'method'],
    [
      'an API key that is none',
      { body: keygen, headers: { ...json, authorization: 'Bearer mpc_key_x' } },
      401,
      'unauthorized',
      null,
    ],
    ['a __proto__ member', { body: '{"__proto__":{"session_type":"keygen"}}' }, 400, 'invalid_request', 'session_type'],
  ]

describe.each(cases)('%s', (_, request, status, error, field) => {
  test(`is answered ${status} ${error} with the documented body`, async () => {
    const { method = 'POST', path = sessions, headers = json, body } = request
    const response = await fetch(sample.httpUrl + path, { method, headers, ...(body !== undefined && { body }) })
    const answer = await response.json()
    expect({ status: response.status, error: answer.error }).toEqual({ status, error })
    expect(Object.keys(answer).sort()).toEqual(['details', 'error', 'message'])
    if (field !== null) expect(answer.details).toHaveProperty([field], expect.any(String))
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

test('a wrong method is told the right ones', async () => {
  const response = await fetch(`${sample.httpUrl}/api/v1/sessions/s1`, { method: 'PUT' })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET'])
})

test('an oversize body of unannounced length is cut off', async () => {
  const chunk = new Uint8Array(60_000)
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) })
  const response = await fetch(sample.httpUrl + sessions, {
    method: 'POST',
    headers: json,
    body,
    duplex: 'half',
  } as RequestInit)
  expect([response.status, (await response.json()).error]).toEqual([413, 'payload_too_large'])
})

/** Connect's own error body, but with the documented refusal as its detail. */
describe('a Connect call with', () => {
  const garbage = Uint8Array.of(0x0a, 0xff)
  const zipped = { ...json, 'content-encoding': 'gzip' }
  test.each([
    ['no protobuf', { 'content-type': 'application/proto' }, garbage, 400, 'invalid_request'],
    ['no JSON', json, 'hello', 400, 'invalid_request'],
    ['a wrong type', json, '{"threshold_n":"three"}', 400, 'invalid_request'],
    ['bad UTF-8', json, Uint8Array.of(0x22, 0xff, 0x22), 400, 'invalid_request'],
    ['deep nesting', json, `{"x":${'['.repeat(40_000)}${']'.repeat(40_000)}}`, 400, 'invalid_request'],
    ['a compressed body', zipped, keygen, 400, 'invalid_request'],
    ['an oversize body', json, `{"x":"${'x'.repeat(maxBodyBytes)}"}`, 429, 'payload_too_large'],
    ['a timeout that is none', { ...json, 'connect-timeout-ms': 'soon' }, keygen, 400, 'invalid_request'],
    ['an API key that is none', { ...json, authorization: 'Bearer mpc_key_x' }, keygen, 401, 'unauthorized'],
  ])('%s is refused with the documented detail', async (_, headers, body, status, error) => {
    const url = `${sample.httpUrl}/mpc.coordinator.v1.SessionCoordinator/CreateSession`
    const response = await fetch(url, { method: 'POST', headers, body })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ details: [{ type: 'mpc.api.v1.ErrorDetail', debug: { error } }] })
  })
})

describe('what is hardly HTTP', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    [
      'a header block beyond all limits',
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
      431,
    ],
    ['a path that is no URL', 'GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['an absolute target', 'GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a host that is no host', 'GET /health HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n', 400],
    [
      'two lengths',
      'POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
      400,
    ],
  ])('%s is refused', async (_, bytes, status) => {
    const answer = await exchange(bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  test('an offer to upgrade to HTTP/2 is answered as HTTP/1.1', async () => {
    const answer = await exchange(
      'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1.1 200 [^]*"alive"/)
  })

  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  test.each([
    ['where there is one, but without a key', 'GET', '/ws', 'Sec-WebSocket-Version: 13', 400, 'invalid_request'],
    ['with another method', 'POST', '/ws', key, 405, 'invalid_request'],
    ['where there is none', 'GET', '/nothing', key, 404, 'not_found'],
    ['of an RPC', 'POST', sessions, key, 400, 'invalid_request'],
  ])('a WebSocket %s is refused with the documented body', async (_, method, path, header, status, error) => {
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\n${header}\r\nContent-Length: 0`
    const answer = await exchange(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n\r\n`)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"error":"${error}"`))
  })
})

/** Sends raw bytes to the HTTP port and gives all that comes back until the server closes. */
function exchange(bytes: string): Promise<string> {
  const { hostname, port } = new URL(sample.httpUrl)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.setTimeout(4_000, () => socket.destroy())
    socket.on('data', (data) => {
      answer += data.toString()
      if (answer.includes('"details"') || answer.includes('"alive"')) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}
