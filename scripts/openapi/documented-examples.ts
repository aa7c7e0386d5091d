/**
 * docs/api-examples.json: the examples of the API reference as data. The end-to-end tests send and compare them, the
 * OpenAPI documents show them.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

export type Json = z.output<typeof json>
const json = z.json()
const jsonObject = z.record(z.string(), json)

const example = {
  section: z.string().regex(/^[1-9](\.[1-9])?$/),
  title: z.string(),
  /** Which of several examples of a section, as the reference calls it. */
  variant: z.string().optional(),
  /** Full name; absent for what is no RPC. */
  rpc: z.string().optional(),
  /** The situation before the call. */
  given: z.string(),
  request: jsonObject.optional(),
  note: z.string().optional(),
}

const call = z.string().regex(/^(GET|PUT|POST|WS) \/[^ ]*$/)
const status = z.int().min(200).max(599)

const httpExample = z.strictObject({
  ...example,
  call,
  status: status.default(200),
  response: jsonObject,
  /** Fields of the answer that are lists of which the reference prints the beginning. */
  abridged: z.array(z.string()).default([]),
  /** Fields that the answer must not have. */
  absent: z.array(z.string()).default([]),
})

const grpcExample = z.strictObject({
  ...example,
  rpc: z.string(),
  signature: z.string(),
  request: jsonObject,
  response: jsonObject.optional(),
})

const webSocketExample = z.strictObject({ ...example, rpc: z.string(), call, frame: jsonObject })

const curlExample = z.strictObject({
  ...example,
  /** The lines of the shell command. */
  command: z.array(z.string()).min(1),
  /** The section whose answer it gets; only the fields are compared, for the values are those of other parties. */
  answer_of: z.string(),
  status,
  /** What the very command is answered, with the tokens and ids that are printed. */
  as_printed: z.strictObject({ status, error: z.string().optional() }),
})

const refusal = z.strictObject({
  section: z.string(),
  case: z.string(),
  given: z.string(),
  /** The section whose (first) HTTP example is sent, ... */
  of: z.string(),
  /** ... with these fields changed; null leaves one out (JSON Merge Patch, RFC 7396). */
  with: jsonObject.default({}),
  error: z.string(),
  /** The key in `details`. */
  field: z.string().optional(),
})

const errors = z.strictObject({
  section: z.string(),
  title: z.string(),
  response: z.strictObject({ error: z.string(), message: z.string(), details: z.record(z.string(), z.string()) }),
  codes: z.array(
    z.strictObject({ error: z.string(), status, meaning: z.string(), note: z.string().optional() }),
  ),
})

const table = z.strictObject({
  about: z.array(z.string()),
  /** Values that stand for others: made by the server, or elided in print. */
  placeholders: z.array(
    z.strictObject({
      name: z.string(),
      printed: z.array(z.union([z.string(), z.number()])),
      /** What the real value looks like, as text. */
      pattern: z.string(),
      /** A well-formed value to show instead. */
      sample: z.union([z.string(), z.number()]),
    }),
  ),
  endpoints: z.strictObject({
    section: z.string(),
    title: z.string(),
    services: z.array(
      z.strictObject({ service: z.string(), grpc_port: z.int(), http_port: z.int(), about: z.string() }),
    ),
  }),
  http: z.array(httpExample),
  /** What a session's status may be, each with a situation that it is the status of. */
  session_states: z.strictObject({
    section: z.string(),
    title: z.string(),
    states: z.array(z.strictObject({ status: z.string(), meaning: z.string(), given: z.string() })),
  }),
  grpc: z.array(grpcExample),
  websocket: z.array(webSocketExample),
  curl: z.array(curlExample),
  errors,
  refusals: z.array(refusal),
  proto: z.strictObject({
    section: z.string(),
    title: z.string(),
    package: z.string(),
    service: z.string(),
    rpcs: z.array(z.string()),
  }),
})

export type DocumentedExamples = z.output<typeof table>
export type HttpExample = z.output<typeof httpExample>
export type Placeholder = DocumentedExamples['placeholders'][number]

/** The table. Throws where docs/api-examples.json is not of this shape, naming the place. */
export function readDocumentedExamples(): DocumentedExamples {
  const file = new URL('../../docs/api-examples.json', import.meta.url)
  const parsed = table.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (!parsed.success) throw new Error(`docs/api-examples.json: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/** `value` with every placeholder replaced by what `substitute` gives for it. */
export function withPlaceholders(
  value: Json,
  placeholders: readonly Placeholder[],
  substitute: (placeholder: Placeholder, printed: string | number) => Json,
): Json {
  if (Array.isArray(value)) return value.map((item) => withPlaceholders(item, placeholders, substitute))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, withPlaceholders(item, placeholders, substitute)] as const),
    )
  }
  const found = placeholderOf(value, placeholders)
  // A placeholder's printed values are strings and numbers.
  return found === undefined ? value : substitute(found, value as string | number)
}

export function placeholderOf(value: Json, placeholders: readonly Placeholder[]): Placeholder | undefined {
  return placeholders.find(({ printed }) => printed.some((text) => text === value))
}
