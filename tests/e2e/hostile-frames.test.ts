/** Bytes that are no message, or no frame, at every RPC of the gRPC ports of a running stack. */
import { connect, constants, type ClientHttp2Session } from 'node:http2'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServiceName } from '../../src/cli/stack/services.ts'
import { contracts, rpcs, type Rpc } from './fixtures/contracts.ts'
import { expectKeygenWorks, healthOf, openAttack, type Health } from './fixtures/hostile-calls.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
const attack = openAttack()
const connections = new Map<ServiceName, ClientHttp2Session>()
let before: Health

beforeAll(() => {
  for (const { at } of contracts) {
    // In MB: Node's client keeps what was not sent of a cancelled request, and refuses further ones beyond 10.
    const connection = connect(system().stack.services[at].grpcUrl, { maxSessionMemory: 1_000 })
    connections.set(at, connection.on('error', () => undefined))
  }
  before = healthOf(system().stack)
  return () => connections.forEach((connection) => connection.destroy())
})
afterAll(() => console.info(`${attack.calls()} hostile HTTP/2 streams: ${attack.tally()}`))

/** A length-prefixed message (gRPC over HTTP/2); flag 1 is for a compressed one. */
function frame(flags: number, message: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(flags)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const framed = random.map((message) => frame(0, message))
const promisesMore = Buffer.from('00ffffffff00', 'hex')
/** Start-group tags, each one level deeper, in what is still allowed as a message. */
const deep = frame(0, Buffer.alloc(1_500_000, 0x0b))
const body = fc.oneof(
  { weight: 3, arbitrary: random },
  { weight: 3, arbitrary: framed },
  framed.map((bytes) => bytes.subarray(0, bytes.length - 1)),
  framed.map((bytes) => Buffer.concat([bytes, bytes])),
  fc.constantFrom(frame(1, Buffer.from('x')), promisesMore, deep, frame(0, Buffer.alloc(2_000_000))),
)
const kind = fc.constantFrom('application/grpc', 'application/grpc+proto', 'application/grpc+json', 'text/html', '')

test.each(rpcs)('$name answers with a status that does not blame the service', async (target) => {
  await fc.assert(
    fc.asyncProperty(body, kind, async (bytes, contentType) => {
      const answer = await exchange(target, bytes, contentType)
      attack.count(answer)
      // gRPC has INTERNAL and UNIMPLEMENTED for what cannot be decoded or decompressed.
      expect(answer).toMatch(/^(grpc (0|3|5|7|8|9|12|13|16)|http 4\d\d)$/)
    }),
    { numRuns: 60 },
  )
})

/** Sends the bytes as a request's body and leaves as soon as there is an answer. */
function exchange({ at, path }: Rpc, bytes: Buffer, contentType: string): Promise<string> {
  const connection = connections.get(at)
  if (connection === undefined || connection.destroyed) throw new Error(`the connection to ${at} is lost`)
  return new Promise((resolve) => {
    const stream = connection.request({ ':method': 'POST', ':path': path, 'content-type': contentType })
    const leave = (answer: string) => {
      resolve(answer)
      stream.close(constants.NGHTTP2_CANCEL)
    }
    const seen = ({ ':status': http = 200, 'grpc-status': grpc }: Record<string, unknown>) => {
      if (grpc !== undefined) leave(`grpc ${String(grpc)}`)
      else if (http !== 200) leave(`http ${String(http)}`)
    }
    stream.on('response', seen).on('trailers', seen)
    stream.on('error', (error) => leave(error.message)).on('close', () => leave('closed without an answer'))
    stream.setTimeout(20_000, () => leave('nothing'))
    stream.end(bytes)
    stream.resume()
  })
}

test('no process was restarted, none logged an error of its own, and a key can still be made', async () => {
  expect(healthOf(system().stack)).toEqual(before)
  await expectKeygenWorks(system())
})
