/** The router's RPC methods: proto messages in and out. Credentials come from the call, not from the message. */
import { create } from '@bufbuild/protobuf'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { callerKey } from '../edge/caller.ts'
import {
  CreateSubscriptionTicketResponseSchema,
  GetPendingMessagesResponseSchema,
  MPCMessageSchema,
  RouteMessageResponseSchema,
  type MessageRouter,
  type MPCMessage,
  type SubscribeRequest,
} from '../gen/mpc/router/v1/message_router_pb.ts'
import type { SubscriptionKind } from './metrics.ts'
import type { Router } from './router.ts'
import type { Delivered } from './subscription.ts'

export function messageRouterService(router: Router): ServiceImpl<typeof MessageRouter> {
  return {
    async routeMessage(message, context) {
      const { sessionId, fromParty: from, toParties: to, isBroadcast, round, payload } = message
      const caller = context.values.get(callerKey)
      const routed = await router.route({ sessionId, from, to, isBroadcast, round, payload }, caller, caller.traceId)
      return create(RouteMessageResponseSchema, {
        success: true,
        sequence: BigInt(routed.sequence),
        duplicate: routed.duplicate,
      })
    },

    subscribeMessages: (request, context) => subscribe(router, request, context),

    async createSubscriptionTicket({ sessionId, partyId, afterSequence }, context) {
      const caller = context.values.get(callerKey)
      const origin = context.requestHeader.get('origin') ?? ''
      const request = { sessionId, partyId, afterSequence: Number(afterSequence), origin }
      const { ticket, expiresAtMs } = await router.issueTicket(request, caller, caller.traceId)
      return create(CreateSubscriptionTicketResponseSchema, { ticket, expiresAt: unixSeconds(expiresAtMs) })
    },

    async getPendingMessages(request, context) {
      const { sessionId, partyId, afterSequence, limit } = request
      const page = await router.pending(
        { sessionId, partyId, afterSequence: Number(afterSequence), limit },
        context.values.get(callerKey),
      )
      return create(GetPendingMessagesResponseSchema, {
        messages: page.messages.map(({ entry, payload }) => ({
          fromParty: entry.from,
          toParties: [...entry.to],
          isBroadcast: entry.to.length === 0,
          round: entry.round,
          payload,
          timestamp: unixSeconds(entry.timeMs),
          sequence: BigInt(entry.sequence),
        })),
        hasMore: page.hasMore,
        nextAfterSequence: BigInt(page.nextAfterSequence),
      })
    },
  }
}

async function* subscribe(
  router: Router,
  request: SubscribeRequest,
  context: HandlerContext,
): AsyncGenerator<MPCMessage, void> {
  const { sessionId, partyId, afterSequence } = request
  const subscription = await router.subscribe(
    { sessionId, partyId, afterSequence: Number(afterSequence) },
    context.values.get(callerKey),
    context.signal,
    // Connect's own names for its protocols; REST has no streams.
    context.protocolName as SubscriptionKind,
  )
  try {
    for await (const delivered of subscription.messages()) yield deliveredMessage(sessionId, delivered)
  } finally {
    subscription.close()
  }
}

function deliveredMessage(sessionId: string, { entry, payload }: Delivered): MPCMessage {
  return create(MPCMessageSchema, {
    sessionId,
    fromParty: entry.from,
    toParties: [...entry.to],
    round: entry.round,
    payload,
    isBroadcast: entry.to.length === 0,
    timestamp: unixSeconds(entry.timeMs),
    sequence: BigInt(entry.sequence),
  })
}

function unixSeconds(timeMs: number): bigint {
  return BigInt(Math.floor(timeMs / 1000))
}
