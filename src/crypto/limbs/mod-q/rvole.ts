/**
 * RVOLE's sums over 416 transfers on limbs. A row scalar is twelve tight limbs (numbers.ts) in one flat array; choice
 * bits act as factors 0 and 1. Index bounds follow from the shapes in rvole-shape.ts.
 */
import { bitAt } from '../../bytes.ts'
import { scalarLength, wideScalarLength, zeroScalar, type PackedScalars, type Scalar } from '../../curve/scalar.ts'
import type { RvoleArithmetic, RvoleRows } from '../../engine.ts'
import { checkCount, inputCount, transfers, width } from '../../rvole-shape.ts'
import { addProduct, newColumns, newLimbs, type Limbs } from '../product.ts'
import {
  carryColumns,
  readNumber,
  readWideNumber,
  reduceColumns,
  reduceNumber,
  tighten,
  wipeReduction,
  writeNumber,
} from './numbers.ts'
import { viewOf } from './scalars.ts'

const limbCount = 12
/** Products of tight numbers that columns take before they must be carried (numbers.ts, carryColumns). */
const productsPerCarry = 32

const [v, other, result] = [newLimbs(), newLimbs(), newLimbs()]
const columns = newColumns()

export const rvole: RvoleArithmetic = {
  mask: (pads0, pads1, inputs) => {
    const [view0, view1] = [viewOf(pads0), viewOf(pads1)]
    const tau = new Uint8Array(transfers * width * scalarLength)
    const tauView = viewOf(tau)
    const addends = inputs.map(toLimbs)
    const rows = new Float64Array(transfers * width * limbCount)
    for (let at = 0; at < transfers * width; at++) {
      const addend = addends[at % width]!
      readWideNumber(v, view0, at * wideScalarLength)
      readWideNumber(other, view1, at * wideScalarLength)
      for (let i = 0; i < limbCount; i++) result[i] = v[i]! - other[i]! + addend[i]!
      reduceNumber(result)
      writeNumber(tauView, at * scalarLength, result)
      tighten(v)
      for (let i = 0; i < limbCount; i++) rows[at * limbCount + i] = v[i]!
    }
    for (const addend of addends) addend.fill(0)
    wipeScratch()
    return { tau, rows: rowsOf(rows) }
  },

  unmask: (pads, choices, tau) => {
    const [padView, tauView] = [viewOf(pads), viewOf(tau)]
    const rows = new Float64Array(transfers * width * limbCount)
    for (let at = 0; at < transfers * width; at++) {
      const choice = bitAt(choices, Math.floor(at / width))
      readWideNumber(v, padView, at * wideScalarLength)
      readNumber(other, tauView, at * scalarLength)
      for (let i = 0; i < limbCount; i++) v[i] = v[i]! + choice * other[i]!
      tighten(v)
      for (let i = 0; i < limbCount; i++) rows[at * limbCount + i] = v[i]!
    }
    wipeScratch()
    return rowsOf(rows)
  },

  choose: (g, choices) => {
    const view = viewOf(g)
    result.fill(0)
    for (let j = 0; j < transfers; j++) {
      const choice = bitAt(choices, j)
      readNumber(v, view, j * scalarLength)
      for (let i = 0; i < limbCount; i++) result[i] = result[i]! + choice * v[i]!
    }
    reduceNumber(result)
    return finished()
  },
}

function rowsOf(rows: Float64Array): RvoleRows {
  const load = (j: number, i: number) => {
    for (let k = 0; k < limbCount; k++) v[k] = rows[(j * width + i) * limbCount + k]!
  }
  return {
    checkValues: (theta, correction) => {
      const values = new Uint8Array(transfers * checkCount * scalarLength)
      const valueView = viewOf(values)
      const weights = unpack(theta)
      const eta = correction && unpack(correction.eta)
      for (let j = 0; j < transfers; j++) {
        const choice = correction === undefined ? 0 : bitAt(correction.choices, j)
        for (let k = 0; k < checkCount; k++) {
          load(j, inputCount + k)
          columns.fill(0)
          for (let i = 0; i < limbCount; i++) columns[i] = v[i]! - (eta === undefined ? 0 : choice * eta[k]![i]!)
          for (let i = 0; i < inputCount; i++) {
            load(j, i)
            addProduct(columns, weights[k * inputCount + i]!, v)
          }
          reduceColumns(result, columns)
          writeNumber(valueView, (j * checkCount + k) * scalarLength, result)
        }
      }
      wipeScratch()
      return values
    },
    weightedSums: (g) => {
      const view = viewOf(g)
      const sum = (i: number): Scalar => {
        columns.fill(0)
        for (let j = 0; j < transfers; j++) {
          readNumber(other, view, j * scalarLength)
          load(j, i)
          addProduct(columns, other, v)
          if ((j + 1) % productsPerCarry === 0) carryColumns(columns)
        }
        reduceColumns(result, columns)
        return finished()
      }
      return [sum(0), sum(1)]
    },
    erase: () => {
      rows.fill(0)
    },
  }
}

function toLimbs(scalar: Scalar): Limbs {
  const limbs = newLimbs()
  readNumber(limbs, viewOf(scalar), 0)
  return limbs
}

function unpack(packed: PackedScalars): readonly Limbs[] {
  const view = viewOf(packed)
  return Array.from({ length: packed.length / scalarLength }, (_, i) => {
    const limbs = newLimbs()
    readNumber(limbs, view, i * scalarLength)
    return limbs
  })
}

function finished(): Scalar {
  const scalar = zeroScalar()
  writeNumber(viewOf(scalar), 0, result)
  wipeScratch()
  return scalar
}

function wipeScratch(): void {
  for (const limbs of [v, other, result, columns]) limbs.fill(0)
  wipeReduction()
}
