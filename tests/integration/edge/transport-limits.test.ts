/** What one connection may take of a service: sizes and numbers. Each limit is set by its variable and exceeded. */
import { once } from 'node:events'
import { constants } from 'node:http2'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { callOver, protocols, statusOf } from './protocols.ts'
import { grpcHeads, limitedCount, openHttp2, openTcp, serveUntilEnd } from './raw-connections.ts'
import type { Sample } from './sample-service.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let sample: Sample
const serve = async (...settings: Parameters<typeof serveUntilEnd>) => void (sample = await serveUntilEnd(...settings))

describe('a message', () => {
  test.each(protocols)('larger than MPC_MAX_BODY_BYTES is refused over %s, naming the body', async (protocol) => {
    await serve({ MPC_MAX_BODY_BYTES: '2000' })
    const message = { sessionId: 's1', fromParty: 'a', round: 1 }
    const send = (size: number) =>
      callOver(protocol, sample, MessageRouter.method.routeMessage, { ...message, payload: new Uint8Array(size) })
    expect((await send(1_000)).error).toBeNull()
    const seen = await send(3_000)
    expect(seen).toMatchObject({ error: 'payload_too_large', details: { body: expect.any(String) } })
    expect(seen.status).toBe(statusOf(protocol, 'payload_too_large'))
  })

  test('that is refused for its size ends its gRPC stream, although the client would send on', async () => {
    await serve({ MPC_MAX_BODY_BYTES: '2000' })
    const stream = openHttp2(sample.grpcUrl).request(grpcHeads.unary)
    const trailers = once(stream, 'trailers')
    // Promises 16 MiB, and keeps the stream open.
    stream.write(Buffer.from([0, 1, 0, 0, 0]))
    stream.resume()
    const closed = once(stream, 'close')
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '8' })
    await closed
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR)
  })

  test('nested deeper than MPC_MAX_JSON_DEPTH is refused', async () => {
    await serve({ MPC_MAX_JSON_DEPTH: '8' })
    const post = async (depth: number) => {
      const body = `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)},"join_token":"t","party_id":"a"}`
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${sample.httpUrl}/api/v1/sessions/join`, { method: 'POST', headers, body })
      return ((await response.json()) as { error: string }).error
    }
    expect([await post(8), await post(9)]).toEqual(['session_full', 'invalid_request'])
  })
})

describe('requests that have not arrived whole', () => {
  /** A request that stays unfinished; the port is the protocol's. */
  const begin = (isGrpc: boolean, bytes: number): Readonly<{ destroy: () => void }> => {
    if (isGrpc) {
      const session = openHttp2(sample.grpcUrl)
      const stream = session.request(grpcHeads.unary)
      stream.on('error', () => undefined)
      stream.write(Buffer.concat([Buffer.from([0, 0, 0, 0xff, 0xff]), Buffer.alloc(bytes)]))
      return session
    }
    const socket = openTcp(sample.httpUrl)
    const head = ['POST /api/v1/messages HTTP/1.1', 'Host: localhost', 'Content-Type: application/json']
    socket.write(`${[...head, 'Content-Length: 65535'].join('\r\n')}\r\n\r\n${' '.repeat(bytes)}`)
    return socket
  }
  const limits = ['MPC_MAX_ARRIVING_BYTES', 'MPC_MAX_ARRIVING_BYTES_PER_ADDRESS']

  test.each(protocols.flatMap((protocol) => limits.map((limit) => [protocol, limit] as const)))(
    'make room over %s for no more than %s until they end',
    async (protocol, limit) => {
      await serve({ [limit]: '8192' })
      const message = { sessionId: 's1', fromParty: 'a', round: 1, payload: new Uint8Array(2_000) }
      const send = () => callOver(protocol, sample, MessageRouter.method.routeMessage, message)
      expect((await send()).error).toBeNull()
      const unfinished = begin(protocol === 'grpc', 7_500)
      let seen = await send()
      while (seen.error === null) seen = await send()
      expect([seen.error, seen.status]).toEqual(['rate_limited', statusOf(protocol, 'rate_limited')])
      expect(seen.headers.get('retry-after')).toBe('5')
      expect(await limitedCount(sample, 'arriving')).toBeGreaterThan(0)
      unfinished.destroy()
      while (seen.error !== null) seen = await send()
    },
  )

  test('are not kept once they are refused, although their HTTP/2 connection stays', async () => {
    await serve({ MPC_MAX_BODY_BYTES: '2000' })
    const session = openHttp2(sample.grpcUrl)
    const [count, bytes] = [100, 500_000]
    let closed = 0
    for (let n = 0; n < count; n++) {
      const stream = session.request(grpcHeads.unary)
      stream.on('error', () => undefined).once('close', () => closed++)
      // Promises 16 MiB.
      stream.write(Buffer.concat([Buffer.from([0, 1, 0, 0, 0]), Buffer.alloc(bytes)]))
      stream.resume()
    }
    // A client's own stream may wait for what it can no longer send, so most of them are enough.
    while (closed < count / 2) await delay(20)
    const held = () => {
      collectGarbage()
      return process.memoryUsage().arrayBuffers
    }
    while (held() > (count * bytes) / 4) await delay(20)
  })
})

describe('headers larger than MPC_MAX_HEADER_BYTES', () => {
  test('are refused over HTTP/1.1', async () => {
    await serve({ MPC_MAX_HEADER_BYTES: '4096' })
    const statusOf = async (size: number) =>
      (await fetch(`${sample.httpUrl}/livez`, { headers: { 'x-large': 'x'.repeat(size) } })).status
    expect([await statusOf(3_000), await statusOf(5_000)]).toEqual([200, 431])
  })

  test('are refused over HTTP/2, and the connection serves on', async () => {
    await serve({ MPC_MAX_HEADER_BYTES: '4096' })
    const session = openHttp2(sample.grpcUrl)
    const outcome = (size: number) =>
      new Promise<unknown>((resolve) => {
        const stream = session.request({ ...grpcHeads.unary, ':path': '/x', 'x-large': 'x'.repeat(size) })
        stream.on('response', ({ ':status': status }) => resolve(status))
        stream.on('error', () => resolve('reset'))
        stream.end()
        stream.resume()
      })
    expect(await outcome(3_000)).toBe(200)
    expect([431, 'reset']).toContain(await outcome(6_000))
    expect(await outcome(3_000)).toBe(200)
  })
})

describe('one connection', () => {
  test('has no more streams at once than MPC_MAX_CONCURRENT_STREAMS', async () => {
    await serve({ MPC_MAX_CONCURRENT_STREAMS: '2' })
    const session = openHttp2(sample.grpcUrl)
    await once(session, 'remoteSettings')
    const answered = new Set<number>()
    for (const n of [0, 1, 2]) {
      const stream = session.request(grpcHeads.watch)
      stream.on('error', () => undefined).once('response', () => answered.add(n))
      // WatchSessionRequest { session_id: "s1" }: answered once, then silent.
      stream.write(Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x73, 0x31]))
      stream.end().resume()
    }
    const roundTrip = () => new Promise((resolve) => session.ping(resolve))
    while (answered.size < 2) await roundTrip()
    for (let more = 0; more < 10; more++) await roundTrip()
    expect([...answered]).toEqual([0, 1])
  })

  test.each(['grpcUrl', 'httpUrl'] as const)('too many for MPC_MAX_CONNECTIONS is closed (%s)', async (url) => {
    await serve({ MPC_MAX_CONNECTIONS: '2' })
    const connections = [openTcp(sample[url]), openTcp(sample[url])]
    await Promise.all(connections.map((socket) => once(socket, 'connect')))
    const third = openTcp(sample[url])
    await once(third, 'close')
    connections.forEach((socket) => socket.destroy())
    // Until the service has noticed that there is room again.
    let before = 0
    while (before === 0) before = await limitedCount(sample, 'connections').catch(() => 0)
    expect(before).toBeGreaterThan(0)
  })
})
