/** Everything wrong that JSON can say, at every REST route and every RPC of the six services of a running stack. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServiceName } from '../../src/cli/stack/services.ts'
import { fieldNamesOf } from '../../src/edge/field-names.ts'
import { restRoutesOf, type RestRoute } from '../../src/edge/rest-routes.ts'
import { contracts, rpcs, type Rpc } from './fixtures/contracts.ts'
import { somePublicKey } from './fixtures/documented.ts'
import { expectKeygenWorks, healthOf, openAttack, type Call, type Health } from './fixtures/hostile-calls.ts'
import { requests, wrongTypes, type Known } from './fixtures/hostile-requests.ts'
import { openLives } from './fixtures/session-lives.ts'
import { useSystem } from './fixtures/system.ts'

type Route = Readonly<{ at: ServiceName; route: RestRoute; name: string }>
const routes: readonly Route[] = contracts.flatMap(({ at, services }) =>
  restRoutesOf(services).map((route) => ({ at, route, name: `${route.verb} ${route.template} of ${at}` })),
)

const system = useSystem()
const attack = openAttack()
const url = (at: ServiceName, path: string) => `${system().stack.services[at].httpUrl}${path}`
const restCall = ({ at, route }: Route, body?: string | Uint8Array, id = 'x'): Call => {
  const path = route.template.replaceAll(/\{\w+\}/g, encodeURIComponent(id))
  return { method: route.verb, url: url(at, path), ...(body !== undefined && route.hasBody && { body }) }
}
const rpcCall = ({ at, path }: Rpc, body: string): Call => ({ method: 'POST', url: url(at, path), body })

let before: Health
let known: Known
let bearers: readonly string[]
beforeAll(async () => {
  const lives = await openLives(system().stack)
  known = { ...lives.known, public_key: [somePublicKey], username: ['alice'], device_id: ['server_003'] }
  bearers = lives.credentials
  before = healthOf(system().stack)
})
afterAll(() => console.info(`${attack.calls()} hostile JSON calls: ${attack.tally()}`))

const withBody = routes.filter(({ route }) => route.hasBody)

describe.each(withBody)('$name', (target) => {
  test('refuses each wrong type of each field by the name of the field', async () => {
    for (const { field, json } of wrongTypes(target.route.method.input, target.route.names)) {
      const answer = await attack.rest(restCall(target, JSON.stringify(json)))
      expect(answer, JSON.stringify(json)).toMatchObject({ status: 400, error: 'invalid_request' })
      expect(answer.details, JSON.stringify(json)).toHaveProperty([field])
    }
  })

  const bodies: readonly (readonly [what: string, body: string | Uint8Array, status: number])[] = [
    ['nothing that is JSON', 'hello', 400],
    ['cut-off JSON', '{"session_id": "x', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['bad UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 400],
    ['deep nesting', `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400],
    ['2 MB', `{"x":"${'x'.repeat(2_000_000)}"}`, 413],
  ]
  test.each(bodies)('refuses %s', async (_, body, status) => {
    expect((await attack.rest(restCall(target, body))).status).toBe(status)
  })
})

describe.each(routes)('$name', (target) => {
  test('answers random requests, whole and damaged, as documented', async () => {
    const request = fc.record({
      json: requests(target.route.method.input, target.route.names, known),
      id: fc.constantFrom(...(known['session_id'] ?? []), ...(known['account_id'] ?? []), '%', '\0', '..', '__proto__'),
      bearer: fc.option(fc.constantFrom(...bearers), { nil: undefined }),
      damage: fc.option(fc.tuple(fc.nat(), fc.nat(255)), { nil: undefined, freq: 9 }),
    })
    await fc.assert(
      fc.asyncProperty(request, async ({ json, id, bearer, damage }) => {
        const call = restCall(target, damaged(JSON.stringify(json), damage), id)
        // Longer than 16 KiB is no request line: Node answers that by itself.
        const query = target.route.hasBody ? '' : `?${new URLSearchParams(flat(json))}`.slice(0, 8_000)
        const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
        await attack.rest({ ...call, url: call.url + query, headers })
      }),
      { numRuns: 100 },
    )
  })
})

describe.each(rpcs)('Connect: $name', (target) => {
  test('answers wrong types and random requests as documented', async () => {
    if (target.method.methodKind !== 'unary') {
      // A stream has another content type: that is what is refused.
      expect((await attack.rest(rpcCall(target, '{}'))).status).toBe(415)
      return
    }
    const { input, parent } = target.method
    for (const { json } of wrongTypes(input, fieldNamesOf(parent))) {
      const answer = await attack.connect(rpcCall(target, JSON.stringify(json)))
      expect(answer, JSON.stringify(json)).toMatchObject({ status: 400, error: 'invalid_request' })
    }
    const random = requests(input, fieldNamesOf(parent), known)
    await fc.assert(
      fc.asyncProperty(random, async (json) => void (await attack.connect(rpcCall(target, JSON.stringify(json))))),
      { numRuns: 40 },
    )
  })
})

test('names that objects have by themselves are no parties and no fields', async () => {
  const participants = ['constructor', 'toString', 'hasOwnProperty'].map((party_id) => ({ party_id }))
  const request = { session_type: 'keygen', threshold_n: 3, threshold_t: 2, participants }
  const response = await fetch(url('session-coordinator', '/api/v1/sessions'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request).replace('{', '{"__proto__":{"threshold_n":9},'),
  })
  const { join_tokens } = (await response.json()) as { join_tokens: object }
  expect(Object.keys(join_tokens).sort()).toEqual(['constructor', 'hasOwnProperty', 'toString'])
})

test.each(['session-coordinator', 'account-service'] as const)('%s refuses __proto__ as a party id', async (at) => {
  const participants = [{ party_id: 'a' }, { party_id: '__proto__' }]
  const body = JSON.stringify({ session_type: 'keygen', threshold_n: 2, threshold_t: 2, participants })
  const path = at === 'account-service' ? '/api/v1/mpc/keygen' : '/api/v1/sessions'
  const answer = await attack.rest({ method: 'POST', url: url(at, path), body })
  expect(answer).toMatchObject({ status: 400, error: 'invalid_request' })
  expect(answer.details).toHaveProperty(['participants[1].party_id'])
})

test('no process was restarted, none logged an error of its own, and a key can still be made', async () => {
  expect(healthOf(system().stack)).toEqual(before)
  await expectKeygenWorks(system())
})

/** One byte replaced; a byte beyond the end cuts the text in half. */
function damaged(text: string, damage: readonly [at: number, byte: number] | undefined): string | Uint8Array {
  if (damage === undefined) return text
  const [at, byte] = damage
  const bytes = Buffer.from(text)
  if (at % 2 === 0) return bytes.subarray(0, Math.floor(bytes.length / 2))
  bytes[at % bytes.length] = byte
  return bytes
}

/** As a query: what is not text is written as JSON. */
function flat(json: Readonly<Record<string, unknown>>): Record<string, string> {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, text(value)]))
}
