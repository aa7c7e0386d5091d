/** What every gRPC port offers besides its services: health checks, and reflection for those without our contracts. */
import { once } from 'node:events'
import { connect } from 'node:http2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { banners } from '../setup/safe-answer.ts'
import { contracts, type Contract } from './fixtures/contracts.ts'
import { grpcClient } from './fixtures/grpc-client.ts'
import { openReflection, reflectionVersions } from './fixtures/reflection.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
const grpcUrl = ({ at }: Contract) => system().stack.services[at].grpcUrl
const operations = ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection']
/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const serving = { status: 'SERVING' }

describe.each(contracts)('$at', (contract) => {
  describe('grpc.health.v1', () => {
    let health: ReturnType<typeof grpcClient>
    beforeAll(() => {
      health = grpcClient(grpcUrl(contract), 'grpc/health/v1/health.proto', 'grpc.health.v1.Health')
    })
    afterAll(() => health.close())

    test('says that the port and each of its services are serving', async () => {
      for (const service of ['', ...contract.services.map(({ typeName }) => typeName)]) {
        expect(await health.call('Check', { service })).toEqual(serving)
      }
    })

    test('says so on a watch too', async () => {
      const watch = health.stream('Watch', { service: '' })
      watch.on('error', () => undefined)
      expect(await new Promise((resolve) => watch.once('data', resolve))).toEqual(serving)
      watch.cancel()
    })
  })

  test('names nothing that runs there in its answers', async () => {
    const [first] = contract.services
    for (const path of ['/grpc.health.v1.Health/Check', `/${first?.typeName}/${first?.methods[0]?.name}`, '/nothing']) {
      const seen = await headersOf(grpcUrl(contract), path)
      expect(seen).toHaveProperty([':status'])
      expect(banners.filter((name) => name in seen)).toEqual([])
      expect(JSON.stringify(seen)).not.toMatch(/\d+\.\d+\.\d+|node\b|connect-es/i)
    }
  })

  describe.each(reflectionVersions)('reflection %s', (version) => {
    test('lists the services and describes each method of them', async () => {
      const reflection = openReflection(grpcUrl(contract), version)
      const names = contract.services.map(({ typeName }) => typeName)
      expect([...(await reflection.services())].sort()).toEqual([...names, ...operations].sort())
      for (const { typeName, methods } of contract.services) {
        const described = (await reflection.fileOf(typeName)).getService(typeName)
        const shape = (all: typeof methods) =>
          all.map(({ name, methodKind, input, output }) => [name, methodKind, input.typeName, output.typeName])
        expect(shape(described?.methods ?? [])).toEqual(shape(methods))
      }
      reflection.close()
    })

    test('describes the detail of refusals', async () => {
      const reflection = openReflection(grpcUrl(contract), version)
      const file = await reflection.fileOf('mpc.api.v1.ErrorDetail')
      expect(file.getMessage('mpc.api.v1.ErrorDetail')?.fields.map(({ name }) => name)).toEqual([
        'error',
        'message',
        'details',
      ])
      reflection.close()
    })
  })
})

/** Everything that is said besides the message: headers and trailers. */
async function headersOf(grpcUrl: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  const session = connect(grpcUrl)
  try {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
    const stream = session.request(headers)
    const seen: Record<string, unknown> = {}
    stream.on('response', (received) => Object.assign(seen, received))
    stream.on('trailers', (received) => Object.assign(seen, received))
    stream.resume().end(Buffer.alloc(5))
    await once(stream, 'close')
    return seen
  } finally {
    session.destroy()
  }
}
