/**
 * Random vector OLE (DKLs23, ePrint 2023/765, protocol 5.2): the sender ("Alice") inputs a_1..a_ℓ, the receiver ("Bob")
 * gets a random b, and they end with c_i and d_i such that c_i + d_i = a_i·b. Two moves: Bob's OT-extension message,
 * Alice's answer.
 *
 * Alice's inputs are what she has committed to in the group: with P_i = a_i·G and Â = â·G hashed into θ, the η that she
 * sends anyway is the response of a proof of knowledge of them, η·G = Â + Σᵢ θᵢ·P_i, and the check of the rows against η
 * is one against these very discrete logarithms. It takes the place of the paper's Γ (docs/protocol.md, Deviations).
 *
 * The paper prints θ_kk and â_i once each where θ_ik and â_k are meant (the definition of η).
 */
import { equalBytes, wipe } from './bytes.ts'
import { bytes, scalar, scalars, uncompressedPoint, type Message } from './codec.ts'
import { encodePoint, isIdentity, type Point } from './curve/secp256k1.ts'
import {
  randomScalar,
  shortLength,
  shortScalar,
  sumScalars,
  zeroScalar,
  type PackedScalars,
  type Scalar,
} from './curve/scalar.ts'
import type { Engine } from './engine.ts'
import { H, hashLength, hashRows, longHash, stretch } from './hash.ts'
import { rowLength, xorRows } from './ot/bit-matrix.ts'
import { extendAsReceiver, extendAsSender, extensionFields } from './ot/extension.ts'
import type { ExtensionMessage, OtReceiverState, OtSenderState } from './ot/extension.ts'
import type { Rng } from './protocol.ts'
import { padLength, transfers, width } from './rvole-shape.ts'
import { tag } from './tags.ts'

export const requestFields = extensionFields(transfers)
export const answerFields = [
  scalars('tau', transfers * width),
  uncompressedPoint('mask'),
  scalar('eta'),
  bytes('mu', hashLength),
] as const

export type Request = ExtensionMessage
export type Answer = Message<typeof answerFields>

/** Bob's state between his message and Alice's answer. `beta`, `rows` and `b` are to be overwritten; g is public. */
export type ReceiverState = Readonly<{
  session: Uint8Array
  g: Uint8Array
  beta: Uint8Array
  rows: Uint8Array
  b: Scalar
}>

type Pair<T> = readonly [T, T]
/** a_i, and P_i = a_i·G, which Bob gets as well. */
type Inputs = Readonly<{ scalars: Pair<Scalar>; points: Pair<Point> }>

/** Bob: fresh choice bits β, b = ⟨g, β⟩, and the OT-extension message. `session` is the pair's and never repeats. */
export function request(engine: Engine, state: OtReceiverState, session: Uint8Array, rng: Rng) {
  const beta = rng(transfers / 8)
  const g = gadget(session)
  const b = engine.rvole.choose(g, beta)
  const { message, rows } = extendAsReceiver(engine, state, session, beta, rng)
  const receiver: ReceiverState = { session, g, beta, rows, b }
  return { message, state: receiver }
}

/** Alice: her shares c_i and the answer; undefined when Bob's consistency check fails, which an honest Bob's cannot. */
export function answer(
  engine: Engine,
  state: OtSenderState,
  session: Uint8Array,
  received: Request,
  inputs: Inputs,
  rng: Rng,
): Readonly<{ message: Answer; shares: Pair<Scalar> }> | undefined {
  const transferred = extendAsSender(engine, state, session, transfers, received)
  if (transferred === undefined) return undefined
  const check = randomScalar(engine.scalars, rng) // â
  const mask = engine.points.multiplyBase(check) // Â
  const { tau, rows } = maskInputs(engine, state, session, transferred, [...inputs.scalars, check])
  try {
    const theta = checkWeights(engine, session, { tau, mask }, inputs.points)
    const eta = checkedInput(engine, inputs.scalars, check, theta)
    const mu = checkHash(engine, session, rows.checkValues(theta))
    const [sum0, sum1] = rows.weightedSums(gadget(session))
    const negative = (sum: Scalar) => engine.scalars.subtract(zeroScalar(), sum)
    const shares = [negative(sum0), negative(sum1)] as const
    wipe(sum0, sum1)
    return { message: { tau, mask, eta, mu }, shares }
  } finally {
    rows.erase()
    wipe(check)
  }
}

