/**
 * Broken Connect, gRPC-web and WebSocket requests, and strange headers, at every HTTP port of a running stack; and what
 * all of it does to the memory of the services.
 */
import { connect as connectTcp } from 'node:net'
import { toBinary, create, type DescMessage } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contracts, rpcs, type Rpc } from './fixtures/contracts.ts'
import { expectKeygenWorks, healthOf, openAttack, type Health } from './fixtures/hostile-calls.ts'
import { growthText, residentMiB } from './fixtures/memory.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
const attack = openAttack()
const httpUrl = (at: Rpc['at']) => system().stack.services[at].httpUrl

/** A process may grow by this much over all that follows: generous, since a heap fills up before it is collected. */
const maxGrowthMiB = 192

let before: Health
let memoryBefore: ReadonlyMap<string, number>
beforeAll(async () => {
  before = healthOf(system().stack)
  // Warm: compiled, connected, with the heap of a service at work.
  const empty = Buffer.from('{}')
  for (let i = 0; i < 50; i++) await Promise.all(rpcs.map((target) => send(target, 'application/json', empty)))
  memoryBefore = residentMiB(system().stack)
})
afterAll(() => console.info(`${attack.calls()} hostile calls over HTTP: ${attack.tally()}`))

type Sent = Readonly<{ status: number; text: string; grpcStatus: string | null }>

async function send(
  { at, path }: Rpc,
  contentType: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const leave = new AbortController()
  const url = httpUrl(at) + path
  const request = { method: 'POST', headers: { ...headers, 'content-type': contentType }, body: Buffer.from(body) }
  const response = await fetch(url, { ...request, signal: leave.signal })
  // A stream that goes on is left.
  const timer = setTimeout(() => leave.abort(), 200)
  const text = await response.text().catch(() => '')
  clearTimeout(timer)
  // gRPC-web has its trailers at the end of the body, if there is one.
  const [, trailer = null] = /grpc-status: (\d+)\r\n/.exec(text) ?? []
  return { status: response.status, text, grpcStatus: response.headers.get('grpc-status') ?? trailer }
}

/** As over gRPC, what cannot be decoded is INTERNAL or UNIMPLEMENTED; 4 is the caller's own deadline. */
const notToBlame: readonly number[] = [0, 3, 4, 5, 7, 8, 9, 12, 13, 16]

/** A length-prefixed message of Connect's streams and of gRPC-web. */
function frame(flags: number, message: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(flags)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
/** A message of the method's type with some bytes replaced. */
const damagedMessage = (type: DescMessage) => {
  const whole = Buffer.concat([toBinary(type, create(type)), Buffer.from('0a0568656c6c6f12036f6e65', 'hex')])
  return fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(whole)
    bytes[at] = byte
    return bytes
  })
}
const promisesMore = Buffer.from('00ffffffff00', 'hex')
const large = Buffer.alloc(100_000, 0x0b)
const bodyOf = (type: DescMessage) => {
  const message = fc.oneof(random, damagedMessage(type))
  return fc.oneof(
    message,
    fc.tuple(fc.constantFrom(0, 0, 0, 1, 2, 0x80, 0x81, 0xff), message).map(([flags, bytes]) => frame(flags, bytes)),
    message.map((bytes) => frame(0, bytes).subarray(0, bytes.length + 4)),
    message.map((bytes) => Buffer.concat([frame(0, bytes), frame(0, bytes), frame(2, Buffer.from('{}'))])),
    message.map((bytes) => Buffer.from(frame(0, bytes).toString('base64'))),
    fc.constantFrom(promisesMore, large, frame(0, large)),
  )
}
const ofUnary = ['application/proto', 'application/json']
const ofStreams = ['application/connect+proto', 'application/connect+json']
const ofBoth = ['application/grpc-web', 'application/grpc-web+proto', 'application/grpc-web+json']
const ofNone = ['application/grpc-web-text', 'application/grpc', 'text/html', '']
/** Mostly what the method can be called with. */
const contentTypeOf = ({ method }: Rpc) => {
  const [own, other] = method.methodKind === 'unary' ? [ofUnary, ofStreams] : [ofStreams, ofUnary]
  const fitting = fc.constantFrom(...own, ...ofBoth)
  return fc.oneof({ weight: 6, arbitrary: fitting }, fc.constantFrom(...other, ...ofNone))
}
const strangeHeaders = fc.dictionary(
  fc.constantFrom(
    'connect-protocol-version',
    'connect-timeout-ms',
    'connect-content-encoding',
    'content-encoding',
    'grpc-encoding',
    'grpc-timeout',
    'authorization',
    'x-request-id',
    'x-forwarded-for',
    'idempotency-key',
    'traceparent',
  ),
  fc.constantFrom('', '1', '-1', '99999999999', 'gzip', 'x'.repeat(4_000), 'Bearer mpc_key_x', '\u00e9', '1H', 'null'),
  { maxKeys: 3 },
)

