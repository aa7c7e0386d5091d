/**
 * Errors that Connect's protocol layer raises before any interceptor runs, or while one reads a stream: a message that
 * does not parse, a compression that nobody has. It blames the server for some of them (HTTP 500, 501), although only
 * the request can be at fault: what fails in our own code carries the documented detail. Here they are given to the
 * client, with that detail. gRPC and gRPC-web answer HTTP 200 in any case; for a call with one message they keep
 * `internal`, which gRPC prescribes there.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import { createAsyncIterable, type UniversalHandler, type UniversalServerResponse } from '@connectrpc/connect/protocol'
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from '@connectrpc/connect/protocol-connect'
import { ErrorDetailSchema } from '../gen/mpc/api/v1/error_pb.ts'
import { sendableError } from './refusal-error.ts'

/** The handler, with protocol errors of unary Connect calls told as the client's. */
export function withProtocolErrors(handler: UniversalHandler): UniversalHandler {
  return Object.assign(async (request: Parameters<UniversalHandler>[0]) => explained(await handler(request)), handler)
}

async function explained(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const { status, body, header = new Headers() } = response
  if (status < 400 || body === undefined || header.get('content-type') !== 'application/json') return response
  const bytes = await readAll(body)
  const told = errorFromJsonBytes(bytes, undefined, new ConnectError('request is not valid', Code.InvalidArgument))
  if (told.findDetails(ErrorDetailSchema).length > 0) return { ...response, body: createAsyncIterable([bytes]) }
  const error = sendableError(blamedOnClient(told))
  const explanation = errorToJsonBytes(error, undefined)
  header.set('content-length', String(explanation.byteLength))
  return { ...response, header, status: codeToHttpStatus(error.code), body: createAsyncIterable([explanation]) }
}

/** What failed while a request was read, with a code that does not blame the server. */
export function blamedOnClient(error: unknown): unknown {
  if (!(error instanceof ConnectError) || !blamesServer.has(error.code)) return error
  return new ConnectError(error.rawMessage, Code.InvalidArgument)
}

const blamesServer: ReadonlySet<Code> = new Set([Code.Internal, Code.Unimplemented, Code.Unknown])

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