/** τ, and v⁰ for what follows. `transferred` is overwritten. */
function maskInputs(
  engine: Engine,
  { delta }: OtSenderState,
  session: Uint8Array,
  transferred: Uint8Array,
  inputs: readonly Scalar[],
) {
  const pads0 = expandRows(session, transferred)
  xorRows(transferred, delta)
  const pads1 = expandRows(session, transferred)
  try {
    return engine.rvole.mask(pads0, pads1, inputs)
  } finally {
    wipe(transferred, pads0, pads1)
  }
}

/**
 * Bob: his shares d_i, for Alice's P_i. Undefined when η does not open what she has committed to, or μ does not fit:
 * neither happens with an honest Alice.
 */
export function finish(
  engine: Engine,
  state: ReceiverState,
  received: Answer,
  points: Pair<Point>,
): Pair<Scalar> | undefined {
  const { session, g, beta, rows: transferred } = state
  const { tau, eta, mu } = received
  const theta = checkWeights(engine, session, received, points)
  if (!isOpening(engine, received, theta, points)) return undefined
  const pads = expandRows(session, transferred)
  const rows = engine.rvole.unmask(pads, beta, tau)
  wipe(pads)
  try {
    const expected = checkHash(engine, session, rows.checkValues(theta, { choices: beta, eta }))
    return equalBytes(expected, mu) ? rows.weightedSums(g) : undefined
  } finally {
    rows.erase()
  }
}

/** g, one number of 256 bits per transfer: public, and the same for both. */
function gadget(session: Uint8Array): Uint8Array {
  return stretch(transfers * padLength, tag.rvoleGadget, session)
}

/** θ: a weight below 2^128 for each input. Hashed from all that Alice is held to, so that she cannot choose them. */
function checkWeights(
  engine: Engine,
  session: Uint8Array,
  { tau, mask }: Pick<Answer, 'tau' | 'mask'>,
  points: Pair<Point>,
): Pair<Scalar> {
  const digest = longHash(engine, tag.rvoleTau, session, tau)
  const hash = H(tag.rvoleTheta, session, digest, ...[mask, ...points].map(encodePoint))
  return [shortScalar(hash.subarray(0, shortLength)), shortScalar(hash.subarray(shortLength))]
}

/** η = â + Σᵢ θᵢ·a_i. */
function checkedInput({ scalars }: Engine, inputs: Pair<Scalar>, check: Scalar, theta: Pair<Scalar>): Scalar {
  const products = [scalars.multiply(theta[0], inputs[0]), scalars.multiply(theta[1], inputs[1])]
  const sum = sumScalars(scalars, [check, ...products])
  wipe(...products) // θ is public, so a product is as good as its input
  return sum
}

/** η·G = Â + Σᵢ θᵢ·P_i. */
function isOpening(
  { points: { add, combinePublic }, scalars: { subtract } }: Engine,
  { mask, eta }: Answer,
  theta: Pair<Scalar>,
  points: Pair<Point>,
): boolean {
  const negative = subtract(zeroScalar(), eta)
  return isIdentity(add(mask, combinePublic([[theta[0], points[0]], [theta[1], points[1]]], negative)))
}

/** μ: over one value per transfer. */
function checkHash(engine: Engine, session: Uint8Array, values: PackedScalars): Uint8Array {
  const mu = longHash(engine, tag.rvoleCheck, session, values)
  wipe(values)
  return mu
}

/** Every row of OT output stretched to ℓ + 1 numbers of 256 bits: the stream position is the width index (TOB-BRON-5). */
function expandRows(session: Uint8Array, rows: Uint8Array): Uint8Array {
  return hashRows(rows, rowLength, width * padLength, tag.rvoleTransfer, session)
}
