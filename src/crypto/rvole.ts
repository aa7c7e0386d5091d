/**
 * Random vector OLE (DKLs23, ePrint 2023/765, protocol 5.2): the sender ("Alice") inputs a_1..a_ℓ, the receiver ("Bob")
 * gets a random b, and they end with c_i and d_i such that c_i + d_i = a_i·b. Two moves: Bob's OT-extension message,
 * Alice's answer.
 *
 * The paper prints θ_kk and â_i once each where θ_ik and â_k are meant (the definition of η).
 */
import { bitAt, equalBytes, xorBytes } from './bytes.ts'
import { bytes, scalars, type Message } from './codec.ts'
import {
  addScalars,
  innerProduct,
  negateScalar,
  randomScalar,
  readScalar,
  scalarFromWide,
  scalarLength,
  selectScalar,
  subtractScalars,
  sumScalars,
  wideScalarLength,
  writeScalar,
  type Scalar,
} from './curve/scalar.ts'
import { H, hashLength, hashToScalars, rowExpander } from './hash.ts'
import { rowLength } from './ot/bit-matrix.ts'
import { extendAsReceiver, extendAsSender, extensionFields } from './ot/extension.ts'
import type { ExtensionMessage, OtReceiverState, OtSenderState } from './ot/extension.ts'
import type { Rng } from './protocol.ts'
import { tag } from './tags.ts'

/** ℓ: inputs of Alice. */
export const inputCount = 2
/** ρ = ⌈κ/λ_c⌉ check columns. */
const checkCount = 2
const width = inputCount + checkCount
/** ξ = κ + 2·λ_s transfers. */
export const transfers = 416

export const requestFields = extensionFields(transfers)
export const answerFields = [
  scalars('tau', transfers * width),
  scalars('eta', checkCount),
  bytes('mu', hashLength),
] as const

export type Request = ExtensionMessage
export type Answer = Message<typeof answerFields>

/** Bob's state between his message and Alice's answer. `beta` and `rows` are to be wiped after use; g is public. */
export type ReceiverState = Readonly<{
  session: Uint8Array
  g: readonly Scalar[]
  beta: Uint8Array
  rows: Uint8Array
  b: Scalar
}>

type Inputs = readonly [Scalar, Scalar]

/** Bob: fresh choice bits β, b = ⟨g, β⟩, and the OT-extension message. `session` is the pair's and never repeats. */
export function request(state: OtReceiverState, session: Uint8Array, rng: Rng) {
  const beta = rng(transfers / 8)
  const g = gadget(session)
  const b = sumScalars(g.map((gj, j) => selectScalar(bitAt(beta, j), gj)))
  const { message, rows } = extendAsReceiver(state, session, beta, rng)
  const receiver: ReceiverState = { session, g, beta, rows, b }
  return { message, state: receiver }
}

/** Alice: her shares c_i and the answer; undefined when Bob's consistency check fails, which an honest Bob's cannot. */
export function answer(
  state: OtSenderState,
  session: Uint8Array,
  received: Request,
  inputs: Inputs,
  rng: Rng,
): Readonly<{ message: Answer; shares: Inputs }> | undefined {
  const rows = extendAsSender(state, session, transfers, received)
  if (rows === undefined) return undefined
  const padded = [...inputs, ...Array.from({ length: checkCount }, () => randomScalar(rng))] // a ‖ â
  const pads0 = padReader(session)
  const pads1 = padReader(session)
  const v0: Scalar[][] = []
  const tau = new Uint8Array(transfers * width * scalarLength)
  for (let j = 0; j < transfers; j++) {
    const row = rows.subarray(j * rowLength, (j + 1) * rowLength)
    const row0 = pads0(j, row)
    const row1 = pads1(j, xorBytes(row, state.delta))
    v0.push(row0)
    for (let i = 0; i < width; i++) {
      const difference = subtractScalars(at(row0, i), at(row1, i))
      writeScalar(tau, (j * width + i) * scalarLength, addScalars(difference, at(padded, i)))
    }
  }
  rows.fill(0)
  const theta = checkWeights(session, tau)
  const eta = new Uint8Array(checkCount * scalarLength)
  for (let k = 0; k < checkCount; k++) writeScalar(eta, k * scalarLength, checkedSum(padded, theta, k))
  const mu = checkHash(session, (j, k) => checkedSum(at(v0, j), theta, k))
  const g = gadget(session)
  const share = (i: number) => negateScalar(innerProduct(g, v0.map((row) => at(row, i))))
  return { message: { tau, eta, mu }, shares: [share(0), share(1)] }
}

