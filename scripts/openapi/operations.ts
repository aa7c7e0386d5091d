/** REST routes as OpenAPI operations. */
import type { DescField } from '@bufbuild/protobuf'
import { fieldName } from '../../src/edge/field-names.ts'
import { idempotencyHeader } from '../../src/edge/idempotency.ts'
import { restRoutesOf, type RestRoute } from '../../src/edge/rest-routes.ts'
import { withPlaceholders, type DocumentedExamples, type Json, type Placeholder } from './documented-examples.ts'
import { requiredFields } from './field-rules.ts'
import { descriptionOf } from './proto-files.ts'
import { fieldSchema, type Components, type Schema } from './schema.ts'
import { securityOf } from './security.ts'
import { answerHeaders, refusals, type ErrorStatus } from './shared-parts.ts'

/** Calls that heed an Idempotency-Key. */
const repeatable = new Set(['CreateSession', 'CreateAccount', 'CreateKeygenSession', 'CreateSigningSession'])

/** The path items of all routes of `services`. */
export function restPaths(
  services: Parameters<typeof restRoutesOf>[0],
  components: Components,
  documented: DocumentedExamples,
): Schema {
  const paths = new Map<string, Schema>()
  for (const route of restRoutesOf(services)) {
    const operation = operationOf(route, components, documented)
    paths.set(route.template, { ...paths.get(route.template), [route.verb.toLowerCase()]: operation })
  }
  return Object.fromEntries(paths)
}

function operationOf(route: RestRoute, { refer }: Components, documented: DocumentedExamples): Schema {
  const { method, names } = route
  const inPath = [...route.template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const examples = examplesOf(method.parent.typeName, method.name, documented)
  const description = descriptionOf(method)
  const parameter = (field: DescField) => parameterOf(field, route, inPath, documented, refer)
  const inQuery = route.hasBody ? [] : method.input.fields.filter(({ name }) => !inPath.includes(name))
  const created = route.successStatus === 201
  return {
    operationId: method.name,
    tags: [method.parent.name],
    summary: wordsOf(method.name),
    ...(description !== undefined && { description }),
    security: securityOf(method),
    parameters: [
      ...method.input.fields.filter(({ name }) => inPath.includes(name)).map(parameter),
      ...inQuery.map(parameter),
      ...(repeatable.has(method.name) ? [{ $ref: `#/components/parameters/${idempotencyHeader}` }] : []),
      { $ref: '#/components/parameters/X-Request-Id' },
    ],
    ...(route.hasBody && {
      requestBody: {
        required: [...requiredFields(method.input)].some((name) => !inPath.includes(name)),
        content: {
          'application/json': {
            schema: refer(method.input, names, 'request', inPath),
            ...shown(examples.map(({ title, request }) => [title, request] as const)),
          },
        },
      },
    }),
    responses: {
      [route.successStatus]: {
        description: created ? 'Created.' : 'Done.',
        headers: answerHeaders,
        content: {
          'application/json': {
            schema: refer(method.output, names, 'answer'),
            ...shown(examples.map(({ title, response }) => [title, response] as const)),
          },
        },
      },
      ...refusals(errorStatusesOf(route)),
    },
  }
}

function parameterOf(
  field: DescField,
  { names, method }: RestRoute,
  inPath: readonly string[],
  { placeholders, http }: DocumentedExamples,
  refer: Components['refer'],
): Schema {
  const isInPath = inPath.includes(field.name)
  const description = descriptionOf(field)
  const printed = http.find(({ rpc }) => rpc === `${method.parent.typeName}.${method.name}`)?.request?.[field.name]
  const example = placeholders.find(({ name }) => name === field.name)?.sample ?? printed
  return {
    name: fieldName(field, names),
    in: isInPath ? 'path' : 'query',
    required: isInPath || requiredFields(method.input).has(field.name),
    ...(description !== undefined && { description }),
    schema: fieldSchema(field, names, 'request', refer),
    ...(isInPath && example !== undefined && { example }),
  }
}

type Example = Readonly<{ title: string; request: Json | undefined; response: Json | undefined }>

/** The documented examples of an RPC, those over HTTP first, with elided values written out. */
export function examplesOf(service: string, method: string, documented: DocumentedExamples): readonly Example[] {
  const { http, grpc, placeholders } = documented
  const rows = (list: typeof http | typeof grpc) => list.filter(({ rpc }) => rpc === `${service}.${method}`)
  const found = rows(http).length > 0 ? rows(http) : rows(grpc)
  const whole = (value: Json | undefined) =>
    value === undefined ? undefined : withPlaceholders(value, placeholders, writtenOut)
  return found.map(({ section, title, variant, request, response }) => ({
    title: `§${section} ${title}${variant === undefined ? '' : `, ${variant}`}`,
    request: whole(request),
    response: whole(response),
  }))
}

/** As printed, unless that is cut short ("550e8400-...") or in words ("r||s"), of which the sample is none. */
function writtenOut({ printed: forms, sample }: Placeholder, printed: string | number): string | number {
  const isWhole = forms.includes(sample) && !String(printed).endsWith('...')
  return isWhole ? printed : sample
}

function shown(examples: readonly (readonly [title: string, value: Json | undefined])[]): Schema {
  const present = examples.filter(([, value]) => value !== undefined)
  const entries = present.map(([summary, value = null], at) => [`documented${at + 1}`, { summary, value }] as const)
  return entries.length === 0 ? {} : { examples: Object.fromEntries(entries) }
}

/** Not every refusal can meet every call. */
function errorStatusesOf({ verb, hasBody, method }: RestRoute): readonly ErrorStatus[] {
  const names = method.input.fields.map(({ name }) => name)
  const refersTo = (...candidates: string[]) => candidates.some((name) => names.includes(name))
  const changes = verb !== 'GET'
  return [
    400,
    401,
    403,
    ...(refersTo('session_id', 'join_token', 'account_id', 'key_id', 'id') ? [404] : []),
    ...(changes ? [409] : []),
    ...(changes && refersTo('session_id', 'join_token') ? [410] : []),
    ...(hasBody ? [413] : []),
    429,
    500,
    503,
  ]
}

/** `CreateSession` as `Create session`. */
function wordsOf(name: string): string {
  const words = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
