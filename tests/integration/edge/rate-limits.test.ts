/** How often a caller may call, over every protocol, and what it is told when it calls more often. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Refusal } from '../../../src/edge/refusal.ts'
import { Health } from '../../../src/gen/grpc/health/v1/health_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { callOver, protocols, seenOf, statusOf, transportOf, type ProtocolName, type Seen } from './protocols.ts'
import { serveSample, type Sample, type SampleOptions } from './sample-service.ts'

const folder = mkdtempSync(join(tmpdir(), 'edge-limits-'))
const keysFile = join(folder, 'keys.json')
const entries = ['one', 'two'].map((name) => {
  const sha256 = createHash('sha256').update(`mpc_key_${name}`).digest('hex')
  return { name, sha256, scopes: ['sessions'] }
})
writeFileSync(keysFile, JSON.stringify(entries))
afterAll(() => rmSync(folder, { recursive: true }))

let sample: Sample
async function serve(env: NodeJS.ProcessEnv, definition: SampleOptions['definition'] = {}): Promise<void> {
  const closed = { MPC_OPEN_MODE: 'false', MPC_HOST: '127.0.0.1', MPC_API_KEYS_FILE: keysFile }
  sample = await serveSample({ env: { ...closed, ...env }, definition })
}
afterEach(() => sample.close())

const key = (name: string) => ({ authorization: `Bearer mpc_key_${name}` })
const { joinSession } = SessionCoordinator.method
/** The call that asks for no credential. */
const call = (protocol: ProtocolName, headers: Record<string, string> = {}) =>
  callOver(protocol, sample, joinSession, { joinToken: 'free', partyId: 'a' }, headers)

/** Calls until one is refused; there is a limit to patience. */
async function callUntilRefused(protocol: ProtocolName, headers: () => Record<string, string>): Promise<Seen> {
  for (let calls = 0; calls < 200; calls++) {
    const seen = await call(protocol, headers())
    if (seen.error !== null) return seen
  }
  throw new Error('no call was refused')
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${sample.httpUrl}/metrics`)).text()
  const [, value] = new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')}\\S* (\\d+)$`, 'm').exec(text) ?? []
  return Number(value ?? 0)
}

describe('calls of one caller', () => {
  test.each(protocols)('are refused over %s beyond the limit, with the time to wait', async (protocol) => {
    await serve({ MPC_RATE_LIMIT: '1', MPC_RATE_LIMIT_BURST: '5' })
    const seen = await callUntilRefused(protocol, () => key('one'))
    expect([seen.error, seen.status]).toEqual(['rate_limited', statusOf(protocol, 'rate_limited')])
    expect(seen.headers.get('retry-after')).toMatch(/^([1-9]|10)$/)
    expect(seen.headers.get('x-request-id')).not.toBeNull()
    expect(await metric('mpc_limited_total{limit="caller"')).toBeGreaterThan(0)
  })

  test('are counted over all protocols together, and for each API key by itself', async () => {
    await serve({ MPC_RATE_LIMIT: '1', MPC_RATE_LIMIT_BURST: '3' })
    const answers: (string | null)[] = []
    for (let round = 0; round < 4; round++)
      for (const protocol of protocols) answers.push((await call(protocol, key('one'))).error)
    expect(answers).toContain('rate_limited')
    expect((await call('rest', key('two'))).error).toBeNull()
  })

  test('do not count where they ask for health or metrics', async () => {
    await serve({ MPC_RATE_LIMIT: '1', MPC_RATE_LIMIT_BURST: '0' })
    const health = createClient(Health, createGrpcTransport({ baseUrl: sample.grpcUrl }))
    for (let n = 0; n < 10; n++) {
      for (const path of ['/health', '/livez', '/readyz', '/metrics'])
        expect((await fetch(sample.httpUrl + path)).status).toBe(200)
      await health.check({})
    }
    expect((await call('rest')).error).toBeNull()
  })

  test('count where there is nothing at the path', async () => {
    await serve({ MPC_RATE_LIMIT: '3', MPC_RATE_LIMIT_BURST: '0' })
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => (await fetch(`${sample.httpUrl}/nothing`)).status),
    )
    expect(new Set(statuses)).toEqual(new Set([404, 429]))
  })

  test('gain nothing by a new credential each', async () => {
    await serve({ MPC_RATE_LIMIT_PER_ADDRESS: '2' })
    let n = 0
    const seen = await callUntilRefused('rest', () => ({ authorization: `Bearer mpc_party_${n++}` }))
    expect(seen.error).toBe('rate_limited')
    expect(await metric('mpc_limited_total{limit="address"')).toBe(1)
    expect((await call('rest', key('one'))).error).toBeNull()
  })
})

describe('the address of a caller', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address, 'x-mpc-client-address': address })

  test('is not what the caller says', async () => {
    await serve({ MPC_RATE_LIMIT_PER_ADDRESS: '2' })
    let n = 0
    expect((await callUntilRefused('rest', () => from(`203.0.113.${n++}`))).error).toBe('rate_limited')
  })

  test.each(protocols)('is what a proxy of ours says, over %s', async (protocol) => {
    await serve({ MPC_RATE_LIMIT: '1', MPC_RATE_LIMIT_BURST: '0', MPC_TRUSTED_PROXIES: '1' })
    for (let n = 0; n < 10; n++) expect((await call(protocol, from(`198.51.100.7, 203.0.113.${n}`))).error).toBeNull()
    const seen = await callUntilRefused(protocol, () => from('198.51.100.8, 203.0.113.200'))
    expect(seen.error).toBe('rate_limited')
  })
})

