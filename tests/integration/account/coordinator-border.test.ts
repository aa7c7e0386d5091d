/** What the account service makes of a failing coordinator: a gRPC server with its contract that fails on request. */
import { createServer } from 'node:net'
import type { HandlerContext } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callerKey } from '../../../src/edge/caller.ts'
import { edgeConfigFromEnv } from '../../../src/edge/config.ts'
import { createLogger } from '../../../src/edge/log.ts'
import { Refusal } from '../../../src/edge/refusal.ts'
import { serve, type RunningService } from '../../../src/edge/serve.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { startAccountService, type RunningAccountService } from './running-account-service.ts'

let answer: (context: HandlerContext) => { status: string }
let coordinator: RunningService
let service: RunningAccountService

beforeAll(async () => {
  coordinator = await serve(
    {
      name: 'session-coordinator',
      services: [SessionCoordinator],
      routes: (router) => router.service(SessionCoordinator, { getSessionStatus: (_, context) => answer(context) }),
      ready: async () => ({}),
    },
    edgeConfigFromEnv({ MPC_OPEN_MODE: 'true' }, { grpcPort: 0, httpPort: 0 }),
    createLogger('coordinator', 'silent'),
  )
  service = await startAccountService({ MPC_COORDINATOR_URL: coordinator.grpcUrl })
})
afterAll(async () => {
  await service.close()
  await coordinator.close()
})

const ask = (headers = {}) => service.call('GET', '/api/v1/mpc/sessions/s1', undefined, headers)

describe('a refusal of the coordinator', () => {
  test.each([
    ['not_found', 404],
    ['session_expired', 410],
    ['session_full', 409],
    ['threshold_not_met', 400],
    ['conflict', 409],
    ['rate_limited', 429],
    ['unavailable', 503],
  ] as const)('%s is passed on as it is', async (code, status) => {
    answer = () => {
      throw new Refusal(code, 'why', { field: 'what' })
    }
    expect(await ask()).toMatchObject({ status, body: { error: code, message: 'why', details: { field: 'what' } } })
  })

  test.each(['unauthorized', 'forbidden'] as const)('%s concerns this service, not its caller', async (code) => {
    answer = () => {
      throw new Refusal(code, 'canary')
    }
    const { status, body } = await ask()
    expect([status, body['error']]).toEqual([503, 'unavailable'])
    expect(JSON.stringify(body)).not.toContain('canary')
  })

  test('by the policy of the key is passed on to the caller, who can do something about it', async () => {
    answer = () => {
      throw new Refusal('forbidden', 'why', { 'approvals[0].signature': 'what' })
    }
    expect(await ask()).toMatchObject({ status: 403, body: { error: 'forbidden', message: 'why' } })
  })

  test.each(['Authorization', 'Origin'])('for its %s is none by a policy', async (field) => {
    answer = () => {
      throw new Refusal('forbidden', 'canary', { [field]: 'canary' })
    }
    expect(await ask()).toMatchObject({ status: 503 })
  })

  test('that is a failure of its own shows nothing', async () => {
    answer = () => {
      throw new Error('canary')
    }
    const { status, body } = await ask()
    expect([status, body]).toEqual([500, { error: 'internal_error', message: 'internal error', details: {} }])
  })
})

test('request and trace go with the call', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  let seen: unknown
  answer = ({ values }) => {
    const { requestId, traceId } = values.get(callerKey)
    seen = { requestId, traceId }
    return { status: 'created' }
  }
  const answered = await ask({ 'x-request-id': 'order-17', traceparent: `00-${trace}-b7ad6b7169203331-01` })
  expect(seen).toEqual({ requestId: 'order-17', traceId: trace })
  expect(answered.body).toMatchObject({ status: 'waiting' })
})

test('the API key for the coordinator is sent, and checked there', async () => {
  const keyed = await startAccountService({
    MPC_COORDINATOR_URL: coordinator.grpcUrl,
    MPC_COORDINATOR_API_KEY: 'mpc_key_unknown',
  })
  answer = () => ({ status: 'created' })
  expect(await keyed.call('GET', '/api/v1/mpc/sessions/s1')).toMatchObject({
    status: 503,
    body: { error: 'unavailable' },
  })
  await keyed.close()
})

describe('a coordinator that is not there', () => {
  test('is a 503 that names no address, and the service is not ready', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const alone = await startAccountService({ MPC_COORDINATOR_URL: `http://127.0.0.1:${port}` })
    const { status, body } = await alone.call('GET', '/api/v1/mpc/sessions/s1')
    expect([status, body['error']]).toEqual([503, 'unavailable'])
    expect(JSON.stringify(body)).not.toContain(String(port))
    expect(await alone.call('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { dependencies: { coordinator: false, database: true } },
    })
    await alone.close()
  })
})
