/**
 * A party that brings a protocol of its own: it joins without this project's keys, and sends and receives payloads that
 * mean something to its peers only. Such payloads are not sealed: what is secret in them, the protocol encrypts.
 */
import { createClient, type Client, type Transport } from '@connectrpc/connect'
import { SessionCoordinator } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter, type MPCMessage, type PendingMessage } from '../gen/mpc/router/v1/message_router_pb.ts'
import type { SessionStatus } from '../party/transport/party-transport.ts'
import { followMessages } from '../party/transport/repeating.ts'
import { statusOf } from '../party/transport/snapshot.ts'
import { neverAborted, toldItems, type CallOptions, type Calls } from './calls.ts'

export type JoinRequest = Readonly<{ joinToken: string; partyId: string; deviceType?: string; deviceId?: string }>

export type OutgoingMessage = Readonly<{
  round: number
  /** Absent: to everyone else. */
  to?: readonly string[]
  /** 1 byte to 512 KiB. */
  payload: Uint8Array
}>

export type Message = Readonly<{
  from: string
  /** Empty: to everyone else. */
  to: readonly string[]
  round: number
  payload: Uint8Array
  isBroadcast: boolean
  /** Position in the log. A subscription can continue after it. */
  sequence: number
  sentAtMs: number
}>

export type ReceiveOptions = CallOptions & Readonly<{ /** Only what follows this position. */ afterSequence?: number }>

export type PartyResult = Readonly<{ publicKey: string }> | Readonly<{ signature: string; recoveryId: number }>

export type Party = Readonly<{
  sessionId: string
  partyId: string
  partyIndex: number
  ready: (options?: CallOptions) => Promise<Readonly<{ allReady: boolean; readyCount: number; totalParties: number }>>
  /** When all are ready. */
  start: (options?: CallOptions) => Promise<SessionStatus>
  /** Resolves when it is stored. The same message again is stored once; another one in its place is refused. */
  route: (
    message: OutgoingMessage,
    options?: CallOptions,
  ) => Promise<Readonly<{ sequence: number; duplicate: boolean }>>
  /**
   * Messages to this party, first those that are stored, then each as it comes; ends with the session. Reconnects by
   * itself: each message comes once and in order.
   */
  messages: (options?: ReceiveOptions) => AsyncIterable<Message>
  /** One page of what is stored. */
  pending: (
    options?: ReceiveOptions & Readonly<{ /** 1 to 1000; 100 where absent. */ limit?: number }>,
  ) => Promise<Readonly<{ messages: readonly Message[]; hasMore: boolean }>>
  /** The result, as hex: a public key, or r||s. The session completes when all parties report the same. */
  complete: (result: PartyResult, options?: CallOptions) => Promise<Readonly<{ allCompleted: boolean }>>
}>

export type PartyTransports = Readonly<{ coordinator: Transport; router: Transport }>

/** The same join again gives the same party. */
export async function joinSession(
  transports: PartyTransports,
  calls: Calls,
  request: JoinRequest,
  options: CallOptions = {},
): Promise<Party> {
  const coordinator = createClient(SessionCoordinator, transports.coordinator)
  const router = createClient(MessageRouter, transports.router)
  const joined = await calls.repeat(options, (call) => coordinator.joinSession(request, call))
  const { sessionId, partyIndex, partyCredential } = joined
  const ids = { sessionId, partyId: request.partyId }
  const headers = { authorization: `Bearer ${partyCredential}` }
  return { ...ids, partyIndex, ...progress(coordinator, calls, ids, headers), ...mail(router, calls, ids, headers) }
}

type Ids = Readonly<{ sessionId: string; partyId: string }>
type Headers = Readonly<{ authorization: string }>

function progress(
  coordinator: Client<typeof SessionCoordinator>,
  calls: Calls,
  ids: Ids,
  headers: Headers,
): Pick<Party, 'ready' | 'start' | 'complete'> {
  const { sessionId } = ids
  return {
    ready: (options = {}) =>
      calls.repeat(
        options,
        async (call) => {
          const { allReady, readyCount, totalParties } = await coordinator.markPartyReady(ids, call)
          return { allReady, readyCount, totalParties }
        },
        headers,
      ),
    start: (options = {}) =>
      calls.repeat(
        options,
        async (call) => statusOf((await coordinator.startSession({ sessionId }, call)).status),
        headers,
      ),
    complete: (result, options = {}) =>
      calls.repeat(
        options,
        async (call) => {
          const { allCompleted } = await coordinator.reportCompletion({ ...ids, ...result }, call)
          return { allCompleted }
        },
        headers,
      ),
  }
}

function mail(
  router: Client<typeof MessageRouter>,
  calls: Calls,
  ids: Ids,
  headers: Headers,
): Pick<Party, 'route' | 'messages' | 'pending'> {
  const { sessionId, partyId } = ids
  return {
    route: ({ round, payload, to = [] }, options = {}) => {
      const isBroadcast = to.length === 0
      const message = { sessionId, fromParty: partyId, toParties: [...to], isBroadcast, round, payload }
      return calls.repeat(
        options,
        async (call) => {
          const { sequence, duplicate } = await router.routeMessage(message, call)
          return { sequence: Number(sequence), duplicate }
        },
        headers,
      )
    },
    messages: ({ signal = neverAborted, afterSequence = 0 } = {}) => {
      const subscription = { ...ids, afterSequence: BigInt(afterSequence) }
      const following = { patience: calls.patience(), signal, headers }
      return toldItems(followMessages(router, subscription, following), signal, messageOf)
    },
    pending: ({ afterSequence = 0, limit = 0, ...options } = {}) =>
      calls.repeat(
        options,
        async (call) => {
          const page = { ...ids, afterSequence: BigInt(afterSequence), limit }
          const { messages, hasMore } = await router.getPendingMessages(page, call)
          return { messages: messages.map(messageOf), hasMore }
        },
        headers,
      ),
  }
}

function messageOf(message: MPCMessage | PendingMessage): Message {
  const { fromParty, toParties, round, payload, isBroadcast, sequence, timestamp } = message
  return {
    from: fromParty,
    to: toParties,
    round,
    payload,
    isBroadcast,
    sequence: Number(sequence),
    sentAtMs: Number(timestamp) * 1_000,
  }
}
