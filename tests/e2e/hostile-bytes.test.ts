/** gRPC requests of the right types with wrong values, and connections of random bytes, at a running stack. */
import { connect as connectTcp } from 'node:net'
import { status as Status, type ServiceError } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { contracts, rpcs, type Rpc } from './fixtures/contracts.ts'
import { grpcClient, type GrpcClient } from './fixtures/grpc-client.ts'
import { expectKeygenWorks, healthOf, openAttack, type Health } from './fixtures/hostile-calls.ts'
import { protobufRequests, type Known } from './fixtures/hostile-requests.ts'
import { openLives } from './fixtures/session-lives.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
const attack = openAttack()
const clients = new Map<string, GrpcClient>()
let before: Health
let known: Known
let bearers: readonly string[]
let started: string

beforeAll(async () => {
  const lives = await openLives(system().stack)
  known = { ...lives.known, device_id: ['server_003'] }
  bearers = lives.credentials
  started = lives.of.started.session_id
  for (const { at, services } of contracts) {
    const { grpcUrl } = system().stack.services[at]
    for (const { typeName, file } of services) {
      clients.set(`${at} ${typeName}`, grpcClient(grpcUrl, `${file.name}.proto`, typeName))
    }
  }
  before = healthOf(system().stack)
  return () => {
    for (const client of clients.values()) client.close()
  }
})
afterAll(() => console.info(`${attack.calls()} hostile gRPC calls and connections: ${attack.tally()}`))

/** What a request can be told; UNKNOWN, INTERNAL, UNAVAILABLE and the like would be the server's fault. */
const refusals: readonly number[] = [
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.UNAUTHENTICATED,
  Status.PERMISSION_DENIED,
  Status.FAILED_PRECONDITION,
  Status.RESOURCE_EXHAUSTED,
]

/** The answer's status; a stream that goes on is left after a while and counts as OK. */
async function call(
  { at, method }: Rpc,
  request: Record<string, unknown>,
  bearer: string | undefined,
): Promise<ServiceError | null> {
  const client = clients.get(`${at} ${method.parent.typeName}`)
  if (client === undefined) throw new Error(`no client for ${method.name}`)
  if (method.methodKind === 'unary') {
    return client.call(method.name, request, bearer).then(() => null, (error: ServiceError) => error)
  }
  const stream = client.stream(method.name, request, bearer)
  const leave = setTimeout(() => stream.cancel(), 50)
  const refused = await new Promise<ServiceError | null>((resolve) => {
    stream.on('data', () => undefined).on('end', () => resolve(null)).on('error', resolve)
  })
  clearTimeout(leave)
  return refused?.code === Status.CANCELLED ? null : refused
}

describe('connections', () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  const upgrade = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13'
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
  const opening = `GET /api/v1/messages/subscribe HTTP/1.1\r\n${upgrade}\r\n${key}\r\n\r\n`
  const post = 'POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  const posts = [`${post}Content-Length: 99\r\n\r\n{`, `${post}Transfer-Encoding: chunked\r\n\r\n9\r\n{`]
  const heads = fc.constantFrom('', preface, opening, ...posts)

  test.each(contracts)('of random bytes that are reset leave $at unharmed', async ({ at }) => {
    const { grpcUrl, httpUrl } = system().stack.services[at]
    const open = fc.tuple(fc.constantFrom(grpcUrl, httpUrl), heads, fc.uint8Array({ maxLength: 200 }))
    await fc.assert(
      fc.asyncProperty(open, async ([url, head, bytes]) => {
        await reset(url, Buffer.concat([Buffer.from(head), bytes]))
        attack.count('reset')
      }),
      { numRuns: 60 },
    )
    expect((await fetch(`${httpUrl}/livez`)).status).toBe(200)
  })

  test('WebSockets that send what nobody reads, and then too much, are closed', async () => {
    const { httpUrl } = system().stack.services['message-router']
    const path = `/api/v1/messages/subscribe?session_id=${started}&party_id=p0`
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 6_000 }), fc.boolean(), async (bytes, binary) => {
        const socket = new WebSocket(httpUrl.replace('http', 'ws') + path)
        await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
        const closed = new Promise((resolve) => socket.once('close', resolve))
        socket.send(bytes, { binary: true })
        socket.send('x'.repeat(6_000), { binary })
        expect(await closed).toBe(1009)
        attack.count('closed 1009')
      }),
      { numRuns: 20 },
    )
  })
})

describe.each(rpcs)('$name', (target) => {
  test('answers random messages with a result or a documented refusal', async () => {
    const bearer = fc.option(fc.constantFrom(...bearers), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(protobufRequests(target.method.input, known), bearer, async (request, credential) => {
        const refused = await call(target, request, credential)
        attack.count(refused === null ? 'ok' : (Status[refused.code] ?? String(refused.code)))
        if (refused === null) return
        expect(refusals, refused.message).toContain(refused.code)
        const [detail] = refused.metadata.get('grpc-status-details-bin')
        expect(String(detail)).toContain('mpc.api.v1.ErrorDetail')
      }),
      { numRuns: 60 },
    )
  })
})

/** Sends the bytes and resets the connection, before or after something comes back. */
function reset(url: string, bytes: Uint8Array): Promise<void> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connectTcp(Number(port), hostname, () => socket.write(bytes, () => socket.resetAndDestroy()))
    socket.on('error', () => undefined).on('close', () => resolve())
  })
}

test('no process was restarted, none logged an error of its own, and a key can still be made', async () => {
  expect(healthOf(system().stack)).toEqual(before)
  await expectKeygenWorks(system())
})
