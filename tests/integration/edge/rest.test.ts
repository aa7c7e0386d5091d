import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveSample, type Sample } from './sample-service.ts'

let sample: Sample
beforeAll(async () => void (sample = await serveSample()))
afterAll(() => sample.close())

const json = { 'content-type': 'application/json' }

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = json) {
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
  const response = await fetch(sample.httpUrl + path, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

const keygen = {
  session_type: 'keygen',
  threshold_n: 2,
  threshold_t: 2,
  participants: [{ party_id: 'a' }, { party_id: 'b' }],
}

describe('a documented request', () => {
  test('is answered with its success status and snake_case JSON', async () => {
    const { status, body, headers } = await call('POST', '/api/v1/sessions', keygen)
    expect(status).toBe(201)
    expect(headers.get('content-type')).toBe('application/json')
    expect(body).toMatchObject({
      session_id: 's1',
      join_tokens: { a: 'token-a', b: 'token-b' },
      expires_at: 1703145600,
    })
  })

  test('is answered in camelCase where the service is', async () => {
    const account = { username: 'alice', publicKey: `02${'11'.repeat(32)}` }
    expect((await call('POST', '/api/v1/accounts', account)).body).toEqual({
      id: 'acc-1',
      username: 'alice',
      email: '',
      status: 'active',
      createdAt: '2024-01-15T10:30:00Z',
    })
  })

  test('has zero and false values in its answer', async () => {
    expect((await call('PUT', '/api/v1/sessions/s1/parties/a/ready', { party_id: 'a' })).body).toEqual({
      success: true,
      all_ready: false,
      ready_count: 0,
      total_parties: 0,
    })
  })

  test('may have unknown fields and a charset', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    expect((await call('POST', '/api/v1/sessions', { ...keygen, future: { a: [1] } }, headers)).status).toBe(201)
  })

  test('takes query parameters by the types of their fields', async () => {
    const { body } = await call('GET', '/api/v1/sessions/s1/messages?party_id=p&limit=7&after_sequence=12&unknown=x')
    expect(body.messages).toEqual([
      expect.objectContaining({ from_party: 'p', round: 7, timestamp: 12, payload: '+/8=' }),
    ])
  })

  test.each([
    ['limit=seven', { limit: 'must be a 32-bit integer' }],
    ['limit=1&limit=2', { limit: 'must be given once' }],
    ['limit=5000', { limit: expect.any(String) }],
    ['party_id=a%20b', { party_id: expect.any(String) }],
  ])('with the query %s is refused, naming the parameter', async (query, details) => {
    const { status, body } = await call(
      'GET',
      `/api/v1/sessions/s1/messages?party_id=p&${query}`.replace('party_id=p&party_id', 'party_id'),
    )
    expect([status, body.error]).toEqual([400, 'invalid_request'])
    expect(body.details).toEqual(details)
  })
})

describe('the path', () => {
  test('stands for an absent body', async () => {
    expect((await call('PUT', '/api/v1/sessions/s1/parties/a/ready', undefined, {})).status).toBe(200)
  })
  test.each([{ party_id: 'b' }, { partyId: 'b' }])('must not be contradicted by the body %j', async (body) => {
    expect(await call('PUT', '/api/v1/sessions/s1/parties/a/ready', body)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', details: { party_id: 'must equal the value in the path' } },
    })
  })
  test.each(['a%2Fb', '%00', '%zz', '..%2f', 'a.b', '*', '%3E'])('is validated like any field (%s)', async (id) => {
    expect(await call('GET', `/api/v1/sessions/${id}`)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', details: { session_id: expect.any(String) } },
    })
  })
})

describe('a refusal', () => {
  test('has the documented status, code, message and details', async () => {
    expect(await call('POST', '/api/v1/sessions/join', { join_token: 't', party_id: 'a' })).toMatchObject({
      status: 409,
      body: {
        error: 'session_full',
        message: 'all participants have joined',
        details: { party_id: 'is not expected' },
      },
    })
  })

  test('of the unexpected shows nothing and is logged once, under the request id', async () => {
    const { status, body, headers } = await call('POST', '/api/v1/sessions/s1/start')
    expect([status, body]).toEqual([500, { error: 'internal_error', message: 'internal error', details: {} }])
    const lines = sample
      .logText()
      .split('\n')
      .filter((line) => line.includes('"level":50'))
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 50, requestId: headers.get('x-request-id') }),
    ])
  })
})

describe('the request id', () => {
  test("is the caller's own, in handler and answer", async () => {
    const { body, headers } = await call('GET', '/api/v1/sessions/s1', undefined, { 'x-request-id': 'order-17' })
    expect([body.status, headers.get('x-request-id')]).toEqual(['order-17', 'order-17'])
  })
  test('is a fresh one otherwise, also for what never reaches a handler', async () => {
    const first = (await call('GET', '/nothing')).headers.get('x-request-id')
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect((await call('GET', '/nothing')).headers.get('x-request-id')).not.toBe(first)
  })
})

describe('operations', () => {
  test('/health is as documented', async () => {
    expect(await call('GET', '/health')).toMatchObject({
      status: 200,
      body: {
        status: 'healthy',
        service: 'sample-service',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        uptime: expect.stringMatching(/^(\d+h)?(\d+m)?\d+s$/),
      },
    })
  })
  test('/livez and /readyz answer', async () => {
    expect(await call('GET', '/livez')).toMatchObject({ status: 200 })
    expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: { dependencies: { dependency: true } } })
  })
  test('/metrics counts calls by protocol, method and outcome', async () => {
    await call('POST', '/api/v1/sessions/join', { join_token: 't', party_id: 'a' })
    const text = await (await fetch(`${sample.httpUrl}/metrics`)).text()
    expect(text).toMatch(
      /mpc_calls_total\{protocol="rest",method="SessionCoordinator\/JoinSession",code="session_full",[^}]*\} \d/,
    )
    expect(text).toMatch(/mpc_call_duration_seconds_count\{.*SessionCoordinator\/JoinSession/)
    expect(text).toMatch(/mpc_http_responses_total\{method="POST",status="409",/)
  })
  test('a lost dependency makes the service unhealthy and not ready, but not dead', async () => {
    const lame = await serveSample({ definition: { ready: async () => ({ nats: false, database: true }) } })
    try {
      const [health, ready, live] = await Promise.all(
        ['/health', '/readyz', '/livez'].map((path) => fetch(lame.httpUrl + path)),
      )
      expect([health?.status, ready?.status, live?.status]).toEqual([503, 503, 200])
      expect(await ready?.json()).toMatchObject({ dependencies: { nats: false, database: true } })
      expect(await health?.json()).toMatchObject({ status: 'unhealthy' })
    } finally {
      await lame.close()
    }
  })
})

test('neither bodies nor tokens are in the log', async () => {
  await call(
    'POST',
    '/api/v1/sessions/join',
    { join_token: 'canary-token', party_id: 'a' },
    {
      ...json,
      authorization: 'Bearer canary-bearer',
    },
  )
  expect(sample.logText()).toContain('SessionCoordinator/JoinSession')
  expect(sample.logText()).not.toContain('canary')
})
