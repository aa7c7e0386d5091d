/** What the documents of all services have in common: errors, headers, credentials, health. */
import { idempotencyHeader, idempotencyKeyPattern } from '../../src/edge/idempotency.ts'
import { refusalMapping } from '../../src/edge/refusal.ts'
import type { DocumentedExamples, Json } from './documented-examples.ts'
import type { Schema } from './schema.ts'

const errorStatuses = [...new Set(Object.values(refusalMapping).map(({ httpStatus }) => httpStatus))].sort()
export type ErrorStatus = (typeof errorStatuses)[number]

const requestIdHeader = {
  description: 'Of this call, also in the log of the service: the one that the caller sent, or a new one.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
}

export const headers: Schema = {
  'X-Request-Id': requestIdHeader,
  'Retry-After': {
    description: 'Seconds after which asking again makes sense.',
    schema: { type: 'integer', minimum: 1 },
  },
}

export const answerHeaders: Schema = { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } }

export const parameters: Schema = {
  'X-Request-Id': {
    name: 'X-Request-Id',
    in: 'header',
    description: 'Names this call in answer and logs. One that is not of this form is replaced.',
    schema: requestIdHeader.schema,
  },
  [idempotencyHeader]: {
    name: idempotencyHeader,
    in: 'header',
    description: 'Chosen by the caller. The same request with the same key is done once and answered alike.',
    schema: { type: 'string', pattern: idempotencyKeyPattern.source },
  },
}

export const securitySchemes: Schema = {
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'mpc_key_…',
    description: 'An API key of the caller. Not needed in open mode, which answers on loopback only.',
  },
  partyCredential: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'mpc_party_…',
    description:
      'The party_credential of the join response. In open mode a party that joined without keys needs none.',
  },
}

/** The error body (API reference, section 6) with every code. */
export const errorSchema: Schema = {
  type: 'object',
  description: 'The body of every refusal.',
  properties: {
    error: { type: 'string', enum: Object.keys(refusalMapping) },
    message: { type: 'string', description: 'For people.' },
    details: {
      type: 'object',
      description: 'Field name, as in the request, to what is wrong with it.',
      additionalProperties: { type: 'string' },
    },
  },
  required: ['error', 'message', 'details'],
}

/** One response for each status that a refusal can have. */
export function errorResponses({ response: printed }: DocumentedExamples['errors']): Schema {
  return Object.fromEntries(errorStatuses.map((status) => [`Refused${status}`, errorResponse(status, printed)]))
}

/** References to these responses. */
export function refusals(statuses: readonly ErrorStatus[]): Schema {
  const entries = statuses.map((status) => [status, { $ref: `#/components/responses/Refused${status}` }] as const)
  return Object.fromEntries(entries)
}

function errorResponse(status: ErrorStatus, printed: DocumentedExamples['errors']['response']): Json {
  const rows = Object.entries(refusalMapping).filter(([, { httpStatus }]) => httpStatus === status)
  const codes = rows.map(([code]) => code)
  const mayBeRepeated = rows.some(([, { retryAfterSeconds }]) => retryAfterSeconds !== undefined)
  const schema = { $ref: '#/components/schemas/Error', properties: { error: { enum: codes } } }
  const examples = Object.fromEntries(codes.map((code) => [code, { value: { ...printed, error: code } }]))
  return {
    description: codes.join(', '),
    headers: {
      ...answerHeaders,
      ...(mayBeRepeated && { 'Retry-After': { $ref: '#/components/headers/Retry-After' } }),
    },
    content: { 'application/json': { schema, examples } },
  }
}

/** GET /health (API reference, section 5) and what else an operator asks every service. */
export function operatorPaths(documented: DocumentedExamples, service: string): Schema {
  const health = documented.http.find(({ call }) => call === 'GET /health')
  const example = { ...health?.response, service }
  const answer = (description: string, schema: Schema, shown?: Json) => ({
    description,
    headers: answerHeaders,
    content: { 'application/json': { schema, ...(shown !== undefined && { example: shown }) } },
  })
  const operation = (operationId: string, summary: string, responses: Schema) => ({
    get: { operationId, tags: ['Operation'], summary, security: [], responses },
  })
  return {
    '/health': operation('GetHealth', 'Health, version and uptime', {
      200: answer('Healthy.', healthSchema('healthy'), example),
      503: answer('A dependency is down.', healthSchema('unhealthy'), { ...example, status: 'unhealthy' }),
    }),
    '/livez': operation('GetLiveness', 'Whether the process answers', {
      200: answer('It does.', objectOf({ status: { const: 'alive' } })),
    }),
    '/readyz': operation('GetReadiness', 'Whether the dependencies answer', {
      200: answer('They do.', readinessSchema('ready')),
      503: answer('One does not.', readinessSchema('not_ready')),
    }),
    '/metrics': operation('GetMetrics', 'Metrics in the text format of Prometheus', {
      200: {
        description: 'The metrics.',
        headers: answerHeaders,
        content: { 'text/plain': { schema: { type: 'string' } } },
      },
    }),
  }
}

function healthSchema(status: string): Schema {
  const text = { type: 'string' }
  const uptime = { type: 'string', pattern: uptimePattern }
  return objectOf({ status: { const: status }, service: text, version: text, uptime })
}

const uptimePattern = '^([0-9]+h[0-9]+m|[0-9]+m)?[0-9]+s$'

function readinessSchema(status: string): Schema {
  const dependencies = { type: 'object', additionalProperties: { type: 'boolean' } }
  return objectOf({ status: { const: status }, dependencies })
}

function objectOf(properties: Schema): Schema {
  return { type: 'object', properties, required: Object.keys(properties) }
}
