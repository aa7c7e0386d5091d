/** REST over the RPCs: routes from google.api.http options in proto, run through the same pipeline as every call. */
import {
  getOption,
  hasOption,
  ScalarType,
  type DescField,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf'
import type { Transport } from '@connectrpc/connect'
import type { Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { http } from '../gen/google/api/annotations_pb.ts'
import { success_status } from '../gen/mpc/api/v1/options_pb.ts'
import { clientAddressHeader } from './client-address.ts'
import { fieldName, fieldNamesOf, type FieldNames } from './field-names.ts'
import type { EdgeLimits } from './limits.ts'
import { readBody } from './http-body.ts'
import { parseJsonObject } from './json-object.ts'
import { Refusal } from './refusal.ts'
import { messageFromJson, messageToJson } from './rest-json.ts'
import { invalidFields } from './validation.ts'

export type RestRoute = Readonly<{
  verb: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH'
  /** As google.api.http writes it: `/api/v1/sessions/{session_id}`. */
  template: string
  hasBody: boolean
  successStatus: number
  names: FieldNames
  method: DescMethodUnary
}>

/** The routes that `services` declare. Throws for a mapping that this edge does not offer: a mistake in proto. */
export function restRoutesOf(services: readonly DescService[]): RestRoute[] {
  return services.flatMap((service) =>
    service.methods
      .filter((method) => hasOption(method, http))
      .map((method) => restRouteOf(method, fieldNamesOf(service))),
  )
}

export function addRestRoutes(app: Hono, routes: readonly RestRoute[], transport: Transport, limits: EdgeLimits): void {
  for (const route of routes) {
    const path = route.template.replaceAll(/\{(\w+)\}/g, ':$1')
    app.on(route.verb, path, (context) => answer(context, route, transport, limits))
  }
}

function restRouteOf(method: DescMethod, names: FieldNames): RestRoute {
  const { pattern, body, additionalBindings } = getOption(method, http)
  const plain = (body === '' || body === '*') && additionalBindings.length === 0
  if (!plain || pattern.case === undefined || !isUnary(method)) {
    throw new Error(`${method.toString()}: unsupported google.api.http mapping`)
  }
  return {
    // Upper case of the oneof's case names is exactly the list in RestRoute.
    verb: pattern.case.toUpperCase() as RestRoute['verb'],
    template: pattern.value,
    hasBody: body === '*',
    successStatus: getOption(method, success_status) || 200,
    names,
    method,
  }
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === 'unary'
}

async function answer(context: Context, route: RestRoute, transport: Transport, limits: EdgeLimits): Promise<Response> {
  const { method, names } = route
  const json = route.hasBody ? await jsonBody(context, limits) : jsonOfQuery(context.req.queries(), method, names)
  const merged = mergePath(json, context.req.param(), method, names)
  const input = messageFromJson(method.input, merged, names)
  const { signal } = context.req.raw
  const response = await transport.unary(method, signal, undefined, rpcHeaders(context), input)
  const text = JSON.stringify(messageToJson(method.output, response.message, names))
  // success_status is written by us in proto; it is a status with content.
  return context.body(text, route.successStatus as ContentfulStatusCode, { 'content-type': 'application/json' })
}

async function jsonBody(context: Context, limits: EdgeLimits): Promise<JsonObject> {
  const encoding = context.req.header('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw new Refusal('invalid_request', 'compressed bodies are not accepted', { 'Content-Encoding': 'must be absent' })
  }
  const bytes = await readBody(context.req.raw, limits.maxBodyBytes, context.get('arrival'))
  // Also what keeps web pages of other origins from posting without a preflight.
  const mediaType = (context.req.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (bytes.length > 0 && mediaType !== 'application/json') {
    throw new Refusal('invalid_request', 'the request body must be JSON', {
      'Content-Type': 'must be application/json',
    })
  }
  return parseJsonObject(bytes, limits.maxJsonDepth)
}

/** Query parameters as JSON, by the types of the fields they name; others are ignored, as unknown JSON fields are. */
function jsonOfQuery(query: Record<string, string[]>, method: DescMethod, names: FieldNames): JsonObject {
  const json: JsonObject = {}
  for (const field of method.input.fields) {
    const texts = query[field.name] ?? query[field.jsonName]
    if (texts === undefined || field.fieldKind === 'message' || field.fieldKind === 'map') continue
    const values = texts.map((text) => jsonOfText(field, text))
    if (field.fieldKind === 'list') json[field.name] = values
    else if (values.length > 1) throw invalidFields([[fieldName(field, names), 'must be given once']])
    else if (values[0] !== undefined) json[field.name] = values[0]
  }
  return json
}

/** Proto JSON accepts strings for all scalars but booleans. */
function jsonOfText(field: DescField, text: string): JsonValue {
  return field.scalar === ScalarType.BOOL && (text === 'true' || text === 'false') ? text === 'true' : text
}

/** `json` with the fields that the path names. A body may repeat them, but not contradict them. */
function mergePath(
  json: JsonObject,
  params: Record<string, string>,
  method: DescMethod,
  names: FieldNames,
): JsonObject {
  const merged: JsonObject = { ...json }
  for (const field of method.input.fields) {
    const value = params[field.name]
    if (value === undefined) continue
    for (const key of new Set([field.name, field.jsonName])) {
      const repeated = json[key] ?? ''
      if (repeated !== '' && repeated !== value) {
        throw invalidFields([[fieldName(field, names), 'must equal the value in the path']])
      }
      delete merged[key]
    }
    merged[field.name] = value
  }
  return merged
}

/** The HTTP headers that belong to the call, and not to the content or the connection. */
function rpcHeaders(context: Context): Headers {
  const headers = new Headers({
    'x-request-id': context.get('requestId'),
    [clientAddressHeader]: context.get('clientAddress'),
  })
  for (const name of ['authorization', 'idempotency-key', 'origin', 'traceparent', 'user-agent']) {
    const value = context.req.header(name)
    if (value !== undefined) headers.set(name, value)
  }
  return headers
}
