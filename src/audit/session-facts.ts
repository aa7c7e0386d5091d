/** What the lifecycle events of a session say, as far as they could be followed. */
import { equalBytes } from '../crypto/bytes.ts'
import type { FrostPublicKey } from '../crypto/frost/key-share.ts'
import type { KeyType } from '../crypto/key-type.ts'
import { rosterHash, type RosterEntry } from '../crypto/session-id.ts'
import type { JoinedKeys } from '../gen/mpc/events/v1/session_events_pb.ts'
import type { Approval } from '../policy/approval.ts'
import type { KeyPolicy } from '../policy/key-policy.ts'

export type SessionStatus = 'none' | 'created' | 'waiting' | 'in_progress' | 'completed' | 'failed' | 'expired'

export type Result = Readonly<{ publicKey: Uint8Array; signature: Uint8Array; recoveryId: number }>

export type PartyFacts = {
  readonly partyId: string
  /** Empty unless fixed beforehand. */
  readonly expectedIdentityKey: Uint8Array
  joined: boolean
  ready: boolean
  /** Null for a party that brings its own protocol. */
  keys: JoinedKeys | null
  result: Result | null
}

/** Filled in event by event (lifecycle-rules.ts). */
export type SessionFacts = {
  readonly sessionId: string
  /** False from an event on that a later release has written: what the log says after it may be misread. */
  isFollowed: boolean
  status: SessionStatus
  type: 'keygen' | 'sign'
  keyType: KeyType
  thresholdT: number
  thresholdN: number
  createdMs: number
  expiresAtMs: number
  keyId: string
  /** Sign: the key it names; keygen: empty. */
  publicKey: Uint8Array
  /** Sign: the hash, or with Ed25519 the message. */
  message: Uint8Array
  /** Of the key to make or to sign with, as this session states it. */
  policy: KeyPolicy | null
  /** Sign only. */
  approvals: readonly Approval[]
  parties: PartyFacts[]
  started: boolean
  /** What the log says; empty where a party brought no keys. */
  rosterHash: Uint8Array
  result: Result | null
}

/** What is known of a key from the session that made it. */
export type KeyFacts = Readonly<{
  keyId: string
  keyType: KeyType
  publicKey: Uint8Array
  thresholdT: number
  thresholdN: number
  policy: KeyPolicy | null
  /** By number in the key. */
  members: readonly Readonly<{ partyId: string; identityKey: Uint8Array }>[]
  /** Of a FROST key whose key generation could be followed. */
  frost: FrostPublicKey | null
}>

const nothing = new Uint8Array(0)

export function noFacts(sessionId: string): SessionFacts {
  return {
    sessionId,
    isFollowed: true,
    status: 'none',
    type: 'keygen',
    keyType: 'ecdsa-secp256k1',
    thresholdT: 0,
    thresholdN: 0,
    createdMs: 0,
    expiresAtMs: 0,
    keyId: '',
    publicKey: nothing,
    message: nothing,
    policy: null,
    approvals: [],
    parties: [],
    started: false,
    rosterHash: nothing,
    result: null,
  }
}

export function isOver({ status }: SessionFacts): boolean {
  return status === 'completed' || status === 'failed' || status === 'expired'
}

/** In the session's order; null where a party has not joined or brought no keys. */
export function rosterOf({ parties }: SessionFacts): readonly RosterEntry[] | null {
  const entries: RosterEntry[] = []
  for (const [index, { partyId, keys }] of parties.entries()) {
    if (keys === null) return null
    const { identityKey, ephemeralKey, nonce } = keys
    entries.push({ index, partyId, identityKey, ephemeralKey, nonce })
  }
  return entries
}

/**
 * The hash that `SessionStarted` should state; empty where a party brought no keys. @throws RangeError: bad lengths.
 */
export function expectedRosterHash(facts: SessionFacts): Uint8Array {
  const roster = rosterOf(facts)
  return roster === null ? nothing : rosterHash(roster)
}

export function sameResult(a: Result, b: Result): boolean {
  return (
    equalBytes(a.publicKey, b.publicKey) && equalBytes(a.signature, b.signature) && a.recoveryId === b.recoveryId
  )
}

/** The key that this session made; null unless it did. */
export function keyMadeBy(facts: SessionFacts, frost: FrostPublicKey | null): KeyFacts | null {
  const { sessionId, type, status, keyType, thresholdT, thresholdN, policy, parties, result } = facts
  if (type !== 'keygen' || status !== 'completed' || result === null) return null
  const members = parties.map(({ partyId, keys }) => ({ partyId, identityKey: keys?.identityKey ?? nothing }))
  return { keyId: sessionId, keyType, publicKey: result.publicKey, thresholdT, thresholdN, policy, members, frost }
}
