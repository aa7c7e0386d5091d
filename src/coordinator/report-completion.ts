/** ReportCompletion: a party's result, signed by its identity where it has one, or why it gave up. */
import type { HandlerContext } from '@connectrpc/connect'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { invalidField, Refusal } from '../edge/refusal.ts'
import { hadHead, type AggregateStore, type Decision, type Loaded } from '../events/aggregate-store.ts'
import type { ReportCompletionRequest } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { verifyIdentity } from '../identity/identity-key.ts'
import { resultStatement } from '../identity/statement.ts'
import { witnessStatement } from '../identity/witness.ts'
import { authorizeParty } from './authorize.ts'
import type { ReportResult } from './decide/command.ts'
import { reportedResult } from './decide/complete.ts'
import { parsePublicKey } from './public-key.ts'
import { participant, type Result, type SessionState } from './session-state.ts'
import { refusingOutages, type Authorize, type Sessions } from './sessions.ts'

export async function reportCompletion(
  sessions: Sessions,
  store: AggregateStore<SessionState>,
  request: ReportCompletionRequest,
  context: HandlerContext,
): Promise<Loaded<SessionState>> {
  const { sessionId, partyId, failure } = request
  const authorize: Authorize = (caller, state) => authorizeParty(caller, state, partyId)
  if (failure !== undefined) {
    const { reason, culprits } = failure
    return sessions.change(context, sessionId, authorize, {
      type: 'fail',
      nowMs: sessions.now(),
      partyId,
      reason,
      culprits: [...new Set(culprits)],
    })
  }
  const command: ReportResult = {
    type: 'complete',
    nowMs: sessions.now(),
    partyId,
    publicKey: request.publicKey === '' ? null : parsePublicKey(request.publicKey, 'public_key'),
    signature: request.signature === '' ? null : hexToBytes(request.signature.toLowerCase()),
    recoveryId: request.recoveryId,
    resultSignature: request.resultSignature,
    witness: witnessOf(request),
  }
  const isSigned = await refusingOutages(() => hasValidSignature(store, sessionId, command))
  const isWitnessed = await refusingOutages(() => hasValidWitness(store, sessionId, command))
  // Nothing of a party with keys counts unless it has signed for it, not even a result that fails the session.
  const requireVouched = (loaded: Loaded<SessionState>, { events }: Decision): Refusal | null => {
    const party = participant(loaded.state, partyId)
    const reported = events.some(({ payload }) => payload.case === 'partyCompleted' || payload.case === 'sessionFailed')
    if (!reported) return null
    if (!isSigned && party !== undefined && party.keys !== null) {
      const what = 'is not a signature of the identity key over session, roster and result'
      return new Refusal('invalid_request', `result_signature ${what}`, { result_signature: what })
    }
    return wrongWitness(loaded, command, isWitnessed)
  }
  return sessions.change(context, sessionId, authorize, command, requireVouched)
}

function witnessOf({ witness }: ReportCompletionRequest): ReportResult['witness'] {
  if (witness === undefined) return null
  const { chainHead, messageCount, messagesHash, signature } = witness
  return { version: Number(witness.version), chainHead, messageCount, messagesHash, signature }
}

/** A party may not be made to vouch for another history than the log has. Which messages it saw, an audit compares. */
function wrongWitness(loaded: Loaded<SessionState>, { witness }: ReportResult, isSigned: boolean): Refusal | null {
  if (witness === null) return null
  if (!isSigned) return invalidField('witness.signature', 'is not one of the identity key that the party joined with')
  if (hadHead(loaded, { version: witness.version, hash: witness.chainHead })) return null
  return invalidField('witness.chain_head', `is not that of event ${witness.version} of the session`)
}

async function hasValidWitness(
  store: AggregateStore<SessionState>,
  sessionId: string,
  { partyId, witness }: ReportResult,
): Promise<boolean> {
  if (witness === null) return false
  const keys = participant(await started(store, sessionId), partyId)?.keys ?? null
  if (keys === null) return false
  return verifyIdentity(keys.identityKey, witnessStatement(sessionId, partyId, witness), witness.signature)
}

/**
 * Identity and roster of a started session never change, so a verdict on what is loaded here holds for the state that
 * the command is decided on.
 */
async function hasValidSignature(
  store: AggregateStore<SessionState>,
  sessionId: string,
  command: ReportResult,
): Promise<boolean> {
  const state = await started(store, sessionId)
  const keys = participant(state, command.partyId)?.keys ?? null
  if (keys === null || state.status !== 'in_progress') return false
  const reported = fittingResult(state, command)
  if (reported === null) return false
  const result = resultBytes(state, reported)
  const { partyId, resultSignature } = command
  const { rosterHash, keyType } = state
  const signed = resultStatement({ sessionId, partyId, rosterHash, keyType, result })
  return verifyIdentity(keys.identityKey, signed, resultSignature)
}

/** Null for what is no result of the session. Who calls is not known yet: only the decider may say what is wrong. */
function fittingResult(state: SessionState, command: ReportResult): Result | null {
  try {
    return reportedResult(state, command)
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}

async function started(store: AggregateStore<SessionState>, sessionId: string): Promise<SessionState> {
  const known = store.known(sessionId)
  const { state } = known?.state.status === 'in_progress' ? known : await store.load(sessionId)
  return state
}

/** As signed: the key, or the signature, with ECDSA followed by the recovery id as one byte. */
function resultBytes({ keyType }: SessionState, { publicKey, signature, recoveryId }: Result): Uint8Array {
  if (publicKey.length > 0) return publicKey
  return keyType === 'ecdsa-secp256k1' ? concatBytes(signature, Uint8Array.of(recoveryId)) : signature
}
