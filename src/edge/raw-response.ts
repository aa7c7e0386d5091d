/** Refusals as the bytes of an HTTP/1.1 response, for connections that no request and no response object exists for. */
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { Refusal } from './refusal.ts'
import { safeHeaders } from './safe-headers.ts'

/** The documented error body (API reference, section 6). */
export function errorBody({ code, message, details }: Refusal): string {
  return JSON.stringify({ error: code, message, details })
}

/** A whole response on `socket`, after which the connection is closed. */
export function rawResponse(refusal: Refusal, status: number, requestId: string, socket: Duplex): string {
  const body = errorBody(refusal)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    ...Object.entries(safeHeaders(socket)).map(([name, value]) => `${name}: ${value}`),
    ...(refusal.retryAfterSeconds === null ? [] : [`Retry-After: ${refusal.retryAfterSeconds}`]),
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

export const malformedRequest = new Refusal('invalid_request', 'the request is not valid HTTP')

/** The answer where there is no request to answer, by the code of Node's error. */
export function faultyRequest(code: string | undefined, socket: Duplex): string {
  const answer = (refusal: Refusal, status: number) => rawResponse(refusal, status, randomUUID(), socket)
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return answer(new Refusal('invalid_request', 'the request headers are too large'), 431)
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return answer(new Refusal('invalid_request', 'the request did not arrive in time'), 408)
    default:
      return answer(malformedRequest, 400)
  }
}
