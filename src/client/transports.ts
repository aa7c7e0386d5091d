/** Connect transports over `fetch`, which Node and browsers share. */
import { toBinary } from '@bufbuild/protobuf'
import { Code, ConnectError, type Interceptor, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'
import { invalidArgument } from './mpc-error.ts'

export type TransportOptions = Readonly<{
  /** An API key (`mpc_key_…`). Left out in open mode, and in pages, where everyone could read it. */
  apiKey?: string
  /** Both go to the same HTTP port; gRPC-web is for proxies that understand nothing else. */
  protocol?: 'connect' | 'grpc-web'
  fetch?: typeof globalThis.fetch
}>

/** `option` names `url` in errors. @throws MpcError 'invalid_request' */
export function createTransport(option: string, url: string, options: TransportOptions): Transport {
  const { apiKey, protocol = 'connect', fetch } = options
  const parsed = URL.parse(url, globalThis.location?.href)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw invalidArgument(option, 'must be an http:// or https:// URL')
  }
  const common = {
    baseUrl: url,
    useBinaryFormat: true,
    interceptors: [requireEncodable, ...(apiKey === undefined ? [] : [withBearer(apiKey)])],
    ...(fetch && { fetch }),
  }
  return protocol === 'connect' ? createConnectTransport(common) : createGrpcWebTransport(common)
}

/** What cannot be encoded is the caller's mistake; left to the transport, it would look like a lost connection. */
const requireEncodable: Interceptor = (next) => (request) => {
  if (request.stream) return next(request)
  try {
    toBinary(request.method.input, request.message)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : 'the request cannot be encoded'
    throw new ConnectError(problem, Code.InvalidArgument, undefined, undefined, cause)
  }
  return next(request)
}

/** A party's own credential, where a call has one, goes first. */
function withBearer(apiKey: string): Interceptor {
  return (next) => (request) => {
    if (!request.header.has('authorization')) request.header.set('authorization', `Bearer ${apiKey}`)
    return next(request)
  }
}
