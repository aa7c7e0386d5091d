/** What a run is asked to do, what is known while it goes on, and how it can end. */
import type { FrostKeyType, KeyType } from '../../crypto/key-type.ts'
import type { FailureReason } from '../failure.ts'
import type { PartyParts } from '../party-parts.ts'
import type { OnProgress, ProgressStep } from '../progress.ts'
import type { Member } from '../transport/party-transport.ts'
import type { Approve } from './terms.ts'

/** Whom a party is about to compute with. `deviceType` and `deviceId` are what the coordinator says. */
export type PeerIdentity = Readonly<{
  partyId: string
  deviceType: string
  deviceId: string
  /** Ed25519, 32 bytes. */
  identityKey: Uint8Array
  /** The short form of it that people compare. */
  fingerprint: string
}>

export type JoinOrder = Readonly<{
  joinToken: string
  partyId: string
  /** Asked once, when the terms are known and before this party says that it is ready. */
  approve: Approve
  /**
   * Asked once, when all have joined and before this party says that it is ready: are these the others? False declines.
   * The identities shown are the only ones that the session may start with.
   */
  confirm?: (others: readonly PeerIdentity[], signal: AbortSignal) => boolean | Promise<boolean>
  onProgress?: OnProgress
  signal?: AbortSignal
}>

export type SessionResult =
  /** `publicKey` in the form of its type: 33 bytes (compressed) for ECDSA, else 32. */
  | Readonly<{ kind: 'key-made'; keyId: string; keyType: KeyType; publicKey: Uint8Array }>
  | Readonly<{
      kind: 'signed'
      keyType: 'ecdsa-secp256k1'
      keyId: string
      publicKey: Uint8Array
      messageHash: Uint8Array
      /** 32 bytes each; s is low. */
      r: Uint8Array
      s: Uint8Array
      recoveryId: number
    }>
  /** Ed25519 and BIP-340 alike are Schnorr signatures. */
  | Readonly<{
      kind: 'schnorr-signed'
      keyType: FrostKeyType
      keyId: string
      publicKey: Uint8Array
      /** Ed25519: the message; BIP-340: the hash. */
      message: Uint8Array
      /** 64 bytes: R‖s of RFC 8032, or x(R)‖s of BIP-340. */
      signature: Uint8Array
    }>

export type SessionOutcome =
  | SessionResult
  | Readonly<{ kind: 'failed'; reason: FailureReason; culprits: readonly string[]; detail: string }>

/** What is known of a run at any time; grows as the run goes on. */
export type Run = {
  readonly parts: PartyParts
  readonly order: JoinOrder
  readonly sessionId: string
  readonly signal: AbortSignal
  /** Ends the run with this reason, unless it has ended. */
  readonly fail: (reason: unknown) => void
  readonly emit: (step: ProgressStep) => void
  /** Null until joined. */
  member: Member | null
  /** Null unless a stored key is used. */
  keyId: string | null
}
