/** Headers of every kind of response of the HTTP port, those that no handler makes included; and no banner on either. */
import { connect as connectHttp2 } from 'node:http2'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createAuthority, openCertificateFolder } from '../../setup/certificates.ts'
import { banners, unsafeIn } from '../../setup/safe-answer.ts'
import { serveSample, type Sample } from './sample-service.ts'

let sample: Sample
beforeAll(async () => {
  sample = await serveSample({
    env: { MPC_MAX_HEADER_BYTES: '4096', MPC_REQUEST_TIMEOUT_MS: '500' },
    definition: {
      openApi: 'session-coordinator',
      webSocketPaths: ['/ws'],
      http: (app, upgrade) =>
        app.get(
          '/ws',
          upgrade(() => ({})),
        ),
    },
  })
})
afterAll(() => sample.close())

/** The status and headers of the first response to `bytes`, as they are on the wire. */
function exchange(bytes: string): Promise<Readonly<{ status: number; headers: Headers }>> {
  const { hostname, port } = new URL(sample.httpUrl)
  const socket = connect(Number(port), hostname)
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const [first = '', ...lines] = text.slice(0, end).split('\r\n')
      const headers = new Headers(lines.map((line) => [line.replace(/:.*$/, ''), line.replace(/^[^:]*:\s*/, '')]))
      socket.destroy()
      resolve({ status: Number(first.split(' ')[1]), headers })
    })
    socket.write(bytes)
  })
}

const host = 'Host: localhost\r\n'
const request = (method: string, path: string, lines = '', body = '') =>
  exchange(`${method} ${path} HTTP/1.1\r\n${host}${lines}Content-Length: ${body.length}\r\n\r\n${body}`)
const json = 'Content-Type: application/json\r\n'
const rpc = (method: string) => `/mpc.coordinator.v1.SessionCoordinator/${method}`
const socketLines = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'

const responses: readonly (readonly [string, number, () => ReturnType<typeof exchange>])[] = [
  ['a success', 200, () => request('GET', '/api/v1/sessions/s1')],
  ['a created session with its join tokens', 201, () => request('POST', '/api/v1/sessions', json, creating)],
  ['health', 200, () => request('GET', '/health')],
  ['metrics', 200, () => request('GET', '/metrics')],
  ['a wrong field', 400, () => request('POST', '/api/v1/sessions', json, '{}')],
  ['no JSON', 400, () => request('POST', '/api/v1/sessions', json, 'x')],
  ['a page of another origin', 403, () => request('GET', '/api/v1/sessions/s1', 'Origin: https://evil.example\r\n')],
  ['a preflight', 204, () => request('OPTIONS', '/api/v1/sessions', 'Access-Control-Request-Method: POST\r\n')],
  ['nothing at the path', 404, () => request('GET', '/nothing')],
  ['another method', 405, () => request('PATCH', '/api/v1/sessions')],
  ['a failure of our own', 500, () => request('POST', '/api/v1/sessions/s1/start', json, '{}')],
  ['Connect', 200, () => request('POST', rpc('GetSessionStatus'), json, '{"sessionId":"s1"}')],
  ['a refusal over Connect', 400, () => request('POST', rpc('GetSessionStatus'), json, '{}')],
  ['a content type of nobody', 415, () => request('POST', rpc('GetSessionStatus'), 'Content-Type: a/b\r\n', 'x')],
  ['gRPC-web', 200, () => request('POST', rpc('StartSession'), 'Content-Type: application/grpc-web+proto\r\n')],
  ['the page', 200, () => request('GET', '/docs')],
  ['a script of the page', 200, () => request('GET', '/docs/start.js')],
  ['the way to the page', 302, () => request('GET', '/docs/')],
  ['the OpenAPI document', 200, () => request('GET', '/openapi.json')],
  ['a WebSocket that is no handshake', 400, () => exchange(`GET /ws HTTP/1.1\r\n${host}${socketLines}\r\n`)],
  ['a WebSocket of another origin', 403, () => request('GET', '/ws', `${socketLines}Origin: https://evil.example\r\n`)],
  ['what is not HTTP', 400, () => exchange('hello\r\n\r\n')],
  ['HTTP without a host', 400, () => exchange('GET / HTTP/1.1\r\n\r\n')],
  ['a host that is none', 400, () => exchange('GET / HTTP/1.1\r\nHost: a b\r\n\r\n')],
  ['an expectation that nobody meets', 417, () => request('GET', '/health', 'Expect: tea\r\n')],
  ['headers that are too large', 431, () => request('GET', '/', `X: ${'x'.repeat(5_000)}\r\n`)],
  ['a request that does not arrive', 408, () => exchange(`POST / HTTP/1.1\r\n${host}`)],
]
const creating = JSON.stringify({ session_type: 'keygen', threshold_n: 1, threshold_t: 1, participants: [{ party_id: 'a' }] })

