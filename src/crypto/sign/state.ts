/** What a signer holds between rounds. Each state has what the next round needs and no more. */
import type { Point } from '../curve/secp256k1.ts'
import type { Scalar } from '../curve/scalar.ts'
import type { Engine } from '../engine.ts'
import type { RoundState } from '../execution.ts'
import type { OtState } from '../key-share.ts'
import type { ReceiverState } from '../rvole.ts'

export type SignContext = Readonly<{
  engine: Engine
  /** The session id with signers, key and message hashed in. */
  session: Uint8Array
  /** Own position in the session's roster. */
  self: number
  /** Position in the roster to number in the key. */
  signers: readonly number[]
  /** m: the message hash modulo q. */
  message: Scalar
  publicKey: Uint8Array
  publicPoint: Point
}>

/** RVOLE as receiver, per peer (by roster position). */
export type Receivers = ReadonlyMap<number, ReceiverState>

/** r_i, φ_i and what round 1 committed to. */
export type Nonce = Readonly<{ r: Scalar; phi: Scalar; R: Point; salt: Uint8Array }>

export type AfterRound1 = RoundState &
  Readonly<{
    round: 1
    nonce: Nonce
    /** sk_i = λ_i·p_i + ζ_i. */
    keyShare: Scalar
    /** pk_i = sk_i·G. */
    publicShare: Point
    /** OT state with each peer, by roster position; belongs to the key share and is not ours to overwrite. */
    ot: ReadonlyMap<number, OtState>
    receivers: Receivers
    broadcast: Uint8Array
  }>

/** c^u_ij and c^v_ij, per peer. */
export type SenderShares = ReadonlyMap<number, readonly [Scalar, Scalar]>

export type AfterRound2 = RoundState &
  Readonly<{
    round: 2
    nonce: Omit<Nonce, 'salt'>
    keyShare: Scalar
    publicShare: Point
    receivers: Receivers
    shares: SenderShares
    commitments: ReadonlyMap<number, Uint8Array>
    view: Uint8Array
  }>

/** Only what is public once round 3 is out. */
export type AfterRound3 = RoundState & Readonly<{ round: 3; R: Point; u: Scalar; w: Scalar; view: Uint8Array }>

export type SignState = AfterRound1 | AfterRound2 | AfterRound3
