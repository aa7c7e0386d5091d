/**
 * The documented error body for a WebSocket that is refused. The adapter answers a refused upgrade with a status line
 * and no body, so the response is written to the connection here, and the adapter then finds the connection closed.
 */
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Context } from 'hono'
import { errorBody } from '../edge/http-errors.ts'
import { refusalMapping, type Refusal } from '../edge/refusal.ts'

/** Resolves when the response is on its way and the connection closed. Never throws. */
export async function refuseUpgrade(context: Context, refusal: Refusal): Promise<void> {
  const socket = connectionOf(context)
  const status = refusalMapping[refusal.code].httpStatus
  const body = errorBody(refusal)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  if (!socket.destroyed) {
    await new Promise<void>((resolve) => socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => resolve()))
  }
  socket.destroy()
}

/** The TCP connection of a request: the HTTP port is Node's own server behind Hono's Node adapter. */
export function connectionOf(context: Context): Socket {
  return (context.env as { incoming: IncomingMessage }).incoming.socket
}
