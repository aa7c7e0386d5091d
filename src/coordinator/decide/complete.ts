/**
 * A party's report: its result, or that it gave up. The session completes only when all results agree; a signature is
 * verified against key and hash before it counts.
 */
import { create } from '@bufbuild/protobuf'
import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../../crypto/bytes.ts'
import { recoverPublicKey, verifySignature } from '../../crypto/ecdsa.ts'
import { isFrostPublicKey, verifyFrostSignature } from '../../crypto/frost/suite.ts'
import { invalidField, Refusal } from '../../edge/refusal.ts'
import type { SessionPayload } from '../../events/session-event.ts'
import {
  PartyCompletedSchema,
  SessionFailedSchema,
  WitnessSchema,
  type Witness,
} from '../../gen/mpc/events/v1/session_events_pb.ts'
import { evolve, isFinal, type Result, type SessionState } from '../session-state.ts'
import type { ReportFailure, ReportResult } from './command.ts'
import { requireJoined, requireNotFailed, requireUnexpired } from './require.ts'
import { outcomeOf, sameResult } from './settle.ts'

export function reportResult(state: SessionState, command: ReportResult): readonly SessionPayload[] {
  requireUnexpired(state)
  const party = requireJoined(state, command.partyId)
  const result = reportedResult(state, command)
  if (party.result !== null) {
    if (sameResult(party.result, result)) return []
    throw new Refusal('conflict', 'the party has already reported another result', { party_id: 'completed' })
  }
  requireNotFailed(state)
  if (state.status !== 'in_progress') {
    throw new Refusal('conflict', 'the session has not started yet', { status: state.status })
  }
  if (!isVerified(state, result)) {
    const { partyId } = command
    const blame = { reason: 'signature_invalid', reportedBy: partyId, culprits: [partyId] }
    return [{ case: 'sessionFailed', value: create(SessionFailedSchema, blame) }]
  }
  const { partyId, resultSignature } = command
  const value = create(PartyCompletedSchema, { partyId, ...result, resultSignature, ...witnessOf(command) })
  const completed: SessionPayload = { case: 'partyCompleted', value }
  return [completed, ...outcomeOf(evolve(state, completed))]
}

function witnessOf({ witness }: ReportResult): { witness?: Witness } {
  if (witness === null) return {}
  return { witness: create(WitnessSchema, { ...witness, version: BigInt(witness.version) }) }
}

export function reportFailure(state: SessionState, command: ReportFailure): readonly SessionPayload[] {
  requireUnexpired(state)
  const party = requireJoined(state, command.partyId)
  for (const [index, culprit] of command.culprits.entries()) {
    if (state.participants.some((candidate) => candidate.partyId === culprit)) continue
    const details = { [`failure.culprits[${index}]`]: 'not a participant' }
    throw new Refusal('invalid_request', 'a culprit is not a participant', details)
  }
  if (state.status === 'failed') return []
  if (isFinal(state.status)) throw new Refusal('conflict', 'the session is completed', { status: state.status })
  const value = create(SessionFailedSchema, {
    reason: command.reason || 'party_failed',
    reportedBy: party.partyId,
    culprits: [...command.culprits],
  })
  return [{ case: 'sessionFailed', value }]
}

/** The result that a party's report states, in the form in which results are signed, compared and stored. */
export function reportedResult(
  state: SessionState,
  report: Pick<ReportResult, 'publicKey' | 'signature' | 'recoveryId'>,
): Result {
  if (state.type === 'keygen') {
    if (report.publicKey === null) throw invalidField('public_key', 'required in a keygen session')
    if (!isOfType(state, report.publicKey)) {
      throw invalidField('public_key', `is not a public key of the session's type, ${state.keyType}`)
    }
    return { publicKey: report.publicKey, signature: new Uint8Array(0), recoveryId: 0 }
  }
  if (report.signature === null) throw invalidField('signature', 'required in a sign session')
  if (state.keyType !== 'ecdsa-secp256k1' && report.recoveryId !== 0) {
    throw invalidField('recovery_id', `${state.keyType} has none`)
  }
  return { publicKey: new Uint8Array(0), signature: report.signature, recoveryId: report.recoveryId }
}

/** A 33-byte key has been decoded already. */
function isOfType({ keyType }: SessionState, publicKey: Uint8Array): boolean {
  return keyType === 'ecdsa-secp256k1' ? publicKey.length === 33 : isFrostPublicKey(keyType, publicKey)
}

/**
 * True for a keygen result and where the session names no key: there is nothing to verify against. A result equal to
 * one that counted already was verified then.
 */
function isVerified(state: SessionState, result: Result): boolean {
  if (state.type === 'keygen' || state.publicKey.length === 0) return true
  if (state.participants.some((party) => party.result !== null && sameResult(party.result, result))) return true
  const { keyType, publicKey } = state
  if (keyType !== 'ecdsa-secp256k1') {
    const signed = keyType === 'eddsa-ed25519' ? state.message : state.messageHash
    return verifyFrostSignature(keyType, result.signature, signed, publicKey)
  }
  const r = result.signature.subarray(0, 32)
  const s = result.signature.subarray(32)
  const recovered = recoverPublicKey({ r, s, recoveryId: result.recoveryId }, state.messageHash)
  // Recovery alone accepts high s, and a wrong recovery id is the reporter's slip rather than a false signature.
  if (recovered !== undefined && equalBytes(recovered, state.publicKey)) {
    if (bytesToHex(s) <= halfOrder) return true
    throw invalidField('signature', 's must be at most half the group order')
  }
  if (!verifySignature({ r, s }, state.messageHash, state.publicKey)) return false
  throw invalidField('recovery_id', 'does not lead to the public key')
}

/** (q-1)/2 of secp256k1, in hex: equally long, so that text order is number order. */
const halfOrder = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'
