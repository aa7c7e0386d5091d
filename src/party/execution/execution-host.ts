/**
 * Where the cryptography runs. A round costs tens to hundreds of milliseconds of CPU; a host keeps that off the thread
 * that talks to the network, and keeps the secrets of a run where it runs.
 */
import type { EcdsaSignature } from '../../crypto/ecdsa.ts'
import type { FrostSignature } from '../../crypto/frost/sign.ts'
import type { FrostKeyType } from '../../crypto/key-type.ts'
import type { Inbound, Step } from '../../crypto/protocol.ts'

export type KeygenTask = Readonly<{
  protocol: 'dkls23-keygen'
  /** 32 bytes. */
  sid: Uint8Array
  /** Own position in the roster. */
  self: number
  threshold: number
  parties: number
}>

export type SignTask = Readonly<{
  protocol: 'dkls23-sign'
  sid: Uint8Array
  self: number
  /** For every position of the roster: that party's number in the key. */
  signers: readonly number[]
  /** 32 bytes. */
  messageHash: Uint8Array
  /** From `encodeKeyShare`; the host may wipe it. */
  share: Uint8Array
}>

export type FrostKeygenTask = Omit<KeygenTask, 'protocol'> &
  Readonly<{ protocol: 'frost-keygen'; keyType: FrostKeyType }>

export type FrostSignTask = Omit<SignTask, 'protocol' | 'messageHash' | 'share'> &
  Readonly<{
    protocol: 'frost-sign'
    /** Ed25519: the message; BIP-340: a hash of 32 bytes. */
    message: Uint8Array
    /** From `encodeFrostKeyShare`; the host may wipe it. */
    share: Uint8Array
  }>

export type ProtocolTask = KeygenTask | SignTask | FrostKeygenTask | FrostSignTask

export type ProtocolOutput =
  /** `share` from `encodeKeyShare`, secret; `publicKey` compressed, 33 bytes. */
  | Readonly<{ protocol: 'dkls23-keygen'; share: Uint8Array; publicKey: Uint8Array }>
  | (Readonly<{ protocol: 'dkls23-sign' }> & EcdsaSignature)
  /** `share` from `encodeFrostKeyShare`, secret; `publicKey` 32 bytes. */
  | Readonly<{ protocol: 'frost-keygen'; share: Uint8Array; publicKey: Uint8Array }>
  | (Readonly<{ protocol: 'frost-sign' }> & FrostSignature)

/** One party's run of one protocol; see `Execution`. A rejection means that the host failed, never that a peer did. */
export interface HostedRun {
  start(): Promise<Step<ProtocolOutput>>
  receive(round: number, inbound: readonly Inbound[]): Promise<Step<ProtocolOutput>>
  /** Frees the run and its secrets; may be called at any time. */
  close(): void
}

export interface ExecutionHost {
  /** Rejects with HostUnavailable when it has no room or is closed. */
  open(task: ProtocolTask): Promise<HostedRun>
  /** Ends all runs. */
  close(): Promise<void>
}

export class HostUnavailable extends Error {
  override readonly name = 'HostUnavailable'
}
