import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { refusalMapping } from '../../../../src/edge/refusal.ts'
import { restRoutesOf } from '../../../../src/edge/rest-routes.ts'
import { contracts } from '../../../e2e/fixtures/contracts.ts'
import { documentOf, readOpenApiDocument, validatorOf } from '../../../e2e/fixtures/openapi-answers.ts'

const names = ['session-coordinator', 'message-router', 'account-service', 'server-party'] as const

type Media = Readonly<{ schema: object; example?: unknown; examples?: Readonly<Record<string, { value: unknown }>> }>
type Operation = Readonly<{
  operationId: string
  security: readonly object[]
  parameters?: readonly Readonly<{ $ref?: string; name: string; required: boolean; schema: object }>[]
  requestBody?: Readonly<{ required: boolean; content: Readonly<Record<string, Media>> }>
  responses: Readonly<Record<string, Readonly<{ content?: Readonly<Record<string, Media>> }>>>
}>

/** The tests below read what the validator has found to be an OpenAPI document. */
function operationsOf(name: string): readonly (readonly [call: string, Operation])[] {
  return Object.entries(readOpenApiDocument(name).paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => [`${verb.toUpperCase()} ${path}`, operation as Operation] as const),
  )
}

function operation(name: string, call: string): Operation {
  const found = operationsOf(name).find(([one]) => one === call)?.[1]
  if (found === undefined) throw new Error(`${name} has no ${call}`)
  return found
}

function schemaOf(name: string, component: string) {
  const schema = readOpenApiDocument(name).components.schemas[component]
  return schema as { properties: Record<string, Record<string, unknown>>; required?: string[] }
}

describe.each(names)('%s', (name) => {
  test('is a valid OpenAPI 3.1 document', async () => {
    const validator = new Validator()
    // The validator resolves references in what it is given.
    expect(await validator.validate(structuredClone(readOpenApiDocument(name)))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  test('has every REST route of its services, and no other', () => {
    const { services = [] } = contracts.find(({ at }) => documentOf(at) === name) ?? {}
    const routes = restRoutesOf(services).map(({ verb, template }) => `${verb} ${template}`)
    const described = operationsOf(name).map(([call]) => call)
    const extra = ['/health', '/livez', '/readyz', '/metrics'].map((path) => `GET ${path}`)
    if (name === 'message-router') extra.push('GET /api/v1/messages/subscribe')
    expect(described.sort()).toEqual([...routes, ...extra].sort())
  })

  const examples = operationsOf(name).flatMap(([call, { requestBody, responses }]) =>
    [requestBody, ...Object.values(responses)].flatMap((part) =>
      Object.values(part?.content ?? {}).flatMap(({ schema, example, examples: several = {} }) =>
        [...Object.values(several).map(({ value }) => value), ...(example === undefined ? [] : [example])].map(
          (value) => ({ call, schema, value }),
        ),
      ),
    ),
  )
  test.each(examples)('$call: its examples are what its schemas describe', ({ schema, value }) => {
    const validate = validatorOf(readOpenApiDocument(name), schema)
    validate(value)
    // The examples are the reference's, which prints neither our additional fields nor all that is in a list.
    expect((validate.errors ?? []).filter(({ keyword }) => keyword !== 'required')).toEqual([])
  })

  test('has the errors of the one table, with Retry-After where it has one', () => {
    const { responses } = readOpenApiDocument(name).components
    for (const [code, { httpStatus, retryAfterSeconds }] of Object.entries(refusalMapping)) {
      const response = responses[`Refused${httpStatus}`]
      expect(JSON.stringify(response)).toContain(`"${code}"`)
      expect(Object.keys(response?.headers ?? {}).includes('Retry-After')).toBe(retryAfterSeconds !== undefined)
    }
  })
})

test('examples show what the reference prints, and whole values where it prints a part', () => {
  const { responses } = operation('account-service', 'POST /api/v1/mpc/sign')
  const [example] = Object.values(responses['201']?.content?.['application/json']?.examples ?? {})
  expect(example?.value).toMatchObject({
    session_id: '660e8400-e29b-41d4-a716-446655440001',
    join_tokens: { user_device: 'token-a', server_party: 'token-b' },
    message_hash: '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81',
  })
})

test('fields that a request is refused without are required, and zero values of answers are there', () => {
  const request = schemaOf('session-coordinator', 'CreateSessionRequest')
  expect(request.required).toEqual(['session_type', 'participants'])
  expect(request.properties['threshold_t']).toMatchObject({ type: 'integer', minimum: 0, maximum: 20 })
  expect(request.properties['participants']).toMatchObject({ type: 'array', minItems: 1, maxItems: 20 })
  expect(request.properties['session_type']).toMatchObject({ enum: ['keygen', 'sign'] })
  const answer = schemaOf('session-coordinator', 'ParticipantStatus')
  expect(answer.required).toEqual(['party_id', 'status', 'party_index', 'device_type', 'device_id'])
})

test('a field that the path names is not required in the body', () => {
  const { requestBody } = operation('session-coordinator', 'PUT /api/v1/sessions/{session_id}/parties/{party_id}/ready')
  expect(requestBody?.required).toBe(false)
  expect(schemaOf('session-coordinator', 'MarkPartyReadyRequest').required).toBeUndefined()
})

test('accounts are camelCase, the rest of the account service is snake_case', () => {
  expect(schemaOf('account-service', 'CreateAccountResponse').required).toContain('createdAt')
  expect(schemaOf('account-service', 'CreateKeygenSessionRequest').properties).toHaveProperty('threshold_n')
})

test('bytes are base64 of the length that they have in proto', () => {
  const { identity_key } = schemaOf('session-coordinator', 'PartyKeys').properties
  expect(identity_key).toMatchObject({ contentEncoding: 'base64', minLength: 43, maxLength: 44 })
})

test('comments of proto describe fields, without what they tell the linter', () => {
  expect(schemaOf('message-router', 'MPCMessage').properties['to_parties']?.['description']).toBe(
    'Empty means broadcast to all others.',
  )
  expect(JSON.stringify(readOpenApiDocument('message-router'))).not.toContain('buf:lint')
})

test('the calls that create sessions and accounts take an Idempotency-Key', () => {
  const calls = names.flatMap(operationsOf)
  const taking = calls.filter(([, { parameters = [] }]) =>
    parameters.some(({ $ref }) => $ref === '#/components/parameters/Idempotency-Key'),
  )
  const paths = ['/api/v1/sessions', '/api/v1/accounts', '/api/v1/mpc/keygen', '/api/v1/mpc/sign']
  expect(taking.map(([call]) => call)).toEqual(paths.map((path) => `POST ${path}`))
})

test('a party calls with its credential, anybody with an API key, and a join token is enough to join', () => {
  const schemes = (call: string) => operation('session-coordinator', call).security.flatMap((one) => Object.keys(one))
  expect(schemes('POST /api/v1/sessions')).toEqual(['apiKey'])
  expect(schemes('POST /api/v1/sessions/{session_id}/complete')).toEqual(['partyCredential'])
  expect(schemes('POST /api/v1/sessions/{session_id}/start')).toEqual(['apiKey', 'partyCredential'])
  expect(operation('session-coordinator', 'POST /api/v1/sessions/join').security).toEqual([])
})
