/** What can be asked of a session. Ids, times and hashes come in with the command: deciding is pure. */
import type { KeyType } from '../../crypto/key-type.ts'
import type { JoinedKeys } from '../../gen/mpc/events/v1/session_events_pb.ts'
import type { WitnessClaim } from '../../identity/witness.ts'
import type { Approval } from '../../policy/approval.ts'
import type { PolicyVerdict } from '../../policy/judge.ts'
import type { KeyPolicy } from '../../policy/key-policy.ts'

/** One party of the session to be created, with the hash of the token it will join with. */
export type Invited = Readonly<{
  partyId: string
  deviceType: string
  deviceId: string
  joinTokenHash: Uint8Array
  sealedJoinToken: Uint8Array
  expectedIdentityKey: Uint8Array
}>

/** The key that a sign session names, as its key generation session left it. */
export type KeyGroup = Readonly<{
  keyId: string
  keyType: KeyType
  /** In the form of its type: 33 bytes (compressed) or 32. */
  publicKey: Uint8Array
  thresholdT: number
  thresholdN: number
  policy: KeyPolicy | null
  members: readonly Readonly<{
    partyId: string
    deviceType: string
    deviceId: string
    /** What it joined key generation with; empty for a party without keys. */
    identityKey: Uint8Array
  }>[]
}>

export type CreateSession = Readonly<{
  type: 'create'
  nowMs: number
  sessionType: 'keygen' | 'sign'
  /** 0 where not given. */
  thresholdT: number
  thresholdN: number
  participants: readonly Invited[]
  /** Empty where not given. */
  keyType: string
  /** Hex as requested; empty where not given. */
  messageHash: string
  /** Empty where not given. */
  message: Uint8Array
  /** 0 where not given. */
  expiresInSeconds: number
  key: KeyGroup | null
  /** Of the key to make, as requested. */
  policy: KeyPolicy | null
  /** As requested. */
  approvals: readonly Approval[]
  /** What the policy of `key` says to all this; null where it has none. */
  verdict: PolicyVerdict | null
  /** SHA-256 of a request with an Idempotency-Key; else empty. */
  requestHash: Uint8Array
}>

export type JoinSession = Readonly<{
  type: 'join'
  nowMs: number
  partyId: string
  deviceType: string
  deviceId: string
  tokenHash: Uint8Array
  /** The signature has been verified. */
  keys: JoinedKeys | null
  credentialHash: Uint8Array
}>

export type MarkReady = Readonly<{ type: 'ready'; nowMs: number; partyId: string }>
export type StartSession = Readonly<{ type: 'start'; nowMs: number }>

export type ReportResult = Readonly<{
  type: 'complete'
  nowMs: number
  partyId: string
  /** 33 bytes (compressed) or 32, whatever the session's key type; null where not given. */
  publicKey: Uint8Array | null
  /** 64 bytes; null where not given. */
  signature: Uint8Array | null
  recoveryId: number
  /** Of a party with keys, verified; else empty. */
  resultSignature: Uint8Array
  /** What the party saw of the session, verified; null where it did not say. */
  witness: (WitnessClaim & Readonly<{ signature: Uint8Array }>) | null
}>

export type ReportFailure = Readonly<{
  type: 'fail'
  nowMs: number
  partyId: string
  /** Empty for the default. */
  reason: string
  culprits: readonly string[]
}>

export type CloseSession = Readonly<{ type: 'close'; nowMs: number }>

/** Whatever has become due by itself: expiry, and what a crash left unsaid. */
export type Settle = Readonly<{ type: 'settle'; nowMs: number }>

export type Command =
  | CreateSession
  | JoinSession
  | MarkReady
  | StartSession
  | ReportResult
  | ReportFailure
  | CloseSession
  | Settle
