/** Sessions of the coordinator. */
import { createClient, type Transport } from '@connectrpc/connect'
import type { KeyType } from '../crypto/key-type.ts'
import { SessionFeed } from '../gen/mpc/coordinator/v1/session_feed_pb.ts'
import { SessionCoordinator } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { followSession } from '../party/transport/repeating.ts'
import type { SessionSnapshot, SessionStatus } from '../party/transport/party-transport.ts'
import { snapshotOf, statusOf } from '../party/transport/snapshot.ts'
import type { Approval } from '../policy/approval.ts'
import { approvalMessages, policyBody, type PolicyOptions } from './approvals.ts'
import { neverAborted, toldItems, type CallOptions, type Calls, type CreateOptions } from './calls.ts'
import { identityHex } from './hex.ts'
import { toSign, type ToSign } from './to-sign.ts'

/** Someone invited to a session. A server party is invited by `deviceType: 'server'` and its device id. */
export type Participant<Id extends string = string> = Readonly<{
  partyId: Id
  deviceType?: string
  deviceId?: string
  /** Of the only device that may join: 32 bytes, or 64 hex digits. All who take part refuse others. */
  identityKey?: Uint8Array | string
}>

export type SessionRequest<Id extends string = string> = Invitation<Id> &
  Readonly<{
    /** `ecdsa-secp256k1` where absent; in a sign session that names its key, that key's. */
    keyType?: KeyType
  }> &
  (
    | Readonly<{
        sessionType: 'keygen'
        thresholdT: number
        thresholdN: number
        /** What the key may sign and who must approve it, for ever; where absent, each party decides by itself. */
        policy?: PolicyOptions
      }>
    | (Readonly<{
        sessionType: 'sign'
        /** The key: by the session that made it, or by its public key. Neither: for parties of another protocol. */
        keyId?: string
        publicKey?: string
        /** With a key that has a policy. */
        approvals?: readonly Approval[]
        thresholdT?: number
        thresholdN?: number
      }> &
        ToSign)
  )

export type Invitation<Id extends string> = Readonly<{
  participants: readonly Participant<Id>[]
  /** 1 to 86400; 300 where absent. */
  expiresInSeconds?: number
}>

export type OpenedSession<Id extends string = string> = Readonly<{
  sessionId: string
  /** Secret: whoever has one joins as this party. */
  joinTokens: Readonly<Record<Id, string>>
  status: SessionStatus
  expiresAtMs: number
}>

export type Sessions = Readonly<{
  create: <const Id extends string>(request: SessionRequest<Id>, options?: CreateOptions) => Promise<OpenedSession<Id>>
  status: (sessionId: string, options?: CallOptions) => Promise<SessionSnapshot>
  /** The session as it is, then after each change; ends after a final status. Survives a restart of the service. */
  watch: (sessionId: string, options?: CallOptions) => AsyncIterable<SessionSnapshot>
  /** Ends a session that is not over. */
  close: (sessionId: string, options?: CallOptions) => Promise<SessionStatus>
}>

export function createSessions(transport: Transport, calls: Calls): Sessions {
  const coordinator = createClient(SessionCoordinator, transport)
  const feed = createClient(SessionFeed, transport)
  return {
    create: async (request, options = {}) => {
      const participants = invitees(request.participants)
      const body = bodyOf(request)
      return calls.create(options, async (call) =>
        openedSession(await coordinator.createSession({ ...body, participants }, call)),
      )
    },
    status: (sessionId, options = {}) =>
      calls.repeat(options, async (call) => snapshotOf(await coordinator.getSessionStatus({ sessionId }, call))),
    watch: (sessionId, { signal = neverAborted } = {}) =>
      toldItems(followSession(feed, sessionId, { patience: calls.patience(), signal }), signal, (session) => session),
    close: (sessionId, options = {}) =>
      calls.repeat(options, async (call) => statusOf((await coordinator.closeSession({ sessionId }, call)).status)),
  }
}

/** A request in the fields of the contract, but for its participants. */
function bodyOf(request: SessionRequest) {
  if (request.sessionType === 'sign') {
    return { ...request, ...toSign(request), approvals: approvalMessages(request.approvals) }
  }
  const { policy, ...asked } = request
  return { ...asked, ...policyBody(policy) }
}

/** As the services take them. @throws MpcError 'invalid_request' */
export function invitees(participants: readonly Participant[]) {
  return participants.map(({ identityKey, ...participant }, index) => {
    return { ...participant, identityKey: identityHex(identityKey, `participants[${index}].identityKey`) }
  })
}

type Created = Readonly<{ sessionId: string; joinTokens: Record<string, string>; status: string; expiresAt: bigint }>

export function openedSession<Id extends string>(created: Created): OpenedSession<Id> {
  const { sessionId, status, expiresAt } = created
  // The services answer with one token for each participant of the request.
  const joinTokens = created.joinTokens as Record<Id, string>
  return { sessionId, joinTokens, status: statusOf(status), expiresAtMs: Number(expiresAt) * 1_000 }
}
