/** JoinSession: the join token lets a party in once, and its identity key is what it stays bound to. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { HandlerContext } from '@connectrpc/connect'
import { equalBytes } from '../crypto/bytes.ts'
import { Refusal } from '../edge/refusal.ts'
import { JoinedKeysSchema, type JoinedKeys } from '../gen/mpc/events/v1/session_events_pb.ts'
import type {
  JoinSessionRequest,
  JoinSessionResponseSchema,
} from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { verifyIdentity } from '../identity/identity-key.ts'
import { joinStatement } from '../identity/statement.ts'
import { hashSecret, partyCredential, sessionOfJoinToken } from './credentials.ts'
import { invalidToken } from './decide/join.ts'
import { participant } from './session-state.ts'
import type { Sessions } from './sessions.ts'
import { participantStatus } from './snapshot.ts'

export async function joinSession(
  sessions: Sessions,
  credentialKey: Uint8Array,
  request: JoinSessionRequest,
  context: HandlerContext,
): Promise<MessageInitShape<typeof JoinSessionResponseSchema>> {
  const sessionId = sessionOfJoinToken(request.joinToken)
  if (sessionId === null) throw invalidToken()
  const { partyId, deviceType, deviceId } = request
  const keys = await verifiedKeys(sessionId, request)
  const identityKey = keys?.identityKey ?? new Uint8Array(0)
  const credential = partyCredential(credentialKey, sessionId, partyId, identityKey)
  const credentialHash = hashSecret(credential)
  // The token itself is the authorisation; the decider checks it.
  const { state } = await sessions.change(context, sessionId, () => `party:${partyId}`, {
    type: 'join',
    nowMs: sessions.now(),
    partyId,
    deviceType,
    deviceId,
    tokenHash: hashSecret(request.joinToken),
    keys,
    credentialHash,
  })
  const party = participant(state, partyId)
  if (party === undefined || !equalBytes(party.credentialHash, credentialHash)) {
    throw new Refusal('conflict', 'the party joined under another credential key of the coordinator')
  }
  const participants = state.participants.map(participantStatus)
  return { sessionId, partyIndex: party.index, status: party.status, participants, partyCredential: credential }
}

/** The keys of the request, if the party has signed for them; null where it brings none. */
async function verifiedKeys(sessionId: string, { partyId, keys }: JoinSessionRequest): Promise<JoinedKeys | null> {
  if (keys === undefined) return null
  const { identityKey, ephemeralKey, nonce, signature } = keys
  const signed = joinStatement({ sessionId, partyId, identityKey, ephemeralKey, nonce })
  if (!(await verifyIdentity(identityKey, signed, signature))) {
    const what = 'is not a signature of identity_key over this join'
    throw new Refusal('invalid_request', `keys.signature ${what}`, { 'keys.signature': what })
  }
  return create(JoinedKeysSchema, { identityKey, ephemeralKey, nonce, signature })
}
