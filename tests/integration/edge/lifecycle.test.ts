import { createServer } from 'node:net'
import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { edgeConfigFromEnv } from '../../../src/edge/config.ts'
import { createLogger } from '../../../src/edge/log.ts'
import { serve, type ServiceDefinition } from '../../../src/edge/serve.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { serveSample } from './sample-service.ts'

describe('closing', () => {
  test('ends streams with a reason and refuses new calls', async () => {
    const sample = await serveSample()
    const connection = connectService(sample.grpcUrl)
    const stream = connection.client(SessionFeed).watchSession({ sessionId: 's1' })[Symbol.asyncIterator]()
    expect((await stream.next()).value?.session?.sessionId).toBe('s1')
    const next = stream.next().catch(ConnectError.from)
    await sample.close()
    expect(await next).toMatchObject({ code: Code.Unavailable })
    const error = await connection
      .client(SessionCoordinator)
      .getSessionStatus({ sessionId: 's1' })
      .catch(ConnectError.from)
    expect(error).toMatchObject({ code: Code.Unavailable })
    connection.close()
  })

  test('does not wait for a handler that does not listen', async () => {
    const sample = await serveSample({ limits: { closeGraceMs: 60_000 } })
    const connection = connectService(sample.grpcUrl)
    const stream = connection.client(SessionFeed).watchSession({ sessionId: 'deaf' })[Symbol.asyncIterator]()
    await stream.next()
    const next = stream.next().catch(ConnectError.from)
    await sample.close()
    expect(await next).toMatchObject({ code: Code.Unavailable })
    connection.close()
  })

  test('closes WebSockets and idle keep-alive connections', async () => {
    const sample = await serveSample({
      limits: { closeGraceMs: 60_000 },
      definition: {
        webSocketPaths: ['/ws'],
        http: (app, upgrade) =>
          app.get(
            '/ws',
            upgrade(() => ({})),
          ),
      },
    })
    await (await fetch(`${sample.httpUrl}/health`)).text()
    const socket = new WebSocket(`${sample.httpUrl.replace('http', 'ws')}/ws`)
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await sample.close()
    expect(await closed).toBe(1001)
  })

  test('lets a running call end, then closes its keep-alive connection too', async () => {
    let started = () => {}
    let finish = (_: object) => {}
    const hasStarted = new Promise<void>((resolve) => (started = resolve))
    const slow: ServiceDefinition['http'] = (app) =>
      app.get('/slow', async (context) => {
        started()
        return context.json(await new Promise<object>((resolve) => (finish = resolve)))
      })
    const sample = await serveSample({ limits: { closeGraceMs: 60_000 }, definition: { http: slow } })
    const response = fetch(`${sample.httpUrl}/slow`)
    await hasStarted
    const closing = sample.close()
    finish({ done: true })
    expect(await (await response).json()).toEqual({ done: true })
    await closing
  })

  test('cuts a client that never ends its request once the grace is over', async () => {
    const sample = await serveSample({ limits: { closeGraceMs: 50 } })
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) })
    const headers = { 'content-type': 'application/json' }
    const request = fetch(`${sample.httpUrl}/api/v1/sessions`, {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit)
    const outcome = request.then(
      (response) => response.status,
      () => 'cut',
    )
    await sample.close()
    expect(['cut', 503]).toContain(await outcome)
  })

  test('twice is the same as once', async () => {
    const sample = await serveSample()
    await Promise.all([sample.close(), sample.close()])
  })
})

describe('starting', () => {
  const log = createLogger('test', 'silent')
  const definition = { name: 'x', services: [], routes: () => undefined, ready: async () => ({}) }

  test.each(['MPC_GRPC_PORT', 'MPC_HTTP_PORT'])(
    'on a port in use names %s and the port, and leaves nothing open',
    async (variable) => {
      const squatter = createServer()
      await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
      const port = (squatter.address() as { port: number }).port
      const config = edgeConfigFromEnv(
        { MPC_OPEN_MODE: 'true', [variable]: String(port) },
        { grpcPort: 0, httpPort: 0 },
      )
      await expect(serve(definition, config, log)).rejects.toMatchObject({
        variable,
        message: `${variable}: port ${port} on 127.0.0.1 is already in use`,
      })
      squatter.close()
    },
  )

  test('in open mode on anything but loopback is refused, however the configuration was made', async () => {
    const config = { ...edgeConfigFromEnv({ MPC_OPEN_MODE: 'true' }, { grpcPort: 0, httpPort: 0 }), host: '0.0.0.0' }
    await expect(serve(definition, config, log)).rejects.toMatchObject({ variable: 'MPC_HOST' })
  })

  test('on an address that is not ours names MPC_HOST', async () => {
    const config = edgeConfigFromEnv({ MPC_HOST: '203.0.113.1', MPC_PLAINTEXT: 'behind-proxy' }, { grpcPort: 0, httpPort: 0 })
    await expect(serve(definition, config, log)).rejects.toMatchObject({ variable: 'MPC_HOST' })
  })
})

describe('a service client', () => {
  test('sends its API key, unless the call has its own credential', async () => {
    const sample = await serveSample()
    const connection = connectService(sample.grpcUrl, { bearer: 'mpc_key_unknown' })
    const coordinator = connection.client(SessionCoordinator)
    const refused = await coordinator.getSessionStatus({ sessionId: 's1' }).catch(ConnectError.from)
    expect(refused).toMatchObject({ code: Code.Unauthenticated })
    const headers = { authorization: 'Bearer mpc_party_x' }
    expect(await coordinator.getSessionStatus({ sessionId: 's1' }, { headers })).toMatchObject({ sessionId: 's1' })
    connection.close()
    await sample.close()
  })

  test('gives up a call that is not answered in time', async () => {
    const never = createServer(() => undefined)
    await new Promise<void>((resolve) => never.listen(0, '127.0.0.1', resolve))
    const { port } = never.address() as { port: number }
    const connection = connectService(`http://127.0.0.1:${port}`, { deadlineMs: 50 })
    const error = await connection
      .client(SessionCoordinator)
      .getSessionStatus({ sessionId: 's1' })
      .catch(ConnectError.from)
    expect(error).toMatchObject({ code: Code.DeadlineExceeded })
    connection.close()
    never.close()
  })

  test('finds its service again after a restart', async () => {
    const first = await serveSample()
    const port = new URL(first.grpcUrl).port
    const connection = connectService(first.grpcUrl)
    const coordinator = connection.client(SessionCoordinator)
    await coordinator.getSessionStatus({ sessionId: 's1' })
    await first.close()
    const second = await serveSample({ env: { MPC_GRPC_PORT: port } })
    expect(await coordinator.getSessionStatus({ sessionId: 's1' })).toMatchObject({ sessionId: 's1' })
    connection.close()
    await second.close()
  })
})
