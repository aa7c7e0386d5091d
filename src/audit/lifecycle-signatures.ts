/** What parties and keys have signed in a session's life: joins, reports, and the signature that came out. */
import { concatBytes, equalBytes } from '../crypto/bytes.ts'
import { recoverPublicKey, verifySignature } from '../crypto/ecdsa.ts'
import { isFrostPublicKey, verifyFrostSignature } from '../crypto/frost/suite.ts'
import type { PartyCompleted, PartyJoined, SessionEvent } from '../gen/mpc/events/v1/session_events_pb.ts'
import { verifyIdentity } from '../identity/identity-key.ts'
import { joinStatement, resultStatement } from '../identity/statement.ts'
import type { SessionFacts } from './session-facts.ts'

/** What is not signed as it should be, or null. `facts` are those of the session up to and with this event. */
export async function checkSignatures(facts: SessionFacts, { payload }: SessionEvent): Promise<string | null> {
  if (payload.case === 'partyJoined') return checkJoin(facts.sessionId, payload.value)
  if (payload.case === 'partyCompleted') return checkReport(facts, payload.value)
  return null
}

async function checkJoin(sessionId: string, { partyId, keys }: PartyJoined): Promise<string | null> {
  if (keys === undefined) return null
  const { identityKey, ephemeralKey, nonce, signature } = keys
  if (ephemeralKey.length !== 32 || nonce.length !== 32) return 'a key or nonce of the join has the wrong length'
  const signed = joinStatement({ sessionId, partyId, identityKey, ephemeralKey, nonce })
  return (await verifyIdentity(identityKey, signed, signature)) ? null : `the join is not signed by ${partyId}`
}

async function checkReport(facts: SessionFacts, report: PartyCompleted): Promise<string | null> {
  const { sessionId, keyType, rosterHash } = facts
  const { partyId, signature, recoveryId, resultSignature } = report
  const { keys = null } = facts.parties.find((party) => party.partyId === partyId) ?? {}
  if (keys !== null) {
    const ended = keyType === 'ecdsa-secp256k1' ? concatBytes(signature, Uint8Array.of(recoveryId)) : signature
    const result = facts.type === 'keygen' ? report.publicKey : ended
    const signed = resultStatement({ sessionId, partyId, rosterHash, keyType, result })
    const isSigned = await verifyIdentity(keys.identityKey, signed, resultSignature)
    if (!isSigned) return `the result is not signed by ${partyId}`
  }
  if (facts.type === 'keygen') return isPublicKey(facts, report.publicKey) ? null : 'it is no public key of its type'
  // A session of parties with a protocol of their own may name no key: there is nothing to verify against.
  if (facts.publicKey.length === 0) return null
  return isValid(facts, report) ? null : 'the signature does not verify under key and hash'
}

function isPublicKey({ keyType }: SessionFacts, publicKey: Uint8Array): boolean {
  if (keyType !== 'ecdsa-secp256k1') return isFrostPublicKey(keyType, publicKey)
  return publicKey.length === 33
}

function isValid({ keyType, publicKey, message }: SessionFacts, { signature, recoveryId }: PartyCompleted): boolean {
  if (keyType !== 'ecdsa-secp256k1') return verifyFrostSignature(keyType, signature, message, publicKey)
  const r = signature.subarray(0, 32)
  const s = signature.subarray(32)
  const recovered = recoverPublicKey({ r, s, recoveryId }, message)
  return verifySignature({ r, s }, message, publicKey) && recovered !== undefined && equalBytes(recovered, publicKey)
}
