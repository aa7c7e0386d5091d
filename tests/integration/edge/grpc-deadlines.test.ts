/**
 * Deadlines and cancellation. A gRPC client of any language gives up by itself when its deadline passes; so what the
 * server does is seen by a client that only sends the deadline and waits for the answer.
 */
import { once } from 'node:events'
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectRouter } from '@connectrpc/connect'
import * as grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { grpcClient, unary } from './grpc-js-client.ts'
import { serveSample, type Sample } from './sample-service.ts'

/** What the handlers below have begun and not ended. */
const atWork = new Set<string>()
let begun = Promise.withResolvers<void>()
const permission = Promise.withResolvers<void>()

async function work(what: string, signal: AbortSignal): Promise<void> {
  atWork.add(what)
  begun.resolve()
  if (!signal.aborted) await once(signal, 'abort')
  atWork.delete(what)
}

function patientRoutes(router: ConnectRouter): void {
  router
    .service(SessionCoordinator, {
      getSessionStatus: async ({ sessionId }, { signal }) => {
        await work(sessionId, signal)
        return { sessionId }
      },
      // Do not look at the signal.
      startSession: () => new Promise(() => begun.resolve()),
      closeSession: async () => {
        begun.resolve()
        await permission.promise
        return { success: true }
      },
    })
    .service(SessionFeed, {
      watchSession: async function* ({ sessionId }, { signal }) {
        yield { session: { sessionId } }
        await work(sessionId, signal)
      },
    })
}

const status = '/mpc.coordinator.v1.SessionCoordinator/GetSessionStatus'
const deaf = '/mpc.coordinator.v1.SessionCoordinator/StartSession'
const streaming = '/mpc.coordinator.v1.SessionFeed/WatchSession'
/** GetSessionStatusRequest { session_id: "s1" } as a gRPC message; the other two requests look the same. */
const message = Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x73, 0x31])

let sample: Sample
let session: ClientHttp2Session
beforeAll(async () => {
  sample = await serveSample({ definition: { services: [SessionCoordinator, SessionFeed], routes: patientRoutes } })
  session = connect(sample.grpcUrl).on('error', () => undefined)
})
afterAll(async () => {
  session.destroy()
  await sample.close()
})
beforeEach(() => void (begun = Promise.withResolvers<void>()))

/** Once the handler has noticed. */
async function untilNothingIsAtWork(): Promise<void> {
  while (atWork.size > 0) await sleep(5)
}

function send(path: string, headers: Record<string, string> = {}): ClientHttp2Stream {
  const head = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers }
  return session.request(head).on('error', () => undefined)
}

/** gRPC status of the answer, which may be headers only. */
function statusOf(stream: ClientHttp2Stream): Promise<unknown> {
  return new Promise((resolve) => {
    const seen = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']))
    }
    stream.on('response', seen).on('trailers', seen).resume()
    stream.on('close', () => resolve('closed without a status'))
  })
}

describe('a deadline that passes', () => {
  test.each([
    ['a unary call', status],
    ['a unary call whose handler does not stop', deaf],
    ['a stream', streaming],
  ])('ends %s, by the server', async (_, path) => {
    const stream = send(path, { 'grpc-timeout': '150m' })
    stream.end(message)
    expect(await statusOf(stream)).toBe(grpc.status.DEADLINE_EXCEEDED)
    await untilNothingIsAtWork()
  })

  test('ends a stream of requests', async () => {
    const stream = send('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', { 'grpc-timeout': '150m' })
    stream.write(Buffer.from([0, 0, 0, 0, 2, 0x3a, 0]))
    expect(await statusOf(stream)).toBe(grpc.status.DEADLINE_EXCEEDED)
  })

  test.each(['0m', '1n'])('of %s has passed at once', async (timeout) => {
    const stream = send(status, { 'grpc-timeout': timeout })
    stream.end(message)
    expect(await statusOf(stream)).toBe(grpc.status.DEADLINE_EXCEEDED)
    await untilNothingIsAtWork()
  })

  test('is told over Connect as deadline_exceeded', async () => {
    const headers = { 'content-type': 'application/json', 'connect-timeout-ms': '150' }
    const response = await fetch(sample.httpUrl + status, { method: 'POST', headers, body: '{"session_id":"s1"}' })
    expect(await response.json()).toMatchObject({ code: 'deadline_exceeded' })
    await untilNothingIsAtWork()
  })
})

describe('the handler stops', () => {
  const clientOf = (name: string) => grpcClient(name, sample.grpcUrl)

  test('when a unary call is cancelled', async () => {
    const stub = clientOf('mpc.coordinator.v1.SessionCoordinator')
    const ended = Promise.withResolvers<unknown>()
    const done = (error: grpc.ServiceError) => ended.resolve(error.code)
    const call = stub['GetSessionStatus']?.({ session_id: 's1' }, done)
    await begun.promise
    call?.cancel()
    expect(await ended.promise).toBe(grpc.status.CANCELLED)
    await untilNothingIsAtWork()
    stub.close()
  })

  test('when a stream is cancelled', async () => {
    const stub = clientOf('mpc.coordinator.v1.SessionFeed')
    const stream = stub['WatchSession']?.({ session_id: 's1' })
    stream?.on('data', () => undefined).on('error', () => undefined)
    await begun.promise
    stream?.cancel()
    await untilNothingIsAtWork()
    stub.close()
  })

  test('when the client closes its connection', async () => {
    const own = connect(sample.grpcUrl).on('error', () => undefined)
    const head = { ':method': 'POST', ':path': status, 'content-type': 'application/grpc', te: 'trailers' }
    own.request(head).on('error', () => undefined).end(message)
    await begun.promise
    own.destroy()
    await untilNothingIsAtWork()
  })

  test.each(['Connect', 'REST'])('when a client leaves over %s', async (protocol) => {
    const leave = new AbortController()
    const call =
      protocol === 'REST'
        ? fetch(`${sample.httpUrl}/api/v1/sessions/s1`, { signal: leave.signal })
        : fetch(sample.httpUrl + status, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: '{"session_id":"s1"}',
            signal: leave.signal,
          })
    const left = call.catch((error: Error) => error.name)
    await begun.promise
    leave.abort()
    expect(await left).toBe('AbortError')
    await untilNothingIsAtWork()
  })
})

test('a service that stops lets a running call end', async () => {
  const own = await serveSample({ definition: { services: [SessionCoordinator, SessionFeed], routes: patientRoutes } })
  const stub = grpcClient('mpc.coordinator.v1.SessionCoordinator', own.grpcUrl)
  const call = unary(stub, 'CloseSession', { session_id: 's1' })
  await begun.promise
  const closed = own.close()
  permission.resolve()
  expect(await call).toMatchObject({ error: null, answer: { success: true } })
  await closed
  stub.close()
})
