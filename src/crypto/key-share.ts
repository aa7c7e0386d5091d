/** What one party keeps of a key. Everything in it except the public parts is secret; it never leaves the party. */
import { wipe } from './bytes.ts'
import type { Point } from './curve/secp256k1.ts'
import type { Scalar } from './curve/scalar.ts'
import type { OtReceiverState, OtSenderState } from './ot/extension.ts'

/** Base OTs with one peer, for both directions of multiplication. */
export type OtState = Readonly<{ asSender: OtSenderState; asReceiver: OtReceiverState }>

export type PeerState = Readonly<{
  /** The peer's number in the key. */
  index: number
  /** 32 bytes both know: the common source of the shares of zero. */
  zeroShareSeed: Uint8Array
  /** Null once erased: no signing with this peer any more. */
  ot: OtState | null
}>

export type KeyShare = Readonly<{
  /** Own number, 0-based. */
  index: number
  /** t: how many signers suffice. */
  threshold: number
  /** n. */
  parties: number
  /** Own evaluation point, index + 1. */
  x: number
  /** p_i, the own secret share. */
  secretShare: Scalar
  /** 33 bytes, compressed. */
  publicKey: Uint8Array
  /** C_0..C_(t-1) of the joint polynomial; C_0 is the public key. */
  commitments: readonly Point[]
  /** P_0..P_(n-1). */
  publicShares: readonly Point[]
  /** 32 bytes. */
  chainCode: Uint8Array
  /** Every other party, in ascending order of index. */
  peers: readonly PeerState[]
}>

/** @throws RangeError when the key has no such peer. */
export function peerState(share: KeyShare, peerIndex: number): PeerState {
  const peer = share.peers.find(({ index }) => index === peerIndex)
  if (peer === undefined) throw new RangeError(`key share: no peer ${peerIndex}`)
  return peer
}

/** Overwrites the secrets of a share that is no longer needed. */
export function wipeKeyShare(share: KeyShare): void {
  wipe(share.secretShare)
  for (const { zeroShareSeed, ot } of share.peers) {
    wipe(zeroShareSeed)
    if (ot !== null) wipe(ot.asSender.delta, ot.asSender.seeds, ot.asReceiver.seeds0, ot.asReceiver.seeds1)
  }
}

/**
 * The share without OT state for one peer, as after a failed check. The given share is left alone: running sessions may
 * still refer to it, and whoever calls this must store the result and abort those.
 */
export function eraseOtState(share: KeyShare, peerIndex: number): KeyShare {
  peerState(share, peerIndex)
  return { ...share, peers: share.peers.map((peer) => (peer.index === peerIndex ? { ...peer, ot: null } : peer)) }
}
