/** Every example of the API reference, from the table docs/api-examples.json, sent to a running system. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ServiceName } from '../../src/cli/stack/services.ts'
import { refusalMapping, type RefusalCode } from '../../src/edge/refusal.ts'
import {
  deviations,
  deviationsOfShape,
  documented,
  exampleOf,
  filled,
  filledText,
  pathOf,
  type Values,
} from './fixtures/documented-table.ts'
import { grpcClient, type GrpcClient } from './fixtures/grpc-client.ts'
import { answerProblems } from './fixtures/openapi-answers.ts'
import { rest, type RestAnswer } from './fixtures/rest.ts'
import { situationsOf, type Situations } from './fixtures/situations.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
let given: Situations
beforeAll(() => {
  given = situationsOf(system())
})

type Titled = Readonly<{ section: string; title: string; variant?: string | undefined }>

const titled = <E extends Titled>(examples: readonly E[]) =>
  examples.map((example) => [`§${example.section} ${example.title} ${example.variant ?? ''}`.trim(), example] as const)

/** The service that has an RPC, and where grpc-js finds its definition. */
const homes: Readonly<Record<string, Readonly<{ at: ServiceName; file: string }>>> = {
  'mpc.coordinator.v1': { at: 'session-coordinator', file: 'mpc/coordinator/v1/session_coordinator.proto' },
  'mpc.router.v1': { at: 'message-router', file: 'mpc/router/v1/message_router.proto' },
  'mpc.account.v1': { at: 'account-service', file: 'mpc/account/v1/account_service.proto' },
}

function homeOf(rpc: string | undefined) {
  const [service = '', method = ''] = [rpc?.slice(0, rpc.lastIndexOf('.')), rpc?.slice(rpc.lastIndexOf('.') + 1)]
  const home = homes[service.slice(0, service.lastIndexOf('.'))] ?? { at: 'session-coordinator', file: '' }
  return { ...home, service, method, ...system().stack.services[home.at] }
}

function send(rpc: string | undefined, call: string, values: Values, request: object | undefined): Promise<RestAnswer> {
  const [method = ''] = call.split(' ', 1)
  return rest(method, `${homeOf(rpc).httpUrl}${pathOf(call, values)}`, request)
}

describe('HTTP', () => {
  test.each(titled(documented.http))('%s', async (_, example) => {
    const values = await given(example.given)
    const request = example.request && (filled(example.request, values) as object) // an object stays one
    const answer = await send(example.rpc, example.call, values, request)
    expect(answer.status, JSON.stringify(answer.body)).toBe(example.status)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(deviations(example.response, answer.body, values, example.abridged)).toEqual([])
    for (const name of example.absent) expect(answer.body).not.toHaveProperty(name)
    expect(answerProblems(homeOf(example.rpc).at, example.call, answer)).toEqual([])
  })

  test.each(documented.session_states.states)('§2.5 status $status: $given', async ({ status, given: situation }) => {
    const example = exampleOf('2.5')
    const answer = await send(example.rpc, example.call, await given(situation), undefined)
    expect(answer).toMatchObject({ status: 200, body: { status } })
    expect(deviationsOfShape(example.response, answer.body)).toEqual([])
    expect(answerProblems('session-coordinator', example.call, answer)).toEqual([])
  })

  test('§3.1 route message as JSON', async () => {
    const example = documented.grpc.find(({ section }) => section === '3.1')
    const values = await given(example?.given ?? '')
    const call = 'POST /api/v1/messages'
    const answer = await send(example?.rpc, call, values, filled(example?.request ?? {}, values) as object)
    expect(answer).toMatchObject({ status: 200, body: { success: true, duplicate: false } })
    expect(answerProblems('message-router', call, answer)).toEqual([])
  })

  test.each([
    'message-router',
    'server-party-1',
    'server-party-2',
    'server-party-3',
    'account-service',
  ] as const)('§5 %s answers as the coordinator does', async (service) => {
    const answer = await rest('GET', `${system().stack.services[service].httpUrl}/health`)
    expect(answer.status).toBe(200)
    expect(deviations({ ...exampleOf('5').response, service }, answer.body, {})).toEqual([])
    expect(answerProblems(service, 'GET /health', answer)).toEqual([])
  })
})

/** JSON of a gRPC answer, whose bytes grpc-js gives as buffers. */
const jsonOf = (message: object): unknown =>
  JSON.parse(
    JSON.stringify(message, (_, value: unknown) => {
      const isBytes = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
      return isBytes && 'data' in value ? Buffer.from(value.data as number[]).toString('base64') : value
    }),
  )

