import { fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import * as grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grpcClient, unary } from './grpc-js-client.ts'
import { serveSample, type Sample } from './sample-service.ts'

let sample: Sample
const clients: grpc.Client[] = []
beforeAll(async () => void (sample = await serveSample()))
afterAll(async () => {
  clients.forEach((client) => client.close())
  await sample.close()
})

const client = (name: string, url = sample.grpcUrl) => {
  const stub = grpcClient(name, url)
  clients.push(stub)
  return stub
}

describe('grpc.health.v1', () => {
  const health = () => client('grpc.health.v1.Health')
  test.each(['', 'mpc.coordinator.v1.SessionCoordinator'])('"%s" is serving', async (service) => {
    expect((await unary(health(), 'Check', { service })).answer).toEqual({ status: 'SERVING' })
  })
  test('says nothing of a credential: it is not limited, so it must not tell whether a guess was right', async () => {
    const metadata = new grpc.Metadata()
    metadata.set('authorization', 'Bearer mpc_key_guessed')
    expect((await unary(health(), 'Check', { service: '' }, metadata)).answer).toEqual({ status: 'SERVING' })
  })
  test('an unknown service is not found', async () => {
    expect((await unary(health(), 'Check', { service: 'x.Y' })).error?.code).toBe(grpc.status.NOT_FOUND)
  })
  test('a watch tells each change', async () => {
    let ready = true
    const lame = await serveSample({ definition: { ready: async () => ({ nats: ready }) } })
    const stream = client('grpc.health.v1.Health', lame.grpcUrl)['Watch']?.({ service: '' })
    stream?.on('error', () => undefined)
    const seen: unknown[] = []
    await new Promise<void>((resolve) => {
      stream?.on('data', ({ status }) => {
        seen.push(status)
        ready = false
        if (seen.length === 2) resolve()
      })
    })
    expect(seen).toEqual(['SERVING', 'NOT_SERVING'])
    await lame.close()
  })
  test('a watch of an unknown service says so', async () => {
    const stream = health()['Watch']?.({ service: 'x.Y' })
    stream?.on('error', () => undefined)
    expect(await new Promise((resolve) => stream?.once('data', resolve))).toEqual({ status: 'SERVICE_UNKNOWN' })
    stream?.cancel()
  })
})

type ReflectionAnswer = Readonly<{
  list_services_response: { service: { name: string }[] }
  file_descriptor_response: { file_descriptor_proto: Buffer[] }
  all_extension_numbers_response: { extension_number: number[] }
  error_response: { error_code: number }
}>

describe('server reflection', () => {
  async function ask(question: object, url = sample.grpcUrl) {
    const stub = client('grpc.reflection.v1.ServerReflection', url)
    // Of the methods that a stub may have, this one streams both ways.
    const call = stub['ServerReflectionInfo']?.() as unknown as grpc.ClientDuplexStream<object, ReflectionAnswer>
    call.write(question)
    return new Promise<ReflectionAnswer>((resolve, reject) => {
      call.once('data', (answer) => {
        resolve(answer)
        call.end()
      })
      call.on('error', reject)
    })
  }
  const fileNames = ({ file_descriptor_response }: ReflectionAnswer) =>
    file_descriptor_response.file_descriptor_proto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)

  test('lists what is served', async () => {
    const { list_services_response } = await ask({ list_services: '' })
    expect(list_services_response.service.map((service) => service.name)).toEqual(
      expect.arrayContaining(['mpc.coordinator.v1.SessionCoordinator', 'grpc.health.v1.Health']),
    )
  })
  test.each([
    'mpc.coordinator.v1.SessionCoordinator',
    'mpc.coordinator.v1.SessionCoordinator.CreateSession',
    'mpc.coordinator.v1.CreateSessionRequest',
  ])('gives the file of %s with all it imports', async (file_containing_symbol) => {
    const names = fileNames(await ask({ file_containing_symbol }))
    expect(names[0]).toBe('mpc/coordinator/v1/session_coordinator.proto')
    expect(names).toEqual(expect.arrayContaining(['google/api/annotations.proto', 'google/protobuf/descriptor.proto']))
  })
  test('gives files by name and by extension', async () => {
    expect(fileNames(await ask({ file_by_filename: 'google/api/http.proto' }))).toEqual(['google/api/http.proto'])
    const extension = { containing_type: 'google.protobuf.MethodOptions', extension_number: 72295728 }
    expect(fileNames(await ask({ file_containing_extension: extension }))[0]).toBe('google/api/annotations.proto')
    const all = await ask({ all_extension_numbers_of_type: 'google.protobuf.MethodOptions' })
    expect(all.all_extension_numbers_response.extension_number).toEqual(expect.arrayContaining([72295728, 50701]))
  })
  test.each([{ file_containing_symbol: 'x.Y' }, { file_by_filename: 'x.proto' }, { file_containing_symbol: '' }])(
    'does not find %j',
    async (question) => {
      expect((await ask(question)).error_response).toMatchObject({ error_code: grpc.status.NOT_FOUND })
    },
  )
  test('is off where it is not asked for', async () => {
    const closed = await serveSample({ env: { MPC_REFLECTION: 'false' } })
    await expect(ask({ list_services: '' }, closed.grpcUrl)).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED })
    await closed.close()
  })
})
