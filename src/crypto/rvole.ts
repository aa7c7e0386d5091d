/**
 * Random vector OLE (DKLs23, ePrint 2023/765, protocol 5.2): the sender ("Alice") inputs a_1..a_ℓ, the receiver ("Bob")
 * gets a random b, and they end with c_i and d_i such that c_i + d_i = a_i·b. Two moves: Bob's OT-extension message,
 * Alice's answer.
 *
 * The paper prints θ_kk and â_i once each where θ_ik and â_k are meant (the definition of η).
 */
import { equalBytes, wipe } from './bytes.ts'
import { bytes, scalars, type Message } from './codec.ts'
import {
  packScalars,
  randomScalar,
  scalarAt,
  scalarLength,
  sumScalars,
  zeroScalar,
  type PackedScalars,
  type Scalar,
} from './curve/scalar.ts'
import type { Engine } from './engine.ts'
import { hashLength, longHash, rowExpander, stretch, stretchToScalars } from './hash.ts'
import { rowLength, xorRows } from './ot/bit-matrix.ts'
import { extendAsReceiver, extendAsSender, extensionFields } from './ot/extension.ts'
import type { ExtensionMessage, OtReceiverState, OtSenderState } from './ot/extension.ts'
import type { Rng } from './protocol.ts'
import { checkCount, inputCount, padLength, transfers, width } from './rvole-shape.ts'
import { tag } from './tags.ts'

export const requestFields = extensionFields(transfers)
export const answerFields = [
  scalars('tau', transfers * width),
  scalars('eta', checkCount),
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

type Inputs = readonly [Scalar, Scalar]

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
): Readonly<{ message: Answer; shares: Inputs }> | undefined {
  const transferred = extendAsSender(engine, state, session, transfers, received)
  if (transferred === undefined) return undefined
  const checks = Array.from({ length: checkCount }, () => randomScalar(engine.scalars, rng)) // â
  const pads0 = expandRows(session, transferred)
  xorRows(transferred, state.delta)
  const pads1 = expandRows(session, transferred)
  const { tau, rows } = engine.rvole.mask(pads0, pads1, [...inputs, ...checks])
  wipe(transferred, pads0, pads1)
  const theta = checkWeights(engine, session, tau)
  const eta = packScalars(checks.map((check, k) => checkedInput(engine, inputs, check, theta, k)))
  const mu = checkHash(engine, session, rows.checkValues(theta))
  const [sum0, sum1] = rows.weightedSums(gadget(session))
  const negative = (sum: Scalar) => engine.scalars.subtract(zeroScalar(), sum)
  const shares = [negative(sum0), negative(sum1)] as const
  rows.erase()
  wipe(...checks, sum0, sum1)
  return { message: { tau, eta, mu }, shares }
}

/** Bob: his shares d_i; undefined when Alice's μ does not fit, which an honest Alice's always does. */
export function finish(engine: Engine, state: ReceiverState, received: Answer): Inputs | undefined {
  const { session, g, beta, rows: transferred } = state
  const pads = expandRows(session, transferred)
  const rows = engine.rvole.unmask(pads, beta, received.tau)
  wipe(pads)
  const theta = checkWeights(engine, session, received.tau)
  const expected = checkHash(engine, session, rows.checkValues(theta, { choices: beta, eta: received.eta }))
  const shares = equalBytes(expected, received.mu) ? rows.weightedSums(g) : undefined
  rows.erase()
  return shares
}

/** g, one number of 256 bits per transfer: public, and the same for both. */
function gadget(session: Uint8Array): Uint8Array {
  return stretch(transfers * padLength, tag.rvoleGadget, session)
}

/** θ: ℓ weights for every check column, those of k = 0 first. */
function checkWeights(engine: Engine, session: Uint8Array, tau: Uint8Array): PackedScalars {
  return stretchToScalars(inputCount * checkCount, tag.rvoleTheta, session, longHash(engine, tag.rvoleTau, session, tau))
}

/** η_k = â_k + Σᵢ θ_ik·a_i. */
function checkedInput({ scalars }: Engine, inputs: Inputs, check: Scalar, theta: PackedScalars, k: number): Scalar {
  const products = inputs.map((input, i) =>
    scalars.multiply(scalarAt(theta, (k * inputCount + i) * scalarLength), input),
  )
  const sum = sumScalars(scalars, [check, ...products])
  wipe(...products) // θ is public, so a product is as good as its input
  return sum
}

/** μ: over one value per transfer and check column. */
function checkHash(engine: Engine, session: Uint8Array, values: PackedScalars): Uint8Array {
  const mu = longHash(engine, tag.rvoleCheck, session, values)
  wipe(values)
  return mu
}

/** Every row of OT output stretched to ℓ + ρ numbers of 256 bits: the stream position is the width index (TOB-BRON-5). */
function expandRows(session: Uint8Array, rows: Uint8Array): Uint8Array {
  const expand = rowExpander(rowLength, tag.rvoleTransfer, session)
  const length = width * padLength
  const pads = new Uint8Array(transfers * length)
  const view = new DataView(pads.buffer)
  for (let j = 0; j < transfers; j++) {
    expand(j, rows, view, j * length, length)
  }
  return pads
}
