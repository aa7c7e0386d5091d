/**
 * What a session is about, as the coordinator puts it, and whether this party agrees. The coordinator is not trusted:
 * what is agreed to here enters the protocol's session id, so parties that were told different things cannot finish.
 */
import { hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes } from '../../crypto/bytes.ts'
import { defaultKeyType, isKeyType, maxMessageLength, type KeyType } from '../../crypto/key-type.ts'
import { publicKeyHex } from '../../crypto/public-key.ts'
import { maxParties } from '../../crypto/session-id.ts'
import type { Approval } from '../../policy/approval.ts'
import { canonicalPolicy, policyFaults, samePolicy, type KeyPolicy } from '../../policy/key-policy.ts'
import { SessionFailure } from '../failure.ts'
import type { KeyGuard } from '../store/key-guard.ts'
import type { ShareStore, StoredKey } from '../store/share-store.ts'
import type { SessionSnapshot } from '../transport/party-transport.ts'

type CommonTerms = Readonly<{
  sessionId: string
  /** Of the key to make or to sign with. */
  keyType: KeyType
  thresholdT: number
  thresholdN: number
  /** Everyone taking part, in the session's order. */
  partyIds: readonly string[]
  /** Of the key to make or to sign with; null where it has none. */
  policy: KeyPolicy | null
}>

export type KeygenTerms = CommonTerms & Readonly<{ kind: 'keygen' }>
export type SignTerms = CommonTerms &
  Readonly<{
    kind: 'sign'
    keyId: string
    /** As hex. When this party is asked for its agreement: of the stored key. */
    publicKey: string
    /** What is signed: with an Ed25519 key the message itself, else a hash of 32 bytes. */
    message: Uint8Array
    /** When this party is asked for its agreement they are good ones, and as many as the policy asks for. */
    approvals: readonly Approval[]
  }>
export type Terms = KeygenTerms | SignTerms

type DeclineReason = 'declined' | 'terms_unexpected' | 'message_hash_mismatch' | 'message_mismatch'

/** What this party says to the terms; comes from its owner or its policy. */
export type Decision =
  /** `identities`: the keys that peers must have, by party id. A party that is not in it may have any. */
  | Readonly<{ kind: 'approve'; identities?: ReadonlyMap<string, Uint8Array> }>
  | Readonly<{ kind: 'decline'; reason: DeclineReason; detail: string }>

export type Approve = (terms: Terms, signal: AbortSignal) => Promise<Decision>

/** Ids are shown to people, stored, and hashed into the session id. */
const idForm = /^[A-Za-z0-9_-]{1,64}$/

/** @throws SessionFailure when these are no terms that this runtime has a protocol for. */
export function termsOf(snapshot: SessionSnapshot, partyId: string): Terms {
  const { sessionId, thresholdT, thresholdN, participants } = snapshot
  const partyIds = participants.map((participant) => participant.partyId)
  const numbered = participants.every(({ index }, position) => index === position)
  require(numbered && new Set(partyIds).size === partyIds.length, 'the participants are not numbered in order')
  require(partyIds.every((id) => idForm.test(id)), 'a party id is none')
  require(partyIds.includes(partyId), 'this party is not a participant')
  require(thresholdN >= 2 && thresholdN <= maxParties, 'threshold_n is out of bounds')
  require(thresholdT >= 2 && thresholdT <= thresholdN, 'threshold_t is out of bounds')
  const keyType = snapshot.keyType === '' ? defaultKeyType : snapshot.keyType
  if (!isKeyType(keyType)) throw new SessionFailure('terms_unexpected', 'the key type is unknown')
  const policy = snapshot.policy === null ? null : canonicalPolicy(snapshot.policy)
  const common = { sessionId, keyType, thresholdT, thresholdN, partyIds, policy }
  if (snapshot.sessionType === 'keygen') {
    require(partyIds.length === thresholdN, 'key generation needs exactly threshold_n participants')
    const [fault] = policy === null ? [] : policyFaults(policy, { partyIds, thresholdT })
    require(fault === undefined, `policy.${fault?.field}: ${fault?.problem}`)
    return { kind: 'keygen', ...common }
  }
  require(snapshot.sessionType === 'sign', 'the session type is unknown')
  if (snapshot.keyId === null || snapshot.keyId === '')
    throw new SessionFailure('key_unknown', 'the session names no key')
  const { keyId, approvals } = snapshot
  const publicKey = snapshot.publicKey ?? ''
  return { kind: 'sign', ...common, keyId, publicKey, message: messageOf(snapshot, keyType), approvals }
}

