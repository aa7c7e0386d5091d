/**
 * WS /api/v1/messages/subscribe?session_id=&party_id=&after_sequence= (API reference, section 3.2): a subscription as
 * one JSON text frame per message. The edge has checked the Origin before. Close codes (RFC 6455, section 7.4.1):
 * 1000 with how the session ended, 1009 for a frame that is too large, 1013 when the router cannot go on and the
 * client should come back.
 */
import { create } from '@bufbuild/protobuf'
import type { Validator } from '@bufbuild/protovalidate'
import type { Context, Hono } from 'hono'
import type { UpgradeWebSocket, WSContext, WSEvents, WSMessageReceive } from 'hono/ws'
import type { WebSocket } from 'ws'
import type { Caller } from '../edge/caller.ts'
import { fieldNamesOf } from '../edge/field-names.ts'
import type { Logger } from '../edge/log.ts'
import { refusalOf } from '../edge/refusal-error.ts'
import { Refusal } from '../edge/refusal.ts'
import { invalidFields, requireValid } from '../edge/validation.ts'
import { MessageRouter, SubscribeRequestSchema } from '../gen/mpc/router/v1/message_router_pb.ts'
import type { RouterLimits } from './limits.ts'
import type { Router } from './router.ts'
import type { Subscription, SubscriptionRequest } from './subscription.ts'
import { pump } from './websocket-pump.ts'
import { connectionOf, refuseUpgrade } from './websocket-refusal.ts'

export const webSocketPath = '/api/v1/messages/subscribe'

export type WebSocketParts = Readonly<{
  router: Router
  /** Throws Refusal 'unauthorized'. */
  identify: (headers: Headers) => Caller
  validator: Validator
  limits: RouterLimits
  log: Logger
}>

export function mountWebSocket(app: Hono, upgradeWebSocket: UpgradeWebSocket, parts: WebSocketParts): void {
  app.get(webSocketPath, async (context) => {
    if (context.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      throw new Refusal('invalid_request', 'this path is a WebSocket', { upgrade: 'must be websocket' })
    }
    try {
      const request = readQuery(context, parts.validator)
      const subscription = await admitSocket(context, request, parts)
      try {
        return await upgradeWebSocket(context, socketEvents(subscription, request.sessionId, parts))
      } catch (error) {
        subscription.close()
        throw error
      }
    } catch (error) {
      await refuseUpgrade(context, refusalOf(error))
      throw error
    }
  })
}

/** The subscription is closed at the latest with the client's connection: also where the upgrade never comes about. */
async function admitSocket(
  context: Context,
  request: SubscriptionRequest,
  parts: WebSocketParts,
): Promise<Subscription> {
  const caller = parts.identify(context.req.raw.headers)
  const connection = new AbortController()
  const socket = connectionOf(context)
  socket.once('close', () => connection.abort())
  if (socket.destroyed) connection.abort()
  return parts.router.subscribe(request, caller, connection.signal)
}

function readQuery(context: Context, validator: Validator): SubscriptionRequest {
  const after = context.req.query('after_sequence') ?? '0'
  const afterSequence = /^[0-9]{1,16}$/.test(after) ? Number(after) : NaN
  if (!Number.isSafeInteger(afterSequence)) {
    throw invalidFields([['after_sequence', 'must be a whole number from 0 on']])
  }
  const sessionId = context.req.query('session_id') ?? ''
  const partyId = context.req.query('party_id') ?? ''
  const request = create(SubscribeRequestSchema, { sessionId, partyId, afterSequence: BigInt(afterSequence) })
  requireValid(validator, SubscribeRequestSchema, request, fieldNamesOf(MessageRouter))
  return { sessionId, partyId, afterSequence }
}

function socketEvents(subscription: Subscription, sessionId: string, parts: WebSocketParts): WSEvents {
  const { limits, log } = parts
  return {
    onOpen: (_event, socket) => {
      void pump(rawSocket(socket), subscription, sessionId, limits, log)
    },
    onMessage: ({ data }, socket) => {
      if (sizeOf(data) > limits.incomingFrameBytes) socket.close(1009, 'the frame is too large')
    },
  }
}

function sizeOf(data: WSMessageReceive): number {
  if (typeof data === 'string') return Buffer.byteLength(data)
  return data instanceof Blob ? data.size : data.byteLength
}

/** The edge's WebSocket server is the package `ws`; Hono leaves the type of its sockets open. */
function rawSocket(socket: WSContext): WebSocket {
  return socket.raw as WebSocket
}
