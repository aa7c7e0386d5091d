/**
 * What the protocols compute with. There are two engines: `limbEngine` (limbs/), which runs in constant time as far as
 * JavaScript has such a thing, and `nobleEngine` (reference/), on BigInt, slow, which tests compare it with. How
 * scalars, points and elements are represented is the same for both (curve/), so keys made with one serve the other.
 */
import type { ElementPoint, ElementScalar } from './curve/ristretto255.ts'
import type { PackedScalars, Scalar } from './curve/scalar.ts'
import type { Point } from './curve/secp256k1.ts'

export type Engine = Readonly<{
  scalars: ScalarArithmetic
  points: PointArithmetic
  elements: ElementArithmetic
  rvole: RvoleArithmetic
  sha256: Sha256
}>

/** SHA-256 of the parts one after the other: for inputs of tens of kilobytes, which a host may hash faster. */
export type Sha256 = (parts: Iterable<Uint8Array>) => Uint8Array

/** Modulo q. All operands may be secret; results are fresh arrays that the caller owns. */
export type ScalarArithmetic = Readonly<{
  add(a: Scalar, b: Scalar): Scalar
  subtract(a: Scalar, b: Scalar): Scalar
  multiply(a: Scalar, b: Scalar): Scalar
  /** 32 bytes, big-endian, of any value. */
  reduce(bytes: Uint8Array): Scalar
  /** A multiple of 48 bytes, big-endian: one scalar for every 48. */
  reduceWide(bytes: Uint8Array): PackedScalars
}>

/** secp256k1. Scalars and points may be secret. */
export type PointArithmetic = Readonly<{
  add(a: Point, b: Point): Point
  multiplyBase(k: Scalar): Point
  /**
   * Σ kᵢ·Pᵢ, plus ofBase·G where that is given, of public values only: the time depends on them. Faster for scalars
   * below 2^128.
   */
  combinePublic(terms: readonly PublicTerm[], ofBase?: Scalar): Point
}>

export type PublicTerm = readonly [Scalar, Point]

/** ristretto255. Scalars and points may be secret. */
export type ElementArithmetic = Readonly<{
  /** 64 bytes, big-endian, modulo the group order. */
  reduceWide(bytes: Uint8Array): ElementScalar
  /** The element of 64 uniform bytes (RFC 9496, section 4.3.4). */
  fromUniform(bytes: Uint8Array): ElementPoint
  add(a: ElementPoint, b: ElementPoint): ElementPoint
  subtract(a: ElementPoint, b: ElementPoint): ElementPoint
  multiply(point: ElementPoint, k: ElementScalar): ElementPoint
  multiplyBase(k: ElementScalar): ElementPoint
  /** A function for many multiples of one public element. */
  multiplier(point: ElementPoint): (k: ElementScalar) => ElementPoint
}>

/**
 * RVOLE's sums over all ξ transfers. Pads are the expanded OT rows: 32 bytes for each of the ℓ + 1 scalars of each
 * transfer in order, and g is 32 bytes for each transfer. Both are of any value, and count modulo q.
 */
export type RvoleArithmetic = Readonly<{
  /** Alice: v⁰ from `pads0`, v¹ from `pads1`, and τ_j = v⁰_j − v¹_j + inputs for ℓ + 1 `inputs`. */
  mask(
    pads0: Uint8Array,
    pads1: Uint8Array,
    inputs: readonly Scalar[],
  ): Readonly<{ tau: PackedScalars; rows: RvoleRows }>
  /** Bob: d_j = v_j + β_j·τ_j, by masks; `choices` has bit j of β. */
  unmask(pads: Uint8Array, choices: Uint8Array, tau: PackedScalars): RvoleRows
  /** Σ_j β_j·g_j. */
  choose(g: Uint8Array, choices: Uint8Array): Scalar
}>

/** Bob's β, bit j for transfer j, and Alice's η. */
export type Correction = Readonly<{ choices: Uint8Array; eta: Scalar }>

/** One row of ℓ + 1 secret scalars for each transfer. */
export type RvoleRows = Readonly<{
  /**
   * row_(j,ℓ) + Σᵢ θᵢ·row_(j,i) for all j and weights θᵢ below 2^128, less β_j·η where Bob gives a correction.
   */
  checkValues(theta: readonly [Scalar, Scalar], correction?: Correction): PackedScalars
  /** Σ_j g_j·row_(j,i) for each i < ℓ. */
  weightedSums(g: Uint8Array): readonly [Scalar, Scalar]
  /** Overwrites the rows, which cannot be used any more. */
  erase(): void
}>
