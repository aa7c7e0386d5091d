/**
 * The documented error body for a WebSocket that is refused. The adapter answers a refused upgrade with a status line
 * and no body, so the response is written to the connection here, and the adapter then finds the connection closed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Context } from 'hono'
import { rawResponse } from './raw-response.ts'
import { refusalMapping, type Refusal } from './refusal.ts'

/** What Hono's Node adapter gives; an upgrade has no response object. */
type NodeBindings = Readonly<{ incoming: IncomingMessage; outgoing?: ServerResponse }>

export function isUpgrade(context: Context): boolean {
  return bindings(context).outgoing === undefined
}

/** Resolves when the response is on its way and the connection closed. Never throws. */
export async function refuseUpgrade(context: Context, refusal: Refusal): Promise<void> {
  const socket = connectionOf(context)
  const response = rawResponse(refusal, refusalMapping[refusal.code].httpStatus, context.get('requestId'), socket)
  if (!socket.destroyed) await new Promise<void>((resolve) => socket.end(response, () => resolve()))
  socket.destroy()
}

/** The TCP connection of a request: the HTTP port is Node's own server behind Hono's Node adapter. */
export function connectionOf(context: Context): Socket {
  return bindings(context).incoming.socket
}

/** Calls back when a request's response has been sent, or its connection was lost. */
export function onceOver(context: Context, listener: () => void): void {
  const { outgoing, incoming } = bindings(context)
  ;(outgoing ?? incoming.socket).once('close', listener)
}

function bindings(context: Context): NodeBindings {
  return context.env as NodeBindings // the adapter's
}
