/**
 * What a party needs from coordinator and router, and nothing else of them. Implementations retry what is safe to retry
 * and reconnect; they throw `Refusal` (src/edge/refusal.ts) for what was refused, and the signal's reason when aborted.
 * Nothing that comes from here is trusted.
 */

import type { WitnessClaim } from '../../identity/witness.ts'
import type { Approval } from '../../policy/approval.ts'
import type { KeyPolicy } from '../../policy/key-policy.ts'

/** What a party contributes when it joins. */
export type JoinKeys = Readonly<{
  /** Ed25519, 32 bytes. */
  identityKey: Uint8Array
  /** X25519, 32 bytes. */
  ephemeralKey: Uint8Array
  /** 32 bytes. */
  nonce: Uint8Array
  /** Ed25519 over the join statement, 64 bytes. */
  signature: Uint8Array
}>

export type JoinRequest = Readonly<{
  joinToken: string
  partyId: string
  deviceType: string
  deviceId: string
  keys: JoinKeys
}>

export type Joined = Readonly<{ sessionId: string; partyIndex: number; credential: string }>

/** In whose name the calls of one session are made. */
export type Member = Readonly<{ sessionId: string; partyId: string; credential: string }>

export const sessionStatuses = ['created', 'waiting', 'in_progress', 'completed', 'failed', 'expired'] as const
export type SessionStatus = (typeof sessionStatuses)[number]

export type Participant = Readonly<{
  partyId: string
  index: number
  status: string
  /** What it calls itself, or what the session's creator calls it; empty where nobody says. */
  deviceType: string
  deviceId: string
  /** The identity key that was fixed for it when the session was created; null where none was. */
  identityKey: Uint8Array | null
  keys: JoinKeys | null
}>

export type SessionSnapshot = Readonly<{
  sessionId: string
  sessionType: string
  keyType: string
  status: SessionStatus
  thresholdT: number
  thresholdN: number
  participants: readonly Participant[]
  expiresAtMs: number
  /** Hex as the coordinator shows it; null where the session has none. */
  messageHash: string | null
  message: Uint8Array | null
  /** Of the key to make or to sign with, as the coordinator shows it: unchecked, not canonical. */
  policy: KeyPolicy | null
  /** Of a sign session; unchecked. */
  approvals: readonly Approval[]
  keyId: string | null
  publicKey: string | null
  signature: string | null
  recoveryId: number | null
  rosterHash: Uint8Array | null
  failure: Readonly<{ reason: string; reportedBy: string; culprits: readonly string[] }> | null
  /** Events of the session so far, and the hash of the newest one. */
  version: number
  chainHead: Uint8Array
}>

export type OutgoingMessage = Readonly<{
  round: number
  /** Null for a broadcast. */
  to: string | null
  payload: Uint8Array
}>

export type IncomingMessage = Readonly<{ from: string; round: number; payload: Uint8Array }>

/** What this party saw of the session. */
export type SignedWitness = WitnessClaim & Readonly<{ signature: Uint8Array }>

type Vouched = Readonly<{ resultSignature: Uint8Array; witness: SignedWitness | null }>

export type Report =
  | (Vouched & Readonly<{ kind: 'key-made'; publicKey: Uint8Array }>)
  /** `signature` has 64 bytes; `recoveryId` is 0 where the key is not for ECDSA. */
  | (Vouched & Readonly<{ kind: 'signed'; signature: Uint8Array; recoveryId: number }>)
  | Readonly<{ kind: 'failed'; reason: string; culprits: readonly string[] }>

export interface PartyTransport {
  join(request: JoinRequest, signal: AbortSignal): Promise<Joined>
  ready(member: Member, signal: AbortSignal): Promise<Readonly<{ allReady: boolean }>>
  start(member: Member, signal: AbortSignal): Promise<void>
  /** The session as it is, then after each change; ends after a final status or when aborted. */
  watchSession(member: Member, signal: AbortSignal): AsyncIterable<SessionSnapshot>
  /** Resolves when the router has stored the message. */
  route(member: Member, message: OutgoingMessage, signal: AbortSignal): Promise<void>
  /** Everything for this party from the beginning, then live; ends with the session or when aborted. */
  subscribe(member: Member, signal: AbortSignal): AsyncIterable<IncomingMessage>
  report(member: Member, report: Report, signal: AbortSignal): Promise<Readonly<{ allCompleted: boolean }>>
}
