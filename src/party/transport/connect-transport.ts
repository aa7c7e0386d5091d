/**
 * The party transport over Connect clients: any Connect `Transport` will do, gRPC on Node or Connect in a browser.
 * Calls are repeated while a service is away, streams are reopened where they stopped.
 */
import { create } from '@bufbuild/protobuf'
import { createClient, type CallOptions, type Transport } from '@connectrpc/connect'
import { refusalOf } from '../../edge/refusal-error.ts'
import { SessionFeed } from '../../gen/mpc/coordinator/v1/session_feed_pb.ts'
import {
  FailureSchema,
  SessionCoordinator,
  SessionWitnessSchema,
  type ReportCompletionRequest,
} from '../../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter, type MPCMessage } from '../../gen/mpc/router/v1/message_router_pb.ts'
import { bytesToHex } from '@noble/hashes/utils.js'
import { systemClock, type Clock } from '../clock.ts'
import { defaultBackoff, Patience, type Backoff } from './backoff.ts'
import type { Member, PartyTransport, Report } from './party-transport.ts'
import { followMessages, followSession, untilAnswered } from './repeating.ts'

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
    toldAs(
      untilAnswered(patience(), signal, () =>
        attempt({ signal, timeoutMs: callTimeoutMs, ...(member && { headers: headersOf(member) }) }),
      ),
      signal,
    )

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
    watchSession: (member, signal) => {
      const following = { patience: patience(), signal, headers: headersOf(member) }
      return toldItemsAs(followSession(feed, member.sessionId, following), signal, (snapshot) => snapshot)
    },
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
    subscribe: (member, signal) => {
      const following = { patience: patience(), signal, headers: headersOf(member) }
      const messages = followMessages(router, { ...idsOf(member), afterSequence: 0n }, following)
      const received = ({ fromParty, round, payload }: MPCMessage) => ({ from: fromParty, round, payload })
      return toldItemsAs(messages, signal, received)
    },
    report: (member, report, signal) =>
      call(signal, member, (callOptions) =>
        coordinator.reportCompletion({ ...idsOf(member), ...reportFields(report) }, callOptions),
      ),
  }
}

/** What was refused as a Refusal; an end by the signal as its reason. */
async function toldAs<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw outcomeOf(error, signal)
  }
}

async function* toldItemsAs<T, U>(items: AsyncIterable<T>, signal: AbortSignal, told: (item: T) => U) {
  try {
    for await (const item of items) yield told(item)
  } catch (error) {
    throw outcomeOf(error, signal)
  }
}

function headersOf({ credential }: Member): Readonly<{ authorization: string }> {
  return { authorization: `Bearer ${credential}` }
}

function idsOf({ sessionId, partyId }: Member): Readonly<{ sessionId: string; partyId: string }> {
  return { sessionId, partyId }
}

function reportFields(report: Report): Partial<Omit<ReportCompletionRequest, '$typeName' | '$unknown'>> {
  switch (report.kind) {
    case 'key-made':
      return { publicKey: bytesToHex(report.publicKey), ...vouched(report) }
    case 'signed': {
      const { recoveryId } = report
      return { signature: bytesToHex(report.signature), recoveryId, ...vouched(report) }
    }
    case 'failed':
      return { failure: create(FailureSchema, { reason: report.reason, culprits: [...report.culprits] }) }
    default:
      return report satisfies never
  }
}

function vouched({ resultSignature, witness }: Exclude<Report, Readonly<{ kind: 'failed' }>>) {
  if (witness === null) return { resultSignature }
  const version = BigInt(witness.version)
  return { resultSignature, witness: create(SessionWitnessSchema, { ...witness, version }) }
}

function outcomeOf(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted ? signal.reason : refusalOf(error)
}
