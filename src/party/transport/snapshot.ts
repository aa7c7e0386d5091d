/** A session as the coordinator sends it, in the runtime's own terms. */
import { hexToBytes } from '@noble/hashes/utils.js'
import type { GetSessionStatusResponse, PartyKeys } from '../../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { Refusal } from '../../edge/refusal.ts'
import { readApproval, readPolicy } from '../../policy/wire.ts'
import { sessionStatuses, type JoinKeys, type SessionSnapshot, type SessionStatus } from './party-transport.ts'

/** @throws Refusal 'internal_error' where the status is none that we know. */
export function snapshotOf(session: GetSessionStatusResponse): SessionSnapshot {
  const { failure } = session
  return {
    sessionId: session.sessionId,
    sessionType: session.sessionType,
    keyType: session.keyType,
    status: statusOf(session.status),
    thresholdT: session.thresholdT,
    thresholdN: session.thresholdN,
    participants: session.participants.map((participant) => ({
      partyId: participant.partyId,
      index: participant.partyIndex,
      status: participant.status,
      deviceType: participant.deviceType,
      deviceId: participant.deviceId,
      identityKey: pinOf(participant.identityKey),
      keys: participant.keys === undefined ? null : keysOf(participant.keys),
    })),
    expiresAtMs: Number(session.expiresAt) * 1_000,
    messageHash: session.messageHash ?? null,
    message: session.message ?? null,
    policy: session.policy === undefined ? null : readPolicy(session.policy),
    approvals: session.approvals.map(readApproval),
    keyId: session.keyId ?? null,
    publicKey: session.publicKey ?? null,
    signature: session.signature ?? null,
    recoveryId: session.recoveryId ?? null,
    rosterHash: session.rosterHash ?? null,
    failure:
      failure === undefined
        ? null
        : { reason: failure.reason, reportedBy: failure.reportedBy, culprits: failure.culprits },
    version: Number(session.version),
    chainHead: session.chainHead,
  }
}

export function isFinalStatus(status: SessionStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'expired'
}

/** @throws Refusal 'internal_error' where the status is none that we know. */
export function statusOf(status: string): SessionStatus {
  const known = sessionStatuses.find((candidate) => candidate === status)
  if (known === undefined)
    throw new Refusal('internal_error', 'the coordinator answered with an unknown session status')
  return known
}

/** A pin that cannot be read is one that no identity meets: it is not left out. */
function pinOf(hex: string | undefined): Uint8Array | null {
  if (hex === undefined) return null
  return /^[0-9a-f]{64}$/i.test(hex) ? hexToBytes(hex.toLowerCase()) : new Uint8Array(0)
}

function keysOf({ identityKey, ephemeralKey, nonce, signature }: PartyKeys): JoinKeys {
  return { identityKey, ephemeralKey, nonce, signature }
}