describe('failed authentications from one address', () => {
  const refusing: SampleOptions['definition'] = {
    services: [SessionCoordinator],
    routes: (router) =>
      router.service(SessionCoordinator, {
        joinSession: ({ joinToken }) => {
          if (joinToken === 'free') return { sessionId: 's1' }
          throw new Refusal('unauthorized', 'the join token is not valid')
        },
      }),
  }
  const guess = (protocol: ProtocolName, way: string) =>
    way === 'API key'
      ? call(protocol, { authorization: `Bearer mpc_key_guess` })
      : callOver(protocol, sample, joinSession, { joinToken: 'guess', partyId: 'a' })

  test.each(protocols.flatMap((protocol) => ['API key', 'join token'].map((way) => [protocol, way] as const)))(
    'over %s lock it out for all that show no valid API key (%s)',
    async (protocol, way) => {
      await serve({ MPC_AUTH_FAILURE_LIMIT: '4' }, refusing)
      for (let n = 0; n < 4; n++) expect((await guess(protocol, way)).error).toBe('unauthorized')
      const seen = await guess(protocol, way)
      expect(seen.error).toBe('rate_limited')
      expect(Number(seen.headers.get('retry-after'))).toBeGreaterThan(10)
      expect((await call('rest')).error).toBe('rate_limited')
      expect((await call('grpc', { authorization: 'Bearer mpc_party_x' })).error).toBe('rate_limited')
      expect((await call('rest', key('one'))).error).toBeNull()
      const credential = way === 'API key' ? 'api_key' : 'none'
      expect(await metric(`mpc_auth_failures_total{credential="${credential}"`)).toBe(4)
    },
  )

  test('count for a WebSocket too', async () => {
    const socket: SampleOptions['definition'] = {
      webSocketPaths: ['/ws'],
      http: (app, upgrade) =>
        app.get(
          '/ws',
          upgrade(() => ({})),
        ),
    }
    await serve({ MPC_AUTH_FAILURE_LIMIT: '3' }, socket)
    const guessOnce = () => {
      const url = `${sample.httpUrl.replace('http', 'ws')}/ws`
      const guessing = new WebSocket(url, { headers: { authorization: 'Bearer mpc_key_guess' } })
      return new Promise<number>((resolve) => {
        guessing.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
        guessing.on('error', () => undefined)
      })
    }
    for (let n = 0; n < 3; n++) expect(await guessOnce()).toBe(401)
    expect(await guessOnce()).toBe(429)
    expect(await metric('mpc_auth_failures_total{credential="api_key"')).toBe(3)
    expect(await metric('mpc_limited_total{limit="auth_failures"')).toBe(1)
  })

  test('in open mode are counted but lock nobody out', async () => {
    sample = await serveSample({ env: { MPC_AUTH_FAILURE_LIMIT: '2' } })
    for (let n = 0; n < 5; n++) expect((await guess('rest', 'API key')).error).toBe('unauthorized')
    expect((await call('rest')).error).toBeNull()
    expect(await metric('mpc_auth_failures_total')).toBe(5)
  })
})

describe('streams of one caller', () => {
  const opened = async (protocol: 'connect' | 'grpc-web' | 'grpc', name: string) => {
    const stop = new AbortController()
    const feed = createClient(SessionFeed, transportOf(protocol, sample))
    const stream = feed.watchSession({ sessionId: 's1' }, { signal: stop.signal, headers: key(name) })
    const iterator = stream[Symbol.asyncIterator]()
    const seen = await iterator.next().then(
      () => null,
      (error: unknown) => seenOf(error),
    )
    return { seen, end: () => stop.abort() }
  }

  test('are as many at once as the limit says, over all protocols and connections', async () => {
    await serve({ MPC_MAX_STREAMS_PER_CALLER: '3' })
    const streams = [await opened('grpc', 'one'), await opened('connect', 'one'), await opened('grpc-web', 'one')]
    expect(streams.map(({ seen }) => seen)).toEqual([null, null, null])
    const { seen } = await opened('grpc', 'one')
    expect(seen?.error).toBe('rate_limited')
    expect(seen?.headers.get('retry-after')).toBe('5')
    expect((await call('grpc', key('one'))).error).toBeNull()
    const another = await opened('grpc', 'two')
    expect(another.seen).toBeNull()
    streams[0]?.end()
    let next = await opened('grpc', 'one')
    while (next.seen !== null) next = await opened('grpc', 'one')
    for (const { end } of [...streams, another, next]) end()
  })

  test('include WebSockets', async () => {
    const socketPaths: SampleOptions['definition'] = {
      webSocketPaths: ['/ws'],
      http: (app, upgrade) =>
        app.get(
          '/ws',
          upgrade(() => ({})),
        ),
    }
    await serve({ MPC_MAX_STREAMS_PER_CALLER: '1' }, socketPaths)
    const open = () => {
      const socket = new WebSocket(`${sample.httpUrl.replace('http', 'ws')}/ws`)
      return new Promise<WebSocket | number>((resolve) => {
        socket.once('open', () => resolve(socket))
        socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
        socket.on('error', () => undefined)
      })
    }
    const first = await open()
    expect(await open()).toBe(429)
    if (typeof first === 'number') throw new Error('the first was refused')
    first.close()
    let next = await open()
    while (typeof next === 'number') next = await open()
    next.close()
  })
})
