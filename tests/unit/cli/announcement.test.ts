import { expect, test } from 'vitest'
import { announcement } from '../../../src/cli/stack/announcement.ts'
import { serviceSpecs, type ServiceName } from '../../../src/cli/stack/services.ts'
import type { StackService } from '../../../src/cli/stack/stack.ts'

const describeService = (grpcPort: number, httpPort: number): StackService => ({
  grpcUrl: `http://127.0.0.1:${grpcPort}`,
  httpUrl: `http://127.0.0.1:${httpPort}`,
  logFile: '/data/logs/x.log',
  pid: () => 1,
})

// One entry for every service name.
const services = Object.fromEntries(
  serviceSpecs.map(({ name, grpcPort, httpPort }) => [name, describeService(grpcPort, httpPort)]),
) as Record<ServiceName, StackService>

const text = announcement({
  folder: '/data',
  natsUrl: 'nats://user:hidden-nats@127.0.0.1:4222',
  databaseUrl: 'postgres://mpc:hidden-postgres@127.0.0.1:5432/mpc',
  services,
})

test('names every service with its documented ports', () => {
  for (const { name, grpcPort, httpPort } of serviceSpecs) {
    expect(text).toMatch(new RegExp(`${name} +http://127\\.0\\.0\\.1:${httpPort} +gRPC 127\\.0\\.0\\.1:${grpcPort}`))
  }
  expect(serviceSpecs.map(({ grpcPort }) => grpcPort).toSorted()).toEqual([50051, 50052, 50053, 50054, 50055, 50056])
  expect(serviceSpecs.map(({ httpPort }) => httpPort).toSorted()).toEqual([8080, 8081, 8082, 8083, 8084, 8085])
})

test('says that the mode is open, and shows a command whose body is JSON', () => {
  expect(text).toContain('OPEN MODE')
  const body = /-d '([^']*)'/.exec(text)?.[1] ?? ''
  expect(JSON.parse(body)).toMatchObject({ session_type: 'keygen', threshold_t: 2, threshold_n: 3 })
})

test('shows no password', () => {
  expect(text).not.toContain('hidden')
})
