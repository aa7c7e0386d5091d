/**
 * The party transport over Connect clients: any Connect `Transport` will do, gRPC on Node or Connect in a browser.
 * Calls are repeated while a service is away, streams are reopened where they stopped.
 */
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient, type CallOptions, type Client, type Transport } from '@connectrpc/connect'
import { refusalOf } from '../../edge/refusal-error.ts'
import { SessionFeed } from '../../gen/mpc/coordinator/v1/session_feed_pb.ts'
import {
  FailureSchema,
  SessionCoordinator,
  type ReportCompletionRequest,
} from '../../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter } from '../../gen/mpc/router/v1/message_router_pb.ts'
import { bytesToHex } from '@noble/hashes/utils.js'
import { systemClock, type Clock } from '../clock.ts'
import { defaultBackoff, Patience, type Backoff } from './backoff.ts'
import type { Member, PartyTransport, Report } from './party-transport.ts'
import { isFinalStatus, snapshotOf } from './snapshot.ts'

export type ConnectTransportOptions = Readonly<{ backoff?: Backoff; clock?: Clock; callTimeoutMs?: number }>

/** One attempt of a unary call; a call that takes longer is made again. */
const defaultCallTimeoutMs = 10_000

export function createConnectTransport(
  coordinatorTransport: Transport,
  routerTransport: Transport,
  options: ConnectTransportOptions = {},
): PartyTransport {
  const { backoff = defaultBackoff, clock = systemClock, callTimeoutMs = defaultCallTimeoutMs } = options
  const coordinator = createClient(SessionCoordinator, coordinatorTransport)
  const feed = createClient(SessionFeed, coordinatorTransport)
  const router = createClient(MessageRouter, routerTransport)
  const patience = () => new Patience(backoff, clock)

  const call = <T>(
    signal: AbortSignal,
    member: Member | null,
    attempt: (options: CallOptions) => Promise<T>,
  ): Promise<T> =>
    untilAnswered(patience(), signal, () => attempt({ ...callOptions(member, signal), timeoutMs: callTimeoutMs }))

  return {
    join: async (request, signal) => {
      const answer = await call(signal, null, (callOptions) => coordinator.joinSession(request, callOptions))
      return { sessionId: answer.sessionId, partyIndex: answer.partyIndex, credential: answer.partyCredential }
    },
    ready: (member, signal) =>
      call(signal, member, (callOptions) => coordinator.markPartyReady(idsOf(member), callOptions)),
    start: async (member, signal) => {
      await call(signal, member, (callOptions) =>
        coordinator.startSession({ sessionId: member.sessionId }, callOptions),
      )
    },
    watchSession: (member, signal) => watch(feed, member, patience(), signal),
    route: async (member, message, signal) => {
      const body = {
        sessionId: member.sessionId,
        fromParty: member.partyId,
        toParties: message.to === null ? [] : [message.to],
        isBroadcast: message.to === null,
        round: message.round,
        payload: message.payload,
      }
      await call(signal, member, (callOptions) => router.routeMessage(body, callOptions))
    },
    subscribe: (member, signal) => subscribe(router, member, patience(), signal),
    report: (member, report, signal) =>
      call(signal, member, (callOptions) =>
        coordinator.reportCompletion({ ...idsOf(member), ...reportFields(report) }, callOptions),
      ),
  }
}

async function untilAnswered<T>(patience: Patience, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  try {
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        await patience.pause(error, signal)
      }
    }
  } catch (error) {
    throw outcomeOf(error, signal)
  }
}

async function* watch(feed: Client<typeof SessionFeed>, member: Member, patience: Patience, signal: AbortSignal) {
  try {
    for (;;) {
      try {
        const stream = feed.watchSession({ sessionId: member.sessionId }, callOptions(member, signal))
        for await (const { session } of stream) {
          if (session === undefined) continue
          patience.succeeded()
          const snapshot = snapshotOf(session)
          yield snapshot
          if (isFinalStatus(snapshot.status)) return
        }
        throw streamEnded()
      } catch (error) {
        await patience.pause(error, signal)
      }
    }
  } catch (error) {
    throw outcomeOf(error, signal)
  }
}

/** Continues after the last message seen. The router ends the stream, without an error, only with the session. */
async function* subscribe(
  router: Client<typeof MessageRouter>,
  member: Member,
  patience: Patience,
  signal: AbortSignal,
) {
  let afterSequence = 0n
  try {
    for (;;) {
      try {
        const stream = router.subscribeMessages({ ...idsOf(member), afterSequence }, callOptions(member, signal))
        for await (const { fromParty, round, payload, sequence } of stream) {
          patience.succeeded()
          // A router that repeats itself is harmless: what was seen is left out, and slots are filled once anyway.
          if (sequence > 0n && sequence <= afterSequence) continue
          afterSequence = sequence
          yield { from: fromParty, round, payload }
        }
        return
      } catch (error) {
        await patience.pause(error, signal)
      }
    }
  } catch (error) {
    throw outcomeOf(error, signal)
  }
}

function callOptions(member: Member | null, signal: AbortSignal): CallOptions {
  return member === null ? { signal } : { signal, headers: { authorization: `Bearer ${member.credential}` } }
}

function idsOf({ sessionId, partyId }: Member): Readonly<{ sessionId: string; partyId: string }> {
  return { sessionId, partyId }
}

function reportFields(report: Report): Partial<Omit<ReportCompletionRequest, '$typeName' | '$unknown'>> {
  switch (report.kind) {
    case 'key-made':
      return { publicKey: bytesToHex(report.publicKey), resultSignature: report.resultSignature }
    case 'signed': {
      const { recoveryId, resultSignature } = report
      return { signature: bytesToHex(report.signature), recoveryId, resultSignature }
    }
    case 'failed':
      return { failure: create(FailureSchema, { reason: report.reason, culprits: [...report.culprits] }) }
    default:
      return report satisfies never
  }
}

/** The coordinator ends the stream only after a final status; anything else is the service going away. */
function streamEnded(): ConnectError {
  return new ConnectError('the stream ended early', Code.Unavailable)
}

function outcomeOf(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted ? signal.reason : refusalOf(error)
}
