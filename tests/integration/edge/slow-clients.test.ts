/** Clients that send or read too slowly: each limit of time is set by its variable and exceeded. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient, type ConnectRouter } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { callOver, transportOf } from './protocols.ts'
import { grpcHeads, limitedCount, openHttp2, openTcp, serveUntilEnd } from './raw-connections.ts'
import type { Sample } from './sample-service.ts'

let sample: Sample
const serve = async (...settings: Parameters<typeof serveUntilEnd>) => void (sample = await serveUntilEnd(...settings))

describe('a client that sends too slowly', () => {
  test.each([
    ['its headers', 'POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'its body',
      `${[
        'POST /api/v1/sessions HTTP/1.1',
        'Host: localhost',
        'Content-Type: application/json',
        'Content-Length: 9',
      ].join('\r\n')}\r\n\r\n{`,
    ],
  ])('over HTTP/1.1 (%s) is told so after MPC_REQUEST_TIMEOUT_MS, and dropped', async (_, bytes) => {
    await serve({ MPC_REQUEST_TIMEOUT_MS: '200' })
    const socket = openTcp(sample.httpUrl)
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    socket.write(bytes)
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*"error":"invalid_request"/)
    expect(await limitedCount(sample, 'slow_client')).toBe(1)
  })

  test.each(['grpcUrl', 'httpUrl'] as const)('or nothing at all loses its connection (%s)', async (url) => {
    await serve({ MPC_REQUEST_TIMEOUT_MS: '200' })
    const socket = openTcp(sample[url])
    socket.resume()
    await once(socket, 'close')
  })

  test('over gRPC is told so after MPC_REQUEST_TIMEOUT_MS', async () => {
    await serve({ MPC_REQUEST_TIMEOUT_MS: '200' })
    const stream = openHttp2(sample.grpcUrl).request(grpcHeads.unary)
    stream.write(Buffer.from([0, 0, 0, 0, 9, 1]))
    stream.resume()
    const [trailers] = await once(stream, 'trailers')
    expect(trailers).toMatchObject({ 'grpc-status': '3' })
    await once(stream, 'close')
  })
})

describe('a client that does not read', () => {
  const chunkBytes = 65_536
  let produced = 0
  let ended = Promise.withResolvers<void>()
  /** Messages without end, as fast as they are taken. */
  const flood = (router: ConnectRouter) => {
    produced = 0
    ended = Promise.withResolvers()
    router.service(MessageRouter, {
      subscribeMessages: async function* ({ partyId }) {
        yield {}
        // Longer than a slow client gets.
        if (partyId === 'b') await delay(700)
        try {
          for (;;) {
            yield { payload: new Uint8Array(chunkBytes) }
            produced++
          }
        } finally {
          ended.resolve()
        }
      },
      getPendingMessages: () => ({
        messages: Array.from({ length: 24 }, () => ({ payload: new Uint8Array(500_000) })),
      }),
    })
    router.service(SessionCoordinator, { getSessionStatus: ({ sessionId }) => ({ sessionId }) })
  }
  /** SubscribeRequest { session_id: "s1", party_id: "a" } as a gRPC message. */
  const request = Buffer.from([0, 0, 0, 0, 7, 0x0a, 2, 0x73, 0x31, 0x12, 1, 0x61])

  const connectHead = `${[
    'POST /mpc.router.v1.MessageRouter/SubscribeMessages HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/connect+proto',
    `Content-Length: ${request.length}`,
  ].join('\r\n')}\r\n\r\n`
  const requestAfterSilence = Buffer.from([...request.subarray(0, -1), 0x62])

  test.each([
    ['at once', request],
    ['after a silence', requestAfterSilence],
  ])('%s: its gRPC stream ends after MPC_SLOW_CLIENT_MS, and holds little memory until then', async (_, body) => {
    await serve({ MPC_SLOW_CLIENT_MS: '300' }, flood)
    const session = openHttp2(sample.grpcUrl)
    const stream = session.request(grpcHeads.subscribe)
    stream.on('error', () => undefined)
    stream.end(body)
    await ended.promise
    expect(produced * chunkBytes).toBeLessThan(4_000_000)
    expect(await limitedCount(sample, 'slow_client')).toBe(1)
    const status = await callOver('grpc', sample, SessionCoordinator.method.getSessionStatus, { sessionId: 's1' })
    expect(status.error).toBeNull()
  })

  test('at all loses its gRPC connection', async () => {
    await serve({ MPC_SLOW_CLIENT_MS: '300' }, flood)
    const relay = await relayTo(sample.grpcUrl)
    const stream = openHttp2(relay.url).request(grpcHeads.subscribe)
    stream.on('error', () => undefined)
    stream.once('response', () => relay.upstream.pause())
    stream.resume()
    stream.end(request)
    await ended.promise
    expect(produced * chunkBytes).toBeLessThan(16_000_000)
    // First the stream, then the connection.
    while ((await limitedCount(sample, 'slow_client')) < 2);
    const closed = once(relay.upstream, 'close')
    relay.upstream.resume()
    await closed
    relay.close()
  })

  test.each([
    ['a Connect stream', connectHead, request],
    ['a Connect stream, after a silence,', connectHead, requestAfterSilence],
    ['a REST answer', 'GET /api/v1/sessions/s1/messages?party_id=a HTTP/1.1\r\nHost: localhost\r\n\r\n', ''],
  ])('%s is dropped with its connection after MPC_SLOW_CLIENT_MS', async (_, head, body) => {
    await serve({ MPC_SLOW_CLIENT_MS: '300' }, flood)
    const socket = openTcp(sample.httpUrl)
    socket.pause()
    socket.write(head)
    socket.write(body)
    let drops = 0
    while (drops === 0) drops = await limitedCount(sample, 'slow_client')
    expect(produced * chunkBytes).toBeLessThan(16_000_000)
    const closed = once(socket, 'close')
    socket.resume()
    await closed
  })
})

/** A TCP relay that can stop reading what the service sends, as a client's kernel would. */
async function relayTo(target: string) {
  const upstream = openTcp(target)
  const relay = createServer((client) => {
    client.on('error', () => undefined)
    upstream.once('close', () => client.destroy())
    client.on('data', (bytes) => upstream.writable && upstream.write(bytes))
    upstream.on('data', (bytes) => client.write(bytes))
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const { port: own } = relay.address() as AddressInfo // listens on TCP
  return {
    url: `http://127.0.0.1:${own}`,
    upstream,
    close: () => relay.close(),
  }
}

test.each(['grpc', 'connect'] as const)('a %s stream that has nothing to say is left alone', async (protocol) => {
  const stay = Promise.withResolvers<void>()
  await serve({ MPC_SLOW_CLIENT_MS: '100', MPC_REQUEST_TIMEOUT_MS: '100' }, (router) =>
    router.service(MessageRouter, {
      subscribeMessages: async function* () {
        yield { round: 1 }
        await stay.promise
        yield { round: 2 }
      },
    }),
  )
  const router = createClient(MessageRouter, transportOf(protocol, sample))
  const rounds: number[] = []
  for await (const { round } of router.subscribeMessages({ sessionId: 's1', partyId: 'a' })) {
    rounds.push(round)
    // Several times what a slow client gets.
    if (round === 1) void delay(500).then(stay.resolve)
  }
  expect(rounds).toEqual([1, 2])
})
