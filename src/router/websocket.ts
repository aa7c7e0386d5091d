/**
 * WS /api/v1/messages/subscribe?session_id=&party_id=&after_sequence= (API reference, section 3.2): a subscription as
 * one JSON text frame per message. Who may not open one is answered before the upgrade, with the documented body. The
 * codes that an open one closes with (RFC 6455, section 7.4.1) are listed in docs/api.md.
 */
import { create } from '@bufbuild/protobuf'
import type { Validator } from '@bufbuild/protovalidate'
import type { Context, Hono } from 'hono'
import type { UpgradeWebSocket, WSContext } from 'hono/ws'
import type { WebSocket } from 'ws'
import type { Caller } from '../edge/caller.ts'
import { fieldNamesOf } from '../edge/field-names.ts'
import type { Logger } from '../edge/log.ts'
import { invalidField, Refusal } from '../edge/refusal.ts'
import { connectionOf } from '../edge/upgrade-refusal.ts'
import { requireValid } from '../edge/validation.ts'
import { MessageRouter, SubscribeRequestSchema } from '../gen/mpc/router/v1/message_router_pb.ts'
import type { RouterLimits } from './limits.ts'
import type { RouterMetrics } from './metrics.ts'
import type { Router } from './router.ts'
import type { Subscription } from './subscription.ts'
import { ticketPrefix } from './ticket.ts'
import { pump } from './websocket-pump.ts'

export const webSocketPath = '/api/v1/messages/subscribe'

/** Named by clients that come with a ticket; others may name none. */
export const subprotocol = 'mpc.router.v1'

export type WebSocketParts = Readonly<{
  router: Router
  /** Throws Refusal 'unauthorized'. */
  identify: (headers: Headers) => Caller
  /** Origins whose pages may subscribe. */
  corsOrigins: readonly string[]
  validator: Validator
  limits: RouterLimits
  metrics: RouterMetrics
  log: Logger
}>

/** `afterSequence` is null where the URL names none. */
type SocketRequest = Readonly<{ sessionId: string; partyId: string; afterSequence: number | null }>

export function mountWebSocket(app: Hono, upgradeWebSocket: UpgradeWebSocket, parts: WebSocketParts): void {
  app.get(webSocketPath, async (context) => {
    if (context.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      throw new Refusal('invalid_request', 'this path is a WebSocket', { upgrade: 'must be websocket' })
    }
    const { limits, metrics } = parts
    const log = parts.log.child({ requestId: context.get('requestId') })
    requireAllowedOrigin(context, parts.corsOrigins)
    const request = readQuery(context, parts.validator)
    const subscription = await admitSocket(context, request, parts)
    try {
      return await upgradeWebSocket(context, {
        onOpen: (_event, socket) => {
          void pump(rawSocket(socket), subscription, request.sessionId, { limits, log, dropped: metrics.dropped })
        },
      })
    } catch (error) {
      subscription.close()
      throw error
    }
  })
}

/**
 * A WebSocket knows neither CORS nor preflights, so any page could open one in its visitor's name (cross-site WebSocket
 * hijacking). Only listed origins may, whatever the Host header says; what is not a browser sends no Origin.
 */
function requireAllowedOrigin(context: Context, allowed: readonly string[]): void {
  const origin = originOf(context)
  if (origin === '' || allowed.includes(origin)) return
  throw new Refusal('forbidden', 'web pages of this origin may not subscribe', { Origin: 'is not allowed' })
}

function originOf(context: Context): string {
  return context.req.header('origin') ?? ''
}

/** The subscription is closed at the latest with the client's connection: also where the upgrade never comes about. */
async function admitSocket(context: Context, request: SocketRequest, parts: WebSocketParts): Promise<Subscription> {
  const { sessionId, partyId, afterSequence } = request
  const caller = parts.identify(context.req.raw.headers)
  const ticket = ticketOf(context)
  const connection = new AbortController()
  const socket = connectionOf(context)
  socket.once('close', () => connection.abort())
  if (socket.destroyed) connection.abort()
  if (ticket === null) {
    const plain = { sessionId, partyId, afterSequence: afterSequence ?? 0 }
    return parts.router.subscribe(plain, caller, connection.signal, 'websocket')
  }
  const shown = { sessionId, partyId, ticket, origin: originOf(context) }
  return parts.router.subscribeWithTicket(shown, afterSequence, connection.signal, caller.traceId)
}

/**
 * Browsers let a page say nothing but the URL and the subprotocols it speaks. URLs end up in logs and histories, so the
 * ticket comes as a subprotocol, behind the real one, which is what is answered.
 */
function ticketOf(context: Context): string | null {
  const offered = (context.req.header('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim())
  const ticket = offered.find((name) => name.startsWith(ticketPrefix))
  if (ticket === undefined) return null
  if (offered[0] === subprotocol && offered.length === 2) return ticket
  throw invalidField('Sec-WebSocket-Protocol', `must be "${subprotocol}, <ticket>"`)
}

function readQuery(context: Context, validator: Validator): SocketRequest {
  const after = context.req.query('after_sequence')
  const afterSequence = after === undefined ? null : /^[0-9]{1,16}$/.test(after) ? Number(after) : NaN
  if (afterSequence !== null && !Number.isSafeInteger(afterSequence)) {
    throw invalidField('after_sequence', 'must be a whole number from 0 on')
  }
  const sessionId = context.req.query('session_id') ?? ''
  const partyId = context.req.query('party_id') ?? ''
  const request = create(SubscribeRequestSchema, { sessionId, partyId, afterSequence: BigInt(afterSequence ?? 0) })
  requireValid(validator, SubscribeRequestSchema, request, fieldNamesOf(MessageRouter))
  return { sessionId, partyId, afterSequence }
}

/** The edge's WebSocket server is the package `ws`; Hono leaves the type of its sockets open. */
function rawSocket(socket: WSContext): WebSocket {
  return socket.raw as WebSocket
}
