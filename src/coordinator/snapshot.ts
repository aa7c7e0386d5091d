/** A session as callers see it. */
import { create } from '@bufbuild/protobuf'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Loaded } from '../events/aggregate-store.ts'
import {
  FailureSchema,
  GetSessionStatusResponseSchema,
  ParticipantStatusSchema,
  PartyKeysSchema,
  type GetSessionStatusResponse,
  type ParticipantStatus,
} from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { approvalMessage, policyMessage } from '../policy/wire.ts'
import { showPublicKey } from './public-key.ts'
import type { Participant, SessionState } from './session-state.ts'

export function snapshot(sessionId: string, { state, head }: Loaded<SessionState>): GetSessionStatusResponse {
  return create(GetSessionStatusResponseSchema, {
    sessionId,
    status: state.status,
    thresholdT: state.thresholdT,
    thresholdN: state.thresholdN,
    participants: state.participants.map(participantStatus),
    sessionType: state.type,
    keyType: state.keyType,
    expiresAt: expiresAtSeconds(state),
    version: BigInt(head.version),
    chainHead: head.hash,
    ...(state.messageHash.length > 0 && { messageHash: bytesToHex(state.messageHash) }),
    ...(state.message.length > 0 && { message: state.message }),
    ...(state.keyId !== '' && { keyId: state.keyId }),
    ...(state.publicKey.length > 0 && { publicKey: showPublicKey(state.publicKey) }),
    ...(state.policy !== null && { policy: policyMessage(state.policy) }),
    approvals: state.approvals.map(approvalMessage),
    ...(state.rosterHash.length > 0 && { rosterHash: state.rosterHash }),
    ...signature(state),
    ...(state.failure !== null && {
      failure: create(FailureSchema, { ...state.failure, culprits: [...state.failure.culprits] }),
    }),
  })
}

/** Rounded up: a session is never shown as over before it is. */
export function expiresAtSeconds(state: SessionState): bigint {
  return BigInt(Math.ceil(state.expiresAtMs / 1000))
}

export function participantStatus(party: Participant): ParticipantStatus {
  return create(ParticipantStatusSchema, {
    partyId: party.partyId,
    status: party.status,
    partyIndex: party.index,
    deviceType: party.deviceType,
    deviceId: party.deviceId,
    ...(party.expectedIdentityKey.length > 0 && { identityKey: bytesToHex(party.expectedIdentityKey) }),
    ...(party.keys !== null && {
      keys: create(PartyKeysSchema, {
        identityKey: party.keys.identityKey,
        ephemeralKey: party.keys.ephemeralKey,
        nonce: party.keys.nonce,
        signature: party.keys.signature,
      }),
    }),
  })
}

function signature({ type, keyType, result }: SessionState): { signature?: string; recoveryId?: number } {
  if (type !== 'sign' || result === null) return {}
  const shown = { signature: bytesToHex(result.signature) }
  return keyType === 'ecdsa-secp256k1' ? { ...shown, recoveryId: result.recoveryId } : shown
}
