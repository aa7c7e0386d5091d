/**
 * RVOLE's sums over 416 transfers on limbs (numbers.ts). Choice bits act as factors 0 and 1. Index bounds follow from
 * the shapes in rvole-shape.ts.
 */
import { bitAt } from '../../bytes.ts'
import { scalarLength, zeroScalar, type PackedScalars, type Scalar } from '../../curve/scalar.ts'
import type { Correction, RvoleArithmetic, RvoleRows } from '../../engine.ts'
import { inputCount, padLength, transfers, width } from '../../rvole-shape.ts'
import { addProduct, newColumns, newLimbs, sumOfShortProducts, type Limbs } from '../product.ts'
import { addTimes, readNumber, subtractAndAdd, writeNumber } from './numbers.ts'
import { carryColumns, reduceColumns, reduceShortColumns } from './reduction.ts'
import { viewOf } from './scalars.ts'

const limbCount = 12
/**
 * A product of numbers that were read has columns below 12·2^44; of a row that is the sum of two, below 12·2^45. So many
 * of these stay below 2^52 with what is left of those before.
 */
const productsPerCarry = 8

const [other, result] = [newLimbs(), newLimbs()]
const [columns, columns1] = [newColumns(), newColumns()]

/** Row scalars, `width` for each transfer. */
type Rows = Readonly<{ limbs: Float64Array; scalars: readonly Limbs[] }>

/** Memory for rows that were erased, to be used again: making it costs as much as what is computed in it. */
const spare: Rows[] = []

function takeRows(): Rows {
  const taken = spare.pop()
  if (taken !== undefined) return taken
  const limbs = new Float64Array(transfers * width * limbCount)
  const scalars = Array.from({ length: transfers * width }, (_, at) => {
    return limbs.subarray(at * limbCount, (at + 1) * limbCount) as Float64Array as Limbs // of that length
  })
  return { limbs, scalars }
}

export const rvole: RvoleArithmetic = {
  mask: (pads0, pads1, inputs) => {
    const [view0, view1] = [viewOf(pads0), viewOf(pads1)]
    const tau = new Uint8Array(transfers * width * scalarLength)
    const tauView = viewOf(tau)
    const addends = inputs.map(toLimbs)
    const rows = takeRows()
    for (let at = 0; at < transfers * width; at++) {
      const row = rows.scalars[at]!
      const addend = addends[at % width]!
      readNumber(row, view0, at * padLength)
      readNumber(other, view1, at * padLength)
      subtractAndAdd(result, row, other, addend)
      writeNumber(tauView, at * scalarLength, result)
    }
    for (const addend of addends) addend.fill(0)
    wipeScratch()
    return { tau, rows: new LimbRows(rows) }
  },

  unmask: (pads, choices, tau) => {
    const [padView, tauView] = [viewOf(pads), viewOf(tau)]
    const rows = takeRows()
    for (let at = 0; at < transfers * width; at++) {
      const row = rows.scalars[at]!
      const choice = bitAt(choices, Math.floor(at / width))
      readNumber(row, padView, at * padLength)
      readNumber(other, tauView, at * scalarLength)
      addTimes(row, choice, other)
    }
    wipeScratch()
    return new LimbRows(rows)
  },

  choose: (g, choices) => {
    const view = viewOf(g)
    columns.fill(0)
    for (let j = 0; j < transfers; j++) {
      const choice = bitAt(choices, j)
      readNumber(other, view, j * padLength)
      addTimes(columns, choice, other)
    }
    return finished(columns)
  },
}

class LimbRows implements RvoleRows {
  /** With the last object of its class V8 drops the code that was compiled for it: this one stays. */
  static readonly lasting = new LimbRows(null)
  /** Null once they were erased, as the memory may be another exchange's then. */
  #rows: Rows | null

  constructor(rows: Rows | null) {
    this.#rows = rows
  }

  checkValues(theta: readonly [Scalar, Scalar], correction?: Correction): PackedScalars {
    const scalars = this.#live()
    const values = new Uint8Array(transfers * scalarLength)
    const valueView = viewOf(values)
    const [weight0, weight1] = [toLimbs(theta[0]), toLimbs(theta[1])]
    const eta = correction && toLimbs(correction.eta)
    for (let j = 0; j < transfers; j++) {
      const choice = correction === undefined ? 0 : bitAt(correction.choices, j)
      const check = scalars[j * width + inputCount]!
      const subtrahend = eta === undefined ? check : eta // times 0 where there is no correction
      sumOfShortProducts(columns, weight0, scalars[j * width]!, weight1, scalars[j * width + 1]!)
      addTimes(columns, 1, check)
      addTimes(columns, 0 - choice, subtrahend) // and not −choice, which is no integer for 0 (digits.ts)
      reduceShortColumns(result, columns)
      writeNumber(valueView, j * scalarLength, result)
    }
    columns.fill(0)
    wipeScratch()
    return values
  }

  weightedSums(g: Uint8Array): readonly [Scalar, Scalar] {
    const scalars = this.#live()
    const view = viewOf(g)
    columns.fill(0)
    columns1.fill(0)
    for (let j = 0; j < transfers; j++) {
      readNumber(other, view, j * padLength)
      addProduct(columns, other, scalars[j * width]!)
      addProduct(columns1, other, scalars[j * width + 1]!)
      if ((j + 1) % productsPerCarry !== 0) continue
      carryColumns(columns)
      carryColumns(columns1)
    }
    return [finished(columns), finished(columns1)]
  }

  erase(): void {
    if (this.#rows === null) return
    this.#rows.limbs.fill(0)
    spare.push(this.#rows)
    this.#rows = null
  }

  #live(): readonly Limbs[] {
    if (this.#rows === null) throw new Error('the rows were erased')
    return this.#rows.scalars
  }
}

function toLimbs(scalar: Scalar): Limbs {
  const limbs = newLimbs()
  readNumber(limbs, viewOf(scalar), 0)
  return limbs
}

/** Σ sumₖ modulo q; `sum` is overwritten. */
function finished(sum: typeof columns): Scalar {
  const scalar = zeroScalar()
  carryColumns(sum)
  reduceColumns(result, sum)
  writeNumber(viewOf(scalar), 0, result)
  sum.fill(0)
  wipeScratch()
  return scalar
}

function wipeScratch(): void {
  for (const limbs of [other, result]) limbs.fill(0)
}
