import { once } from 'node:events'
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2'
import { createServer, type AddressInfo } from 'node:net'
import { create, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectService } from '../../../src/edge/service-client.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { WatchSessionRequestSchema } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { serveSample, type Sample } from './sample-service.ts'

/** https://grpc.io/docs/guides/status-codes, as they travel. */
const grpcStatus = { invalidArgument: '3', resourceExhausted: '8', unimplemented: '12', internal: '13' }

let sample: Sample
beforeAll(async () => void (sample = await serveSample()))
afterAll(() => sample.close())

describe('a hostile peer', () => {
  let session: ClientHttp2Session
  beforeAll(() => {
    session = connectHttp2(sample.grpcUrl).on('error', () => undefined)
  })
  afterAll(() => session.destroy())

  const path = '/mpc.coordinator.v1.SessionCoordinator/GetSessionStatus'
  const exchange = (headers: Record<string, string>, body = Buffer.alloc(0)) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        ...headers,
      })
      const seen: Record<string, unknown> = {}
      stream.on('response', (head) => Object.assign(seen, head))
      stream.on('trailers', (trailers) => Object.assign(seen, trailers))
      stream.on('error', (error) => Object.assign(seen, { error }))
      stream.on('close', () => resolve(seen))
      stream.end(body)
      stream.resume()
    })
  const alive = async () => {
    const connection = connectService(sample.grpcUrl)
    expect(await connection.client(SessionCoordinator).getSessionStatus({ sessionId: 's1' })).toMatchObject({
      sessionId: 's1',
    })
    connection.close()
  }

  // Node itself resets what has spaces in it.
  test.each(['[', '%', 'x:y:z'])('with the authority "%s" is refused and does no harm', async (authority) => {
    expect(await exchange({ ':authority': authority })).toMatchObject({ ':status': 400 })
    await alive()
  })
  test('that calls what is not there learns so', async () => {
    expect(await exchange({ ':path': '/x.Y/Z' })).toMatchObject({ 'grpc-status': '12' })
  })
  test.each([
    ['a message that is none', Buffer.from([0, 0, 0, 0, 2, 0x0a, 0xff]), grpcStatus.internal],
    ['a frame that promises 4 GiB', Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]), grpcStatus.resourceExhausted],
    ['half a frame', Buffer.from([0, 0, 0]), grpcStatus.invalidArgument],
    ['a compressed message', Buffer.from([1, 0, 0, 0, 0]), grpcStatus.internal],
    ['nothing', Buffer.alloc(0), grpcStatus.unimplemented],
  ])('that sends %s gets a status, and nothing is logged as our fault', async (_, body, status) => {
    expect((await exchange({}, body))['grpc-status']).toBe(status)
    await alive()
    expect(sample.logText()).not.toMatch(/"level":[4-6]0/)
  })
  test.each([
    ['a message that is none', Buffer.from([0, 0, 0, 0, 2, 0x0a, 0xff])],
    ['a compressed message', Buffer.from([1, 0, 0, 0, 0])],
  ])('that opens a stream with %s is told so, and nothing is logged as our fault', async (_, body) => {
    const answer = await exchange({ ':path': '/mpc.coordinator.v1.SessionFeed/WatchSession' }, body)
    expect(answer['grpc-status']).toBe(grpcStatus.invalidArgument)
    expect(Buffer.from(String(answer['grpc-status-details-bin']), 'base64').toString()).toContain('invalid_request')
    expect(sample.logText()).not.toMatch(/"level":[4-6]0/)
  })
  test('that resets in the middle of a call does no harm', async () => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' })
    stream.on('error', () => undefined)
    stream.write(Buffer.from([0, 0]))
    await new Promise((resolve) => session.ping(resolve))
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    await alive()
  })
  test('that resets a stream that it follows, for whatever reason, is no failure of ours', async () => {
    const watch = '/mpc.coordinator.v1.SessionFeed/WatchSession'
    const stream = session.request({ ':method': 'POST', ':path': watch, 'content-type': 'application/grpc', te: 'trailers' })
    stream.on('error', () => undefined)
    const request = toBinary(WatchSessionRequestSchema, create(WatchSessionRequestSchema, { sessionId: 's1' }))
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]))
    await once(stream, 'data')
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    await alive()
    expect(sample.logText()).not.toMatch(/"level":[4-6]0/)
  })
})

describe('a peer that is called and speaks no HTTP/2', () => {
  // Whatever is thrown where nobody listens fails the run.
  test.each([
    ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['nothing that anybody knows', '\0\0\0\0'.repeat(100)],
    ['nothing, and hangs up', ''],
  ])('but %s costs its callers their calls and not their process', async (_what, answer) => {
    const peer = createServer((socket) => void socket.on('error', () => undefined).once('data', () => socket.end(answer)))
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void peer.close())
    const { port } = peer.address() as AddressInfo // listens on TCP
    for (let round = 0; round < 5; round += 1) {
      const connection = connectService(`http://127.0.0.1:${port}`)
      const ask = () => connection.client(SessionCoordinator).getSessionStatus({ sessionId: 's1' })
      const answers = await Promise.allSettled([ask(), ask(), ask().finally(ask)])
      expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
      connection.close()
    }
    await new Promise((resolve) => setImmediate(resolve))
  })
})
