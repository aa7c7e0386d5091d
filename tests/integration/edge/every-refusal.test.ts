/** Each documented error over each protocol: the same code and details, and when it makes sense to ask again. */
import { createClient, type ConnectRouter } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal, refusalMapping, type RefusalCode } from '../../../src/edge/refusal.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { callOver, protocols, seenOf, statusOf, transportOf } from './protocols.ts'
import { serveSample, type Sample } from './sample-service.ts'

const codes = Object.keys(refusalMapping) as RefusalCode[]
const details = { session_id: 'is what was asked for', 'participants[0].party_id': 'ünïcode "quoted"' }

/** Refuses every session with the code that its id names. */
function refusingRoutes(router: ConnectRouter): void {
  const refuse = (code: string) => {
    throw new Refusal(code as RefusalCode, `refused: ${code}`, details)
  }
  router
    .service(SessionCoordinator, { getSessionStatus: ({ sessionId }) => refuse(sessionId) })
    .service(SessionFeed, {
      watchSession: async function* ({ sessionId }) {
        if (sessionId.startsWith('late-')) yield { session: { sessionId } }
        refuse(sessionId.replace('late-', ''))
      },
    })
}

let sample: Sample
beforeAll(async () => {
  const definition = { services: [SessionCoordinator, SessionFeed], routes: refusingRoutes }
  sample = await serveSample({ definition })
})
afterAll(() => sample.close())

/** On what is worth another try, and on nothing else. */
function expectRetryAfter(code: RefusalCode, headers: Headers): void {
  const isTemporary = code === 'rate_limited' || code === 'unavailable'
  expect(headers.get('retry-after')).toBe(isTemporary ? '1' : null)
}

describe.each(codes)('%s', (code) => {
  test.each(protocols)('over %s', async (protocol) => {
    const method = SessionCoordinator.method.getSessionStatus
    const seen = await callOver(protocol, sample, method, { sessionId: code }, { 'x-request-id': `r-${code}` })
    expect(seen).toMatchObject({ error: code, message: `refused: ${code}`, details })
    expect(seen.status).toBe(statusOf(protocol, code))
    if (protocol !== 'rest') expect(seen.code).toBe(refusalMapping[code].code)
    expectRetryAfter(code, seen.headers)
    expect(seen.headers.get('x-request-id')).toBe(`r-${code}`)
  })

  test.each(['connect', 'grpc-web', 'grpc'] as const)('in a stream over %s', async (protocol) => {
    const feed = createClient(SessionFeed, transportOf(protocol, sample))
    for (const sessionId of [code, `late-${code}`]) {
      const read = async () => {
        for await (const update of feed.watchSession({ sessionId })) expect(update.session?.sessionId).toBe(sessionId)
      }
      const seen = seenOf(await read().catch((error: unknown) => error))
      expect(seen).toMatchObject({ error: code, details, code: refusalMapping[code].code })
      expectRetryAfter(code, seen.headers)
    }
  })
})

test('a service that has lost a dependency says when to ask again', async () => {
  const lame = await serveSample({ definition: { ready: async () => ({ nats: false }) } })
  for (const path of ['/health', '/readyz']) {
    const response = await fetch(lame.httpUrl + path)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  }
  await lame.close()
})

/** Errors of the protocols themselves: no handler has seen the call. */
describe('a unary call', () => {
  const path = '/mpc.coordinator.v1.SessionCoordinator/GetSessionStatus'
  const post = async (contentType: string, body: Uint8Array<ArrayBuffer>) => {
    const headers = { 'content-type': contentType }
    const response = await fetch(sample.httpUrl + path, { method: 'POST', headers, body })
    return Buffer.from(await response.arrayBuffer()).toString('latin1')
  }

  test('without any message names the body, over Connect', async () => {
    expect(JSON.parse(await post('application/json', new Uint8Array()))).toMatchObject({
      details: [{ debug: { error: 'invalid_request', details: { body: expect.any(String) } } }],
    })
  })

  test.each([
    ['no message', [], 12, 'invalid_request'],
    ['a message that is none', [0, 0, 0, 0, 2, 0x0a, 0xff], 13, 'invalid_request'],
    ['a compressed message', [1, 0, 0, 0, 0], 13, 'invalid_request'],
    ['a frame that promises 4 GiB', [0, 0xff, 0xff, 0xff, 0xff, 1], 8, 'payload_too_large'],
  ])('with %s names the body, over gRPC-web', async (_, bytes, status, error) => {
    const answer = await post('application/grpc-web+proto', Uint8Array.from(bytes))
    expect(answer).toContain(`grpc-status: ${status}\r\n`)
    const detail = /grpc-status-details-bin: (\S+)/.exec(answer)?.[1] ?? ''
    expect(Buffer.from(detail, 'base64').toString()).toContain(error)
    expect(Buffer.from(detail, 'base64').toString()).toMatch(/body/)
  })
})