test.each(responses)('%s (%i) has the headers of a safe answer, and none that tells what runs here', async (_what, status, ask) => {
  const answer = await ask()
  expect(answer.status).toBe(status)
  expect(unsafeIn(answer.headers)).toEqual([])
})

test('an expectation that nobody meets is named', async () => {
  const socket = connect(Number(new URL(sample.httpUrl).port), '127.0.0.1')
  socket.write(`GET /health HTTP/1.1\r\n${host}Expect: tea\r\n\r\n`)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))).toMatchObject({ details: { Expect: expect.any(String) } })
})

test('an answer with secrets is stored nowhere', async () => {
  for (const path of ['/api/v1/sessions', rpc('CreateSession')]) {
    expect((await request('POST', path, json, creating)).headers.get('cache-control')).toBe('no-store')
  }
})

describe('over TLS', () => {
  const folder = openCertificateFolder()
  afterAll(folder.remove)

  test('Strict-Transport-Security is said, also where no request was understood; without TLS it is not', async () => {
    const authority = createAuthority('ours')
    const pair = folder.writePair('server', authority.issue(['127.0.0.1']))
    const secure = await serveSample({ env: { MPC_TLS_CERT_FILE: pair.cert, MPC_TLS_KEY_FILE: pair.key } })
    onTestFinished(secure.close)
    const { port } = new URL(secure.httpUrl)
    for (const bytes of ['GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n', 'hello\r\n\r\n']) {
      const socket = connectTls({ host: '127.0.0.1', port: Number(port), ca: authority.cert })
      socket.write(bytes)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      socket.destroy()
      expect(answer.toString().toLowerCase()).toContain('\r\nstrict-transport-security: max-age=31536000\r\n')
    }
    expect((await request('GET', '/health')).headers.has('strict-transport-security')).toBe(false)
  })
})

test('metrics do not tell which Node runs here', async () => {
  const text = await (await fetch(`${sample.httpUrl}/metrics`)).text()
  expect(text).toContain('process_cpu')
  expect(text).not.toContain(process.version)
})

describe('the gRPC port', () => {
  const ask = (headers: Record<string, string>) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const session = connectHttp2(sample.grpcUrl)
      session.on('error', reject)
      const stream = session.request({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', ...headers })
      const seen: Record<string, unknown> = {}
      stream.on('response', (received) => Object.assign(seen, received))
      stream.on('trailers', (received) => Object.assign(seen, received))
      stream.on('error', reject)
      stream.on('close', () => {
        session.destroy()
        resolve(seen)
      })
      stream.resume()
      stream.end(Buffer.alloc(5))
    })
  test.each([
    ['a success', { ':path': '/grpc.health.v1.Health/Check' }],
    ['a wrong request', { ':path': rpc('GetSessionStatus') }],
    ['a failure of our own', { ':path': rpc('StartSession') }],
    ['an unknown method', { ':path': '/nothing' }],
    ['another protocol', { ':path': rpc('StartSession'), 'content-type': 'a/b' }],
  ])('names nothing that runs here in its answer to %s', async (_what, headers) => {
    const seen = await ask(headers)
    expect(seen).toHaveProperty([':status'])
    expect(banners.filter((name) => name in seen)).toEqual([])
    expect(JSON.stringify(seen)).not.toMatch(/\d+\.\d+\.\d+|node\b|connect-es/i)
  })
})
