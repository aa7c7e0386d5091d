/**
 * A session as the fold of its events (architecture, sections 4 and 5). `evolve` is total: an event of an unknown
 * kind, about an unknown party or after the end changes nothing.
 */
import { defaultKeyType, isKeyType, type KeyType } from '../crypto/key-type.ts'
import type { SessionPayload } from '../events/session-event.ts'
import type { Approval } from '../policy/approval.ts'
import { canonicalPolicy, type KeyPolicy } from '../policy/key-policy.ts'
import { readApproval, readPolicy } from '../policy/wire.ts'
import type {
  JoinedKeys,
  PartyCompleted,
  PartyJoined,
  SessionCreated,
  SessionFailed,
} from '../gen/mpc/events/v1/session_events_pb.ts'

export type SessionStatus = 'none' | 'created' | 'waiting' | 'in_progress' | 'completed' | 'failed' | 'expired'
export type ParticipantStatus = 'waiting' | 'joined' | 'ready' | 'computing' | 'completed' | 'failed'

/** Keygen: the key. Sign: the signature, and with ECDSA its recovery id. */
export type Result = Readonly<{
  /** In the form of its type: 33 bytes (compressed) or 32; empty in a sign session. */
  publicKey: Uint8Array
  /** 64 bytes; empty in a keygen session. */
  signature: Uint8Array
  /** 0 where the key is not for ECDSA. */
  recoveryId: number
}>

export type Participant = Readonly<{
  partyId: string
  /** Position in the creator's list, from 0. */
  index: number
  status: ParticipantStatus
  deviceType: string
  deviceId: string
  /** SHA-256 of the join token. */
  joinTokenHash: Uint8Array
  /** Empty unless a server party is invited. */
  sealedJoinToken: Uint8Array
  /** Empty unless fixed beforehand. */
  expectedIdentityKey: Uint8Array
  /** Null before it has joined, and for a party that brings its own protocol. */
  keys: JoinedKeys | null
  /** SHA-256 of the party's credential; empty before it has joined. */
  credentialHash: Uint8Array
  result: Result | null
}>

export type Failure = Readonly<{ reason: string; reportedBy: string; culprits: readonly string[] }>

export type SessionState = Readonly<{
  status: SessionStatus
  type: 'keygen' | 'sign'
  /** Of the key to make or to sign with. */
  keyType: KeyType
  thresholdT: number
  thresholdN: number
  participants: readonly Participant[]
  expiresAtMs: number
  /** SHA-256 of the request that created it, if that had an Idempotency-Key; else empty. */
  requestHash: Uint8Array
  /** 32 bytes; empty in a keygen session, and where a message is signed. */
  messageHash: Uint8Array
  /** What an Ed25519 key is to sign; else empty. */
  message: Uint8Array
  /** Sign: the key's id where it is known. */
  keyId: string
  /** In the form of its type: the key to sign with, or the key made; empty where there is none. */
  publicKey: Uint8Array
  /** Of the key to make or to sign with; null where it has none. */
  policy: KeyPolicy | null
  /** Of a sign session. */
  approvals: readonly Approval[]
  result: Result | null
  /** 32 bytes once started, where all parties brought keys; else empty. */
  rosterHash: Uint8Array
  failure: Failure | null
}>

const nothing = new Uint8Array(0)

export const initialState: SessionState = {
  status: 'none',
  type: 'keygen',
  keyType: defaultKeyType,
  thresholdT: 0,
  thresholdN: 0,
  participants: [],
  expiresAtMs: 0,
  requestHash: nothing,
  messageHash: nothing,
  message: nothing,
  keyId: '',
  publicKey: nothing,
  policy: null,
  approvals: [],
  result: null,
  rosterHash: nothing,
  failure: null,
}

export function isFinal(status: SessionStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'expired'
}

export function participant(state: SessionState, partyId: string): Participant | undefined {
  return state.participants.find((candidate) => candidate.partyId === partyId)
}

