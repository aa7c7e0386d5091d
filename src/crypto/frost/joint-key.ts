/**
 * The public side of a FROST key, from the commitments that everybody broadcast: the joint polynomial's, every party's
 * public share, and the key. noble computes the same, but only for a participant with a share.
 */
import type { Identifier } from '@noble/curves/abstract/frost.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { at, identifiersOf, type FrostPublicKey } from './key-share.ts'
import { suiteOf } from './suite.ts'

/** What noble's points of both curves can do. */
type GroupPoint<P> = Readonly<{
  add(other: P): P
  negate(): P
  multiplyUnsafe(k: bigint): P
  toBytes(): Uint8Array
}>
type Group<P> = Readonly<{ ZERO: P; fromBytes(bytes: Uint8Array): P }>

/** `contributions`: of every party t points that the suite accepts. @throws where their sum is the identity. */
export function jointKey(
  params: Pick<FrostPublicKey, 'keyType' | 'session' | 'threshold' | 'parties'>,
  contributions: readonly (readonly Uint8Array[])[],
): FrostPublicKey {
  const { keyType, session, threshold, parties } = params
  const columns = Array.from({ length: threshold }, (_, k) => contributions.map((points) => at(points, k)))
  const identifiers = identifiersOf(keyType, session, parties)
  const { Fn } = suiteOf(keyType).frost.utils
  const positions = identifiers.map((identifier: Identifier) => Fn.fromBytes(hexToBytes(identifier)))
  const known =
    keyType === 'eddsa-ed25519'
      ? evaluateAll(ed25519.Point, sumsOf(ed25519.Point, columns), positions)
      : evaluateAll(secp256k1.Point, tweaked(sumsOf(secp256k1.Point, columns)), positions)
  return { ...params, ...known, publicKey: suiteOf(keyType).publicKeyOf(at(known.commitments, 0)) }
}

/** C_k = Σ_j φ_jk. */
function sumsOf<P extends GroupPoint<P>>(group: Group<P>, columns: readonly (readonly Uint8Array[])[]): readonly P[] {
  return columns.map((column) => column.map((bytes) => group.fromBytes(bytes)).reduce((a, b) => a.add(b)))
}

/** s_j·G = Σ_k x_jᵏ·C_k, by Horner's rule. */
function evaluateAll<P extends GroupPoint<P>>(
  { ZERO }: Group<P>,
  commitments: readonly P[],
  positions: readonly bigint[],
): Pick<FrostPublicKey, 'commitments' | 'publicShares'> {
  const shares = positions.map((x) =>
    commitments.reduceRight((sum, commitment) => sum.multiplyUnsafe(x).add(commitment), ZERO),
  )
  return { commitments: commitments.map((p) => p.toBytes()), publicShares: shares.map((p) => p.toBytes()) }
}

type Secp256k1Point = InstanceType<typeof secp256k1.Point>

/** As BIP-341 makes an output key that has no scripts: the point with even y, plus its tweak. noble's DKG ends so. */
function tweaked(commitments: readonly Secp256k1Point[]): readonly Secp256k1Point[] {
  const even = at(commitments, 0).y % 2n === 0n ? commitments : commitments.map((commitment) => commitment.negate())
  const internal = at(even, 0)
  const tweak = bytesToNumberBE(schnorr.utils.taggedHash('TapTweak', internal.toBytes().slice(1)))
  return [internal.add(secp256k1.Point.BASE.multiplyUnsafe(tweak)), ...even.slice(1)]
}
