/** What a party holds between the rounds of key generation. Each state has what the next round needs and no more. */
import type { Point } from '../curve/secp256k1.ts'
import type { Scalar } from '../curve/scalar.ts'
import type { Engine } from '../engine.ts'
import type { RoundState } from '../execution.ts'
import type { KeyShare } from '../key-share.ts'
import type { BaseOtReceiver, BaseOtSender } from '../ot/base-ot.ts'
import type { OtSenderState } from '../ot/extension.ts'
import type { OtState } from '../key-share.ts'
import type { Polynomial } from '../polynomial.ts'
import type { Proof } from '../schnorr.ts'

export type KeygenContext = Readonly<{
  engine: Engine
  /** The session id with the protocol's own parameters hashed in. */
  session: Uint8Array
  self: number
  threshold: number
  parties: number
}>

/** What a spectator knows as well. */
export type PublicContext = Omit<KeygenContext, 'self'>

/** What round 1 commits to and round 2 opens. */
export type Opening = Readonly<{
  contribution: readonly Point[]
  proof: Proof
  chainCodeShare: Uint8Array
  salt: Uint8Array
}>

export type AfterRound1 = RoundState &
  Readonly<{ round: 1; polynomial: Polynomial; opening: Opening; broadcast: Uint8Array }>

/** One pair's secrets between rounds 2 and 3. */
export type PairStart = Readonly<{ peer: number; zeroShare: Uint8Array }> &
  (
    | Readonly<{ role: 'base-sender'; baseOt: BaseOtSender }>
    | Readonly<{ role: 'base-receiver'; baseOt: BaseOtReceiver }>
  )

export type AfterRound2 = RoundState &
  Readonly<{
    round: 2
    ownShare: Scalar
    opening: Opening
    /** Round 1's commitments by sender. */
    commitments: ReadonlyMap<number, Uint8Array>
    /** Hash of all round-1 broadcasts. */
    view: Uint8Array
    pairs: readonly PairStart[]
    broadcast: Uint8Array
  }>

/** One pair between rounds 3 and 4: the base OTs' receiver still waits for the reverse direction. */
export type PairReady = Readonly<{ peer: number; zeroShareSeed: Uint8Array; confirmation: Uint8Array }> &
  (Readonly<{ role: 'base-sender'; ot: OtState }> | Readonly<{ role: 'base-receiver'; asSender: OtSenderState }>)

export type Joint = Readonly<{ commitments: readonly Point[]; publicShares: readonly Point[]; chainCode: Uint8Array }>

export type AfterRound3 = RoundState &
  Readonly<{
    round: 3
    secretShare: Scalar
    joint: Joint
    /** All proofs so far, in order of party. */
    contributionProofs: readonly Proof[]
    shareProof: Proof
    pairs: readonly PairReady[]
    /** Hash of all round-2 broadcasts. */
    view: Uint8Array
  }>

export type AfterRound4 = RoundState & Readonly<{ round: 4; keyShare: KeyShare; confirmation: Uint8Array }>

export type KeygenState = AfterRound1 | AfterRound2 | AfterRound3 | AfterRound4
