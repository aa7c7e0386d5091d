import { fromBinary } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import * as grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ErrorDetailSchema } from '../../../src/gen/mpc/api/v1/error_pb.ts'
import { grpcClient, unary, type Stub } from './grpc-js-client.ts'
import { serveSample, type Sample } from './sample-service.ts'

let sample: Sample
const clients: grpc.Client[] = []
beforeAll(async () => void (sample = await serveSample()))
afterAll(async () => {
  clients.forEach((client) => client.close())
  await sample.close()
})

const client = (name: string) => {
  const stub = grpcClient(name, sample.grpcUrl)
  clients.push(stub)
  return stub
}

describe('an independent gRPC client', () => {
  test('is answered', async () => {
    const { error, answer } = await unary(client('mpc.coordinator.v1.SessionCoordinator'), 'CreateSession', {
      session_type: 'keygen',
      threshold_n: 3,
      threshold_t: 2,
      participants: [{ party_id: 'party_0' }, { party_id: 'party_1' }, { party_id: 'party_2' }],
    })
    expect(error).toBeNull()
    expect(answer).toMatchObject({
      session_id: 's1',
      join_tokens: { party_0: 'token-party_0', party_1: 'token-party_1', party_2: 'token-party_2' },
      expires_at: 1703145600,
    })
  })

  test.each([
    ['JoinSession', { join_token: 't', party_id: 'a' }, grpc.status.RESOURCE_EXHAUSTED, 'session_full', 'party_id'],
    ['GetSessionStatus', { session_id: '..' }, grpc.status.INVALID_ARGUMENT, 'invalid_request', 'session_id'],
  ])('gets the refusal of %s as code and detail', async (method, request, code, error, field) => {
    const failure = (await unary(client('mpc.coordinator.v1.SessionCoordinator'), method, request)).error
    expect(failure?.code).toBe(code)
    expect(detailOf(failure)).toMatchObject({ error, details: { [field]: expect.any(String) } })
  })

  test.each([
    ['GetSessionStatus', { session_id: '..' }, '{1,64}'],
    ['MarkPartyReady', { session_id: 's1', party_id: 'odd' }, '100 % of “é”, or: none'],
  ])('reads what the refusal of %s says, whatever signs are in it', async (method, request, text) => {
    const { error } = await unary(client('mpc.coordinator.v1.SessionCoordinator'), method, request)
    expect(error?.details).toBe(detailOf(error).message)
    expect(error?.details).toContain(text)
  })

  test('sees nothing of the unexpected', async () => {
    const { error } = await unary(client('mpc.coordinator.v1.SessionCoordinator'), 'StartSession', { session_id: 's1' })
    expect([error?.code, error?.details]).toEqual([grpc.status.INTERNAL, 'internal error'])
  })

  test('is refused with an API key that is none', async () => {
    const metadata = new grpc.Metadata()
    metadata.set('authorization', 'Bearer mpc_key_x')
    const { error } = await unary(
      client('mpc.coordinator.v1.SessionCoordinator'),
      'GetSessionStatus',
      { session_id: 's1' },
      metadata,
    )
    expect(error?.code).toBe(grpc.status.UNAUTHENTICATED)
  })

  test('gets its request id back', async () => {
    const metadata = new grpc.Metadata()
    metadata.set('x-request-id', 'order-17')
    const stub = client('mpc.coordinator.v1.SessionCoordinator')
    const { answer } = await unary(stub, 'GetSessionStatus', { session_id: 's1' }, metadata)
    expect(answer).toMatchObject({ status: 'order-17' })
  })

  test('cannot send more than allowed', async () => {
    const message = { session_id: 's1', from_party: 'a', payload: Buffer.alloc(2_000_000) }
    const { error } = await unary(client('mpc.router.v1.MessageRouter'), 'RouteMessage', message)
    expect(error?.code).toBe(grpc.status.RESOURCE_EXHAUSTED)
  })

  test('may cancel thousands of streams on one connection', async () => {
    const stub = client('mpc.coordinator.v1.SessionFeed')
    // Node closes the connection of whoever resets a thousand, unless told otherwise.
    for (let burst = 0; burst < 5; burst++) {
      await Promise.all(Array.from({ length: 300 }, () => openAndCancel(stub)))
    }
    const { error } = await unary(client('mpc.coordinator.v1.SessionCoordinator'), 'GetSessionStatus', {
      session_id: 's1',
    })
    expect(error).toBeNull()
  }, 30_000)
})

function openAndCancel(stub: Stub): Promise<number> {
  return new Promise((resolve) => {
    const stream = stub['WatchSession']?.({ session_id: 's1' })
    stream?.on('data', () => stream.cancel())
    stream?.on('error', (error: grpc.ServiceError) =>
      error.code === grpc.status.CANCELLED ? resolve(error.code) : resolve(-1),
    )
  }).then((code) => {
    expect(code).toBe(grpc.status.CANCELLED)
    return grpc.status.CANCELLED
  })
}

/** The documented detail out of grpc-status-details-bin: google.rpc.Status, whose field 3 is an Any. */
function detailOf(error: grpc.ServiceError | null) {
  const status = error?.metadata.get('grpc-status-details-bin')[0]
  if (!(status instanceof Buffer)) throw new Error('no status details')
  const any = bytesField(status, 3)
  expect(Buffer.from(bytesField(any, 1)).toString()).toBe('type.googleapis.com/mpc.api.v1.ErrorDetail')
  return fromBinary(ErrorDetailSchema, bytesField(any, 2))
}

function bytesField(message: Uint8Array, wanted: number): Uint8Array {
  const reader = new BinaryReader(message)
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (field === wanted) return reader.bytes()
    reader.skip(wireType)
  }
  throw new Error(`no field ${wanted}`)
}
