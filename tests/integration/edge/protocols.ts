/** One call over each protocol, with what a client sees of it. */
import {
  create,
  toJson,
  type DescMessage,
  type DescMethodUnary,
  type JsonObject,
  type MessageInitShape,
} from '@bufbuild/protobuf'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { codeToHttpStatus } from '@connectrpc/connect/protocol-connect'
import { refusalOf } from '../../../src/edge/refusal-error.ts'
import { refusalMapping } from '../../../src/edge/refusal.ts'
import { restRoutesOf } from '../../../src/edge/rest-routes.ts'

export const protocols = ['rest', 'connect', 'grpc-web', 'grpc'] as const
export type ProtocolName = (typeof protocols)[number]

export type Seen = Readonly<{
  /** null for a success. */
  error: string | null
  message: string
  details: Readonly<Record<string, string>>
  /** Of HTTP; with gRPC and gRPC-web what the code would be. */
  status: number
  /** null for REST and for a success. */
  code: Code | null
  /** With trailers. */
  headers: Headers
}>

export type Urls = Readonly<{ grpcUrl: string; httpUrl: string }>

export function transportOf(protocol: Exclude<ProtocolName, 'rest'>, { grpcUrl, httpUrl }: Urls): Transport {
  switch (protocol) {
    case 'grpc':
      return createGrpcTransport({ baseUrl: grpcUrl })
    case 'grpc-web':
      return createGrpcWebTransport({ baseUrl: httpUrl, httpVersion: '1.1' })
    case 'connect':
      return createConnectTransport({ baseUrl: httpUrl, httpVersion: '1.1' })
  }
}

/** Calls a unary method; `headers` are metadata where the protocol calls them so. `query`: more of REST's URL. */
export async function callOver<I extends DescMessage, O extends DescMessage>(
  protocol: ProtocolName,
  urls: Urls,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  headers: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  if (protocol === 'rest') return callRest(urls, method, request, headers, query)
  try {
    const { header, trailer } = await transportOf(protocol, urls).unary(method, undefined, 10_000, headers, request)
    return { error: null, message: '', details: {}, status: 200, code: null, headers: merged(header, trailer) }
  } catch (error) {
    return seenOf(error)
  }
}

/** What a client sees of a call that failed. */
export function seenOf(thrown: unknown): Seen {
  const error = ConnectError.from(thrown)
  const { code: refused, message, details } = refusalOf(error)
  const status = codeToHttpStatus(error.code)
  return { error: refused, message, details, status, code: error.code, headers: error.metadata }
}

async function callRest<I extends DescMessage>(
  { httpUrl }: Urls,
  method: DescMethodUnary<I>,
  request: MessageInitShape<I>,
  headers: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): Promise<Seen> {
  const [route] = restRoutesOf([method.parent]).filter((candidate) => candidate.method === method)
  if (route === undefined) throw new Error(`${method.name} has no REST form`)
  // A message of proto JSON is an object.
  const json = toJson(method.input, create(method.input, request), {
    useProtoFieldName: route.names === 'snake_case',
  }) as JsonObject
  const path = route.template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(json[name] ?? '')
    delete json[name]
    return encodeURIComponent(value)
  })
  const fields = route.hasBody ? {} : json
  const query = new URLSearchParams(Object.entries({ ...fields, ...more }).map(([k, v]) => [k, String(v)]))
  const response = await fetch(`${httpUrl}${path}?${query}`, {
    method: route.verb,
    headers: { ...(route.hasBody && { 'content-type': 'application/json' }), ...headers },
    ...(route.hasBody && { body: JSON.stringify(json) }),
  })
  const body = (await response.json()) as Record<string, unknown>
  const seen = { status: response.status, code: null, headers: response.headers }
  if (response.ok) return { ...seen, error: null, message: '', details: {} }
  return {
    ...seen,
    error: String(body['error']),
    message: String(body['message']),
    details: body['details'] as Record<string, string>, // compared by the tests
  }
}

/** The HTTP status that `protocol` gives a refusal. */
export function statusOf(protocol: ProtocolName, error: keyof typeof refusalMapping): number {
  const { httpStatus, code } = refusalMapping[error]
  return protocol === 'rest' ? httpStatus : codeToHttpStatus(code)
}

function merged(...all: readonly Headers[]): Headers {
  return new Headers(all.flatMap((headers) => [...headers]))
}
