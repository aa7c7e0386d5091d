/** RVOLE's sums on BigInt, term by term as DKLs23 (ePrint 2023/765), protocol 5.2, has them. */
import { bitAt } from '../bytes.ts'
import type { RvoleArithmetic, RvoleRows } from '../engine.ts'
import { inputCount, transfers, width } from '../rvole-shape.ts'
import { Fn, packNumbers, toScalar, unpackNumbers } from './scalars.ts'
import { toNumber } from './numbers.ts'

type Rows = (readonly bigint[])[]

export const rvole: RvoleArithmetic = {
  mask: (pads0, pads1, inputs) => {
    const [v0, v1] = [readPads(pads0), readPads(pads1)]
    const addends = inputs.map(toNumber)
    const tau = v0.flatMap((row, j) => row.map((value, i) => value - at(at(v1, j), i) + at(addends, i)))
    return { tau: packNumbers(tau), rows: rowsOf(v0) }
  },
  unmask: (pads, choices, tau) => {
    const values = unpackNumbers(tau)
    const chosen = (j: number, i: number) => BigInt(bitAt(choices, j)) * at(values, j * width + i)
    return rowsOf(readPads(pads).map((row, j) => row.map((value, i) => value + chosen(j, i))))
  },
  choose: (g, choices) => toScalar(unpackNumbers(g).reduce((sum, gj, j) => sum + BigInt(bitAt(choices, j)) * gj, 0n)),
}

function rowsOf(rows: Rows): RvoleRows {
  return {
    checkValues: (theta, correction) => {
      const weights = theta.map(toNumber)
      const eta = correction === undefined ? 0n : toNumber(correction.eta)
      const value = (row: readonly bigint[], j: number) => {
        let sum = at(row, inputCount)
        if (correction !== undefined) sum -= BigInt(bitAt(correction.choices, j)) * eta
        for (let i = 0; i < inputCount; i++) sum += at(weights, i) * at(row, i)
        return sum
      }
      return packNumbers(rows.map(value))
    },
    weightedSums: (g) => {
      const numbers = unpackNumbers(g)
      const sum = (i: number) => toScalar(rows.reduce((total, row, j) => total + at(numbers, j) * at(row, i), 0n))
      return [sum(0), sum(1)]
    },
    erase: () => {
      rows.length = 0 // BigInts cannot be overwritten
    },
  }
}

function readPads(pads: Uint8Array): Rows {
  const numbers = unpackNumbers(pads).map((value) => Fn.create(value))
  return Array.from({ length: transfers }, (_, j) => numbers.slice(j * width, (j + 1) * width))
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`item ${index} of ${list.length}`)
  return item
}