function messageOf({ message, messageHash }: SessionSnapshot, keyType: KeyType): Uint8Array {
  if (keyType === 'eddsa-ed25519') {
    const length = message?.length ?? 0
    require(length >= 1 && length <= maxMessageLength, `the message is not 1 to ${maxMessageLength} bytes long`)
    return message ?? new Uint8Array(0)
  }
  require(/^[0-9a-fA-F]{64}$/.test(messageHash ?? ''), 'the message hash is not 64 hex digits')
  return hexToBytes(messageHash ?? '')
}

/** @throws SessionFailure when the session is not what it was when this party agreed to it. */
export function requireUnchanged(agreed: Terms, now: Terms): void {
  const same =
    agreed.kind === now.kind &&
    agreed.sessionId === now.sessionId &&
    agreed.keyType === now.keyType &&
    agreed.thresholdT === now.thresholdT &&
    agreed.thresholdN === now.thresholdN &&
    agreed.partyIds.length === now.partyIds.length &&
    agreed.partyIds.every((partyId, position) => partyId === now.partyIds[position]) &&
    samePolicy(agreed.policy, now.policy) &&
    (agreed.kind !== 'sign' ||
      (now.kind === 'sign' &&
        agreed.keyId === now.keyId &&
        equalBytes(agreed.message, now.message) &&
        sameApprovals(agreed.approvals, now.approvals)))
  if (!same) throw new SessionFailure('terms_changed', 'the session was changed after this party had agreed to it')
}

function sameApprovals(a: readonly Approval[], b: readonly Approval[]): boolean {
  const spelled = (approvals: readonly Approval[]) =>
    JSON.stringify(approvals.map((one) => [one.approver, one.nonce, one.expiresAt, one.signature]))
  return spelled(a) === spelled(b)
}

/** The stored key that these terms may use. @throws SessionFailure naming what stands against it. */
export async function requireSignable(
  terms: SignTerms,
  own: Readonly<{ partyId: string; identityKey: Uint8Array }>,
  shownPublicKey: string | null,
  shares: ShareStore,
  guard: KeyGuard,
): Promise<StoredKey> {
  const { keyId, partyIds } = terms
  const stored = await shares.get(keyId)
  if (stored === null) throw new SessionFailure('key_unknown', 'this party has no share of the key')
  stored.share.fill(0)
  const { key } = stored
  const numberOf = (partyId: string) => key.members.findIndex((member) => member.partyId === partyId)
  const strangers = partyIds.filter((partyId) => numberOf(partyId) < 0)
  if (strangers.length > 0 || key.partyId !== own.partyId) {
    const who = strangers.length > 0 ? strangers : [own.partyId]
    throw new SessionFailure('not_a_member', `not in the group of this key: ${who.join(', ')}`)
  }
  if (partyIds.length < key.thresholdT) {
    throw new SessionFailure('threshold_not_met', `${partyIds.length} signers, ${key.thresholdT} are required`)
  }
  const self = key.members[key.partyIndex]
  if (self === undefined || !equalBytes(self.identityKey, own.identityKey)) {
    throw new SessionFailure('key_mismatch', 'the key was made under another identity of this party')
  }
  const sameKey =
    terms.keyType === key.keyType && (shownPublicKey === null || shownPublicKey === publicKeyHex(key.publicKey))
  if (!sameKey || terms.thresholdT !== key.thresholdT || terms.thresholdN !== key.thresholdN) {
    throw new SessionFailure('key_mismatch', 'type, public key or thresholds differ from those of the stored share')
  }
  if (!samePolicy(terms.policy, key.policy)) {
    throw new SessionFailure('key_mismatch', 'the session shows another policy than the one stored with the key')
  }
  if (guard.isFrozen(keyId) || key.frozen !== undefined)
    throw new SessionFailure('key_frozen', 'too many signing sessions with this key went wrong')
  const banned = partyIds.filter(
    (partyId) => guard.isBanned(keyId, partyId) || key.erasedPeers.includes(numberOf(partyId)),
  )
  if (banned.length > 0) throw new SessionFailure('peer_banned', `banned for this key: ${banned.join(', ')}`)
  return key
}

function require(condition: boolean, problem: string): void {
  if (!condition) throw new SessionFailure('terms_unexpected', problem)
}
