/** Refusals as the bytes of an HTTP/1.1 response, for connections that no request and no response object exists for. */
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { Refusal } from './refusal.ts'

/** The documented error body (API reference, section 6). */
export function errorBody({ code, message, details }: Refusal): string {
  return JSON.stringify({ error: code, message, details })
}

/** A whole response, after which the connection is closed. */
export function rawResponse(refusal: Refusal, status: number, requestId: string): string {
  const body = errorBody(refusal)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    ...(refusal.retryAfterSeconds === null ? [] : [`Retry-After: ${refusal.retryAfterSeconds}`]),
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

export const malformedRequest = new Refusal('invalid_request', 'the request is not valid HTTP')

/** The answer where there is no request to answer, by the code of Node's error. */
export function faultyRequest(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return rawResponse(new Refusal('invalid_request', 'the request headers are too large'), 431, randomUUID())
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return rawResponse(new Refusal('invalid_request', 'the request did not arrive in time'), 408, randomUUID())
    default:
      return rawResponse(malformedRequest, 400, randomUUID())
  }
}