describe.each(rpcs)('$name', (target) => {
  test('answers broken Connect and gRPC-web requests without blaming itself', async () => {
    const request = fc.tuple(contentTypeOf(target), bodyOf(target.method.input), strangeHeaders)
    await fc.assert(
      fc.asyncProperty(request, async ([type, body, headers]) => {
        const { status, text, grpcStatus } = await send(target, type, body, headers)
        attack.count(grpcStatus === null ? `http ${status}` : `grpc-web ${grpcStatus}`)
        // 504 is how Connect tells that the caller's own deadline has passed.
        const isDeadline = status === 504 && text.includes('deadline_exceeded')
        expect(status < 500 || isDeadline, `${status} ${text.slice(0, 300)}`).toBe(true)
        if (grpcStatus !== null) expect(notToBlame, text.slice(0, 300)).toContain(Number(grpcStatus))
        expect(text).not.toMatch(/\bat .*\.[jt]s:\d+|node_modules/)
      }),
      { numRuns: 100 },
    )
  })
})

describe('upgrade requests', () => {
  const upgrades = fc.record(
    {
      Host: fc.constantFrom('localhost', '', '[', 'example.com'),
      Connection: fc.constantFrom('Upgrade', 'keep-alive', 'Upgrade, HTTP2-Settings'),
      Upgrade: fc.constantFrom('websocket', 'h2c', 'WebSocket, x', ''),
      'Sec-WebSocket-Version': fc.constantFrom('13', '8', 'x'),
      'Sec-WebSocket-Key': fc.constantFrom('AAAAAAAAAAAAAAAAAAAAAA==', 'x', ''),
      'Sec-WebSocket-Protocol': fc.constantFrom('x', 'a,,b', '\u0001'),
      'Sec-WebSocket-Extensions': fc.constantFrom('permessage-deflate', ';;', 'x'.repeat(3_000)),
      Origin: fc.constantFrom('null', 'https://evil.example', 'x'),
    },
    { requiredKeys: [] },
  )
  const path = '/api/v1/messages/subscribe'
  const queries = ['?session_id=x&party_id=y', '?after_sequence=-1', '?', '']
  const paths = fc.constantFrom('/', '//', '*', '/%', ...queries.map((query) => path + query))

  test.each(contracts)('of any form are answered by $at, or the connection ends', async ({ at }) => {
    await fc.assert(
      fc.asyncProperty(upgrades, paths, random, async (headers, target, frames) => {
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        const head = Buffer.from(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`)
        const answer = await exchange(httpUrl(at), Buffer.concat([head, frames]))
        const [, status = 'none'] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? []
        attack.count(`upgrade ${status}`)
        expect(status).not.toMatch(/^5/)
      }),
      { numRuns: 60 },
    )
    expect((await fetch(`${httpUrl(at)}/livez`)).status).toBe(200)
  })
})

/** Sends the bytes and gives what comes back, up to the first answer or the end of the connection. */
function exchange(url: string, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connectTcp(Number(port), hostname, () => socket.end(bytes))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      socket.destroy()
    })
    socket.on('error', () => undefined).on('close', () => resolve(text))
    socket.setTimeout(10_000, () => socket.destroy())
  })
}

test('the memory of the services is bounded', () => {
  const after = residentMiB(system().stack)
  const growth = growthText(memoryBefore, after)
  console.info(`memory after ${attack.calls()} hostile calls (allowed: ${maxGrowthMiB} MiB more): ${growth}`)
  for (const [name, miB] of after) expect(miB - (memoryBefore.get(name) ?? 0), name).toBeLessThan(maxGrowthMiB)
})

test('no process was restarted, none logged an error of its own, and a key can still be made', async () => {
  expect(healthOf(system().stack)).toEqual(before)
  await expectKeygenWorks(system())
})