/** The first message of a stream, which is cancelled then. */
async function firstOf(stream: ReturnType<GrpcClient['stream']>): Promise<object> {
  const [message] = (await once(stream, 'data')) as [object] // grpc-js gives message objects
  stream.on('error', () => undefined).cancel()
  return message
}

describe('gRPC', () => {
  test.each(titled(documented.grpc))('%s', async (_, example) => {
    const values = await given(example.given)
    const { grpcUrl, file, service, method } = homeOf(example.rpc)
    const client = grpcClient(grpcUrl, file, service)
    const request = filled(example.request, values) as Record<string, unknown> // an object stays one
    if (request['payload'] !== undefined) request['payload'] = Buffer.from(String(request['payload']), 'base64')
    try {
      const isStream = example.signature.includes('(stream ')
      const answer = await (isStream ? firstOf(client.stream(method, request)) : client.call(method, request))
      expect(deviations(example.response ?? {}, jsonOf(answer), values)).toEqual([])
    } finally {
      client.close()
    }
  })
})

describe('WebSocket', () => {
  test.each(titled(documented.websocket))('%s', async (_, example) => {
    const values = await given(example.given)
    const url = `${homeOf(example.rpc).httpUrl.replace('http:', 'ws:')}${pathOf(example.call, values)}`
    const socket = new WebSocket(url)
    const [frame, isBinary] = await once(socket, 'message')
    socket.close()
    expect(isBinary).toBe(false)
    expect(deviations(example.frame, JSON.parse(String(frame)), values)).toEqual([])
  })
})

const curlIsHere = spawnSync('curl', ['--version']).status === 0
if (!curlIsHere) console.warn('curl is not installed: the commands of section 8.2 are not run')

describe.skipIf(!curlIsHere)('curl', () => {
  /** Runs the command as printed, with our port and these values in it. */
  const run = (command: readonly string[], values: Values) => {
    const { httpUrl } = system().stack.services['session-coordinator']
    const text = filledText(command.join('\n'), values).replace('http://localhost:8080', httpUrl)
    // In front, for what is printed last has to stay last.
    const shown = text.replace(/^curl/, `curl --silent --show-error --write-out '\\n%{http_code}'`)
    const { stdout, stderr } = spawnSync('sh', ['-c', shown], { encoding: 'utf8', timeout: 30_000 })
    const [body = '', status] = stdout.split(/\n(?=\d+$)/)
    return { status: Number(status), body: JSON.parse(body || '{}') as Record<string, unknown>, stderr }
  }

  test.each(titled(documented.curl))('%s', async (_, example) => {
    const values = await given(example.given)
    const { status, body, stderr } = run(example.command, values)
    expect({ status, stderr }).toEqual({ status: example.status, stderr: '' })
    expect(deviationsOfShape(exampleOf(example.answer_of).response, body)).toEqual([])
  })

  test.each(titled(documented.curl))('%s, with the token and the id that are printed', (_, example) => {
    const { status, body } = run(example.command, {})
    const { error } = body
    expect(error === undefined ? { status } : { status, error }).toEqual(example.as_printed)
  })
})

describe('§6 errors', () => {
  test.each(documented.errors.codes)('$error has the documented status', ({ error, status }) => {
    // A code that is not ours has no mapping.
    expect(refusalMapping[error as RefusalCode]).toMatchObject({ httpStatus: status })
  })

  test('every documented code is provoked below, but for the one that callers cannot provoke', () => {
    const provoked = new Set(documented.refusals.map(({ error }) => error))
    const others = documented.errors.codes.filter(({ error, note }) => !provoked.has(error) && note === undefined)
    expect(others).toEqual([])
  })

  const rows = documented.refusals.map((row) => [`§${row.section} ${row.error}: ${row.case}`, row] as const)
  test.each(rows)('%s', async (_, row) => {
    const example = exampleOf(row.of)
    const values = await given(row.given)
    const changed: Record<string, unknown> = { ...(filled(example.request ?? {}, values) as object), ...row.with }
    for (const [name, value] of Object.entries(row.with)) if (value === null) delete changed[name]
    const answer = await send(example.rpc, example.call, values, example.request && changed)
    const status = documented.errors.codes.find(({ error }) => error === row.error)?.status
    expect(answer.status, JSON.stringify(answer.body)).toBe(status)
    expect(Object.keys(answer.body).sort()).toEqual(Object.keys(documented.errors.response).sort())
    expect(deviationsOfShape({ ...documented.errors.response, details: {} }, answer.body)).toEqual([])
    expect(answer.body['error']).toBe(row.error)
    if (row.field !== undefined) expect(answer.body['details']).toHaveProperty([row.field], expect.any(String))
    expect(answerProblems(homeOf(example.rpc).at, example.call, answer)).toEqual([])
  })
})