/** Bob: his shares d_i; undefined when Alice's μ does not fit, which an honest Alice's always does. */
export function finish(state: ReceiverState, received: Answer): Inputs | undefined {
  const { session, g, beta, rows } = state
  const pads = padReader(session)
  const d: Scalar[][] = []
  for (let j = 0; j < transfers; j++) {
    const choice = bitAt(beta, j)
    const row = pads(j, rows.subarray(j * rowLength, (j + 1) * rowLength))
    const tau = (i: number) => readScalar(received.tau, (j * width + i) * scalarLength)
    d.push(row.map((v, i) => addScalars(v, selectScalar(choice, tau(i)))))
  }
  const theta = checkWeights(session, received.tau)
  const eta = Array.from({ length: checkCount }, (_, k) => readScalar(received.eta, k * scalarLength))
  const expected = checkHash(session, (j, k) =>
    subtractScalars(checkedSum(at(d, j), theta, k), selectScalar(bitAt(beta, j), at(eta, k))),
  )
  if (!equalBytes(expected, received.mu)) return undefined
  const share = (i: number) => innerProduct(g, d.map((row) => at(row, i)))
  return [share(0), share(1)]
}

/** g: public, and the same for both. */
function gadget(session: Uint8Array): readonly Scalar[] {
  return hashToScalars(transfers, tag.rvoleGadget, session)
}

/** θ as rows k of ℓ weights each. */
function checkWeights(session: Uint8Array, tau: Uint8Array): readonly (readonly Scalar[])[] {
  const weights = hashToScalars(inputCount * checkCount, tag.rvoleTheta, session, H(tag.rvoleTau, session, tau))
  return Array.from({ length: checkCount }, (_, k) => weights.slice(k * inputCount, (k + 1) * inputCount))
}

/** row_(ℓ+k) + Σᵢ θ_ik·row_i. */
function checkedSum(row: readonly Scalar[], theta: readonly (readonly Scalar[])[], k: number): Scalar {
  return innerProduct(at(theta, k), row.slice(0, inputCount), at(row, inputCount + k))
}

/** μ: over one value per transfer and check column. */
function checkHash(session: Uint8Array, value: (j: number, k: number) => Scalar): Uint8Array {
  const values = new Uint8Array(transfers * checkCount * scalarLength)
  for (let j = 0; j < transfers; j++) {
    for (let k = 0; k < checkCount; k++) writeScalar(values, (j * checkCount + k) * scalarLength, value(j, k))
  }
  const mu = H(tag.rvoleCheck, session, values)
  values.fill(0)
  return mu
}

/** Row j of OT output to its ℓ + ρ scalars: the stream position is the width index (TOB-BRON-5). */
function padReader(session: Uint8Array): (j: number, row: Uint8Array) => Scalar[] {
  const expand = rowExpander(rowLength, tag.rvoleTransfer, session)
  const stream = new Uint8Array(width * wideScalarLength)
  return (j, row) => {
    expand(j, row, stream)
    const pads: Scalar[] = []
    for (let i = 0; i < width; i++) pads.push(scalarFromWide(stream, i * wideScalarLength))
    return pads
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`item ${index} of ${list.length}`)
  return item
}
