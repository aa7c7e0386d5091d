import { expect, test } from 'vitest'
import { serviceSpecs } from '../../../../src/cli/stack/services.ts'
import { SessionCoordinator } from '../../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter } from '../../../../src/gen/mpc/router/v1/message_router_pb.ts'
import {
  deviations,
  deviationsOfShape,
  documented,
  filled,
  filledText,
  pathOf,
} from '../../../e2e/fixtures/documented-table.ts'

test('§1.1 the services and their ports', () => {
  const documentedNames = documented.endpoints.services.map(({ service, grpc_port, http_port }) => {
    return { name: service.toLowerCase().replaceAll(' ', '-'), grpcPort: grpc_port, httpPort: http_port }
  })
  const ours = serviceSpecs.map(({ name, grpcPort, httpPort }) => ({ name, grpcPort, httpPort }))
  expect(new Set(ours)).toEqual(new Set(documentedNames))
})

/** API reference, sections 7, 2.1, 3.1 and 3.2. */
const signatures = new Set([...documented.proto.rpcs, ...documented.grpc.map(({ signature }) => signature)])

test.each([...signatures])('proto has: %s', (signature) => {
  const declared = [SessionCoordinator, MessageRouter].flatMap(({ methods }) =>
    methods.map(({ name, input, output, methodKind }) => {
      const answer = methodKind === 'server_streaming' ? `stream ${output.name}` : output.name
      return `rpc ${name}(${input.name}) returns (${answer});`
    }),
  )
  expect(declared).toContain(signature)
})

test('§7 the service has no other methods, and its documented full name', () => {
  expect(SessionCoordinator.methods).toHaveLength(documented.proto.rpcs.length)
  expect(SessionCoordinator.typeName).toBe(`${documented.proto.package}.${documented.proto.service}`)
})

const uuid = '3f2b8c1e-0000-4000-8000-000000000000'

test('values of the situation take the place of what is printed', () => {
  const printed = { session_id: '550e8400-...', to: [{ join_token: 'token-uuid-1' }], round: 1 }
  const values = { session_id: uuid, join_token: 'mpc_join_x' }
  expect(filled(printed, values)).toEqual({ session_id: uuid, to: [{ join_token: 'mpc_join_x' }], round: 1 })
  expect(filledText('curl http://x/550e8400-e29b-41d4-a716-446655440000', values)).toBe(`curl http://x/${uuid}`)
  expect(pathOf('WS /s/{session_id}?party_id=yyy', { ...values, party_id: 'p' })).toBe(`/s/${uuid}?party_id=p`)
  expect(() => pathOf('GET /s/{session_id}', {})).toThrow('session_id')
})

/** What would make a test that cannot fail. */
test.each([
  ['a missing field', { all_ready: false }, {}, 'all_ready is missing'],
  ['another type', { expires_at: 1703145600 }, { expires_at: '1703145600' }, 'expires_at is of type string'],
  ['true for false', { all_ready: false }, { all_ready: true }, 'all_ready is true, not false'],
  ['another text', { status: 'joined' }, { status: 'waiting' }, 'status is waiting, not joined'],
  ['milliseconds', { expires_at: 1703145600 }, { expires_at: 1703145600000 }, 'no unix_seconds'],
  ['no uuid', { session_id: '550e8400-...' }, { session_id: 'x' }, 'no session_id'],
  ['a further entry', { to: ['party_1'] }, { to: ['party_1', 'party_2'] }, 'to has 2 entries'],
  ['a missing entry', { to: [{ a: 1 }, { a: 2 }] }, { to: [{ a: 1 }] }, 'to[1] is missing'],
  ['null', { status: 'joined' }, { status: null }, 'status is of type null'],
  ['a number with decimals', { round: 1 }, { round: 1.5 }, 'round is of type number'],
])('%s deviates', (_, printed, actual, problem) => {
  expect(deviations(printed, actual, {}).join()).toContain(problem)
})

test('a value of the situation has to come back', () => {
  const other = uuid.replace('3', '4')
  expect(deviations({ session_id: '550e8400-...' }, { session_id: other }, { session_id: uuid })).not.toEqual([])
  expect(deviations({ session_id: '550e8400-...' }, { session_id: uuid }, { session_id: uuid })).toEqual([])
})

test('further fields, entries of abridged lists, and other values of the same shape are no deviation', () => {
  expect(deviations({ to: ['party_1'] }, { to: ['party_1', 'party_2'], more: 1 }, {}, ['to'])).toEqual([])
  expect(deviationsOfShape({ status: 'joined', list: [{ a: 1 }] }, { status: 'x', list: [{ a: 2 }, {}] })).toEqual([])
  expect(deviationsOfShape({ list: [{ a: 1 }] }, { list: [{ b: 2 }] })).toEqual(['list[0].a is missing'])
})
