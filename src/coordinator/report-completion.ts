/** ReportCompletion: a party's result, signed by its identity where it has one, or why it gave up. */
import type { HandlerContext } from '@connectrpc/connect'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { Refusal } from '../edge/refusal.ts'
import type { AggregateStore, Decision, Loaded } from '../events/aggregate-store.ts'
import type { ReportCompletionRequest } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { verifyIdentity } from '../identity/identity-key.ts'
import { resultStatement } from '../identity/statement.ts'
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
  }
  const isSigned = await refusingOutages(() => hasValidSignature(store, sessionId, command))
  // Nothing of a party with keys counts unless it has signed for it, not even a result that fails the session.
  const requireSignature = (state: SessionState, { events }: Decision): Refusal | null => {
    const party = participant(state, partyId)
    const reported = events.some(({ payload }) => payload.case === 'partyCompleted' || payload.case === 'sessionFailed')
    if (!reported || isSigned || party === undefined || party.keys === null) return null
    const what = 'is not a signature of the identity key over session, roster and result'
    return new Refusal('invalid_request', `result_signature ${what}`, { result_signature: what })
  }
  return sessions.change(context, sessionId, authorize, command, requireSignature)
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
  const known = store.known(sessionId)
  const { state } = known?.state.status === 'in_progress' ? known : await store.load(sessionId)
  const keys = participant(state, command.partyId)?.keys ?? null
  if (keys === null || state.status !== 'in_progress') return false
  const result = resultBytes(state, reportedResult(state, command))
  const { partyId, resultSignature } = command
  const { rosterHash, keyType } = state
  const signed = resultStatement({ sessionId, partyId, rosterHash, keyType, result })
  return verifyIdentity(keys.identityKey, signed, resultSignature)
}

/** As signed: the key, or the signature, with ECDSA followed by the recovery id as one byte. */
function resultBytes({ keyType }: SessionState, { publicKey, signature, recoveryId }: Result): Uint8Array {
  if (publicKey.length > 0) return publicKey
  return keyType === 'ecdsa-secp256k1' ? concatBytes(signature, Uint8Array.of(recoveryId)) : signature
}