export function evolve(state: SessionState, event: SessionPayload): SessionState {
  if (event.case === 'sessionCreated') return state.status === 'none' ? created(event.value) : state
  if (state.status === 'none' || isFinal(state.status)) return state
  switch (event.case) {
    case 'partyJoined':
      return joined(state, event.value)
    case 'partyReady':
      return withParticipant(state, event.value.partyId, { status: 'ready' })
    case 'sessionStarted': {
      const participants = state.participants.map((party) => ({ ...party, status: 'computing' as const }))
      return { ...state, status: 'in_progress', rosterHash: event.value.rosterHash, participants }
    }
    case 'partyCompleted':
      return withParticipant(state, event.value.partyId, { status: 'completed', result: resultOf(event.value) })
    case 'sessionCompleted': {
      const result = resultOf(event.value)
      const publicKey = state.type === 'keygen' ? result.publicKey : state.publicKey
      return { ...state, status: 'completed', result, publicKey }
    }
    case 'sessionFailed':
      return failed(state, event.value)
    case 'sessionExpired':
      return { ...state, status: 'expired' }
    case 'sessionClosed':
      return { ...state, status: 'failed', failure: { reason: 'closed', reportedBy: '', culprits: [] } }
    case undefined:
      return state
    default:
      return event satisfies never
  }
}

function created(event: SessionCreated): SessionState {
  return {
    ...initialState,
    status: 'created',
    type: event.sessionType === 'sign' ? 'sign' : 'keygen',
    keyType: keyTypeOf(event),
    thresholdT: event.thresholdT,
    thresholdN: event.thresholdN,
    expiresAtMs: Number(event.expiresAtMs),
    requestHash: event.requestHash,
    messageHash: event.messageHash,
    message: event.message,
    keyId: event.keyId,
    publicKey: event.publicKey,
    policy: event.policy === undefined ? null : canonicalPolicy(readPolicy(event.policy)),
    approvals: event.approvals.map(readApproval),
    participants: event.participants.map((invited, index) => ({
      partyId: invited.partyId,
      index,
      status: 'waiting',
      deviceType: invited.deviceType,
      deviceId: invited.deviceId,
      joinTokenHash: invited.joinTokenHash,
      sealedJoinToken: invited.sealedJoinToken,
      expectedIdentityKey: invited.expectedIdentityKey,
      keys: null,
      credentialHash: nothing,
      result: null,
    })),
  }
}

/** Events from before there were other types name none. */
export function keyTypeOf({ keyType }: Pick<SessionCreated, 'keyType'>): KeyType {
  return isKeyType(keyType) ? keyType : defaultKeyType
}

function joined(state: SessionState, event: PartyJoined): SessionState {
  const party = participant(state, event.partyId)
  if (party === undefined || party.status !== 'waiting') return state
  const next = withParticipant(state, event.partyId, {
    status: 'joined',
    deviceType: party.deviceType || event.deviceType,
    deviceId: party.deviceId || event.deviceId,
    keys: event.keys ?? null,
    credentialHash: event.credentialHash,
  })
  return { ...next, status: 'waiting' }
}

function failed(state: SessionState, event: SessionFailed): SessionState {
  const { reason, reportedBy, culprits } = event
  const blamed = new Set([reportedBy, ...culprits])
  const participants = state.participants.map((party) =>
    blamed.has(party.partyId) ? { ...party, status: 'failed' as const } : party,
  )
  return { ...state, status: 'failed', participants, failure: { reason, reportedBy, culprits } }
}

function resultOf({ publicKey, signature, recoveryId }: Pick<PartyCompleted, keyof Result>): Result {
  return { publicKey, signature, recoveryId }
}

function withParticipant(state: SessionState, partyId: string, change: Partial<Participant>): SessionState {
  const participants = state.participants.map((party) => (party.partyId === partyId ? { ...party, ...change } : party))
  return { ...state, participants }
}
