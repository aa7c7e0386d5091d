/**
 * Errors that Connect's protocol layer raises before any interceptor runs, or while one reads a stream: a message that
 * does not parse, a compression that nobody has, no message at all. It blames the server for some of them (HTTP 500,
 * 501), although only the request can be at fault: what fails in our own code carries the documented detail. Here they
 * get that detail, and over Connect a code that blames the client. gRPC and gRPC-web keep the code that their
 * specification prescribes.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import { createAsyncIterable, type UniversalHandler, type UniversalServerResponse } from '@connectrpc/connect/protocol'
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from '@connectrpc/connect/protocol-connect'
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc'
import { trailerFlag, trailerParse, trailerSerialize } from '@connectrpc/connect/protocol-grpc-web'
import { ErrorDetailSchema } from '../gen/mpc/api/v1/error_pb.ts'
import { Refusal } from './refusal.ts'
import { connectErrorOf, refusalOf } from './refusal-error.ts'

/** The handler, with the documented detail in every error of its protocol. */
export function withProtocolErrors(handler: UniversalHandler): UniversalHandler {
  return Object.assign(async (request: Parameters<UniversalHandler>[0]) => explained(await handler(request)), handler)
}

/** What failed while a request was read, told as the client's fault. */
export function blamedOnClient(error: unknown): unknown {
  if (!(error instanceof ConnectError)) return error
  return connectErrorOf(protocolRefusal(error), blamesServer.has(error.code) ? Code.InvalidArgument : error.code)
}

async function explained(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const contentType = response.header?.get('content-type') ?? ''
  if (contentType.startsWith('application/grpc-web')) {
    const { body } = response
    return body === undefined ? response : { ...response, body: explainedFrames(body) }
  }
  if (response.trailer !== undefined) explainTrailer(response.trailer)
  return contentType === 'application/json' ? explainedJson(response) : response
}

async function explainedJson(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const { status, body, header = new Headers() } = response
  if (status < 400 || body === undefined) return response
  const bytes = await readAll(body)
  const told = errorFromJsonBytes(bytes, undefined, new ConnectError('request is not valid', Code.InvalidArgument))
  if (isExplained(told)) return { ...response, body: createAsyncIterable([bytes]) }
  const refusal = protocolRefusal(told)
  const error = connectErrorOf(refusal, blamesServer.has(told.code) ? Code.InvalidArgument : told.code)
  const explanation = errorToJsonBytes(error, undefined)
  header.set('content-length', String(explanation.byteLength))
  if (refusal.retryAfterSeconds !== null) header.set('retry-after', String(refusal.retryAfterSeconds))
  return { ...response, header, status: codeToHttpStatus(error.code), body: createAsyncIterable([explanation]) }
}

/** gRPC-web's trailer is the last frame of the body: a flag, a length of four bytes, header lines. */
async function* explainedFrames(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const frame of body) yield frame[0] === trailerFlag ? explainedFrame(frame) : frame
}

function explainedFrame(frame: Uint8Array): Uint8Array {
  const trailer = trailerParse(frame.subarray(frameHeadBytes))
  if (!explainTrailer(trailer)) return frame
  const lines = trailerSerialize(trailer)
  const explanation = new Uint8Array(frameHeadBytes + lines.length)
  explanation[0] = trailerFlag
  new DataView(explanation.buffer).setUint32(1, lines.length)
  explanation.set(lines, frameHeadBytes)
  return explanation
}

const frameHeadBytes = 5

/** True where the trailer tells of an error that had no detail before. */
function explainTrailer(trailer: Headers): boolean {
  const told = findTrailerError(trailer)
  if (told === undefined || isExplained(told)) return false
  setTrailerStatus(trailer, connectErrorOf(protocolRefusal(told), told.code))
  return true
}

function isExplained(error: ConnectError): boolean {
  return error.findDetails(ErrorDetailSchema).length > 0
}

/** A protocol error as a refusal; what is at fault is the body, unless the time was. */
function protocolRefusal(error: ConnectError): Refusal {
  const code = blamesServer.has(error.code) ? Code.InvalidArgument : error.code
  const refusal = isExplained(error) ? refusalOf(error) : refusalOf(new ConnectError(error.rawMessage, code))
  const isBodyAtFault = refusal.code === 'invalid_request' || refusal.code === 'payload_too_large'
  if (!isBodyAtFault || Object.keys(refusal.details).length > 0) return refusal
  return new Refusal(refusal.code, refusal.message, { body: refusal.message })
}

const blamesServer: ReadonlySet<Code> = new Set([Code.Internal, Code.Unimplemented, Code.Unknown])

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
