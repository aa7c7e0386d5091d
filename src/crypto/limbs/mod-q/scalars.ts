/** Scalars, 32 bytes each, computed on limbs: for the steps that handle few of them. Scratch memory is overwritten. */
import type { ScalarArithmetic } from '../../engine.ts'
import { scalarLength, wideScalarLength, zeroScalar, type Scalar } from '../../curve/scalar.ts'
import { multiplyColumns, newColumns, newLimbs, type Limbs } from '../product.ts'
import { readNumber, readWideNumber, writeNumber } from './numbers.ts'
import { reduceColumns } from './reduction.ts'

const [a, b, out] = [newLimbs(), newLimbs(), newLimbs()]
const columns = newColumns()

export const scalars: ScalarArithmetic = {
  add: (x, y) => combine(x, y, 1),
  subtract: (x, y) => combine(x, y, -1),
  multiply: (x, y) => {
    readScalar(a, x)
    readScalar(b, y)
    multiplyColumns(columns, a, b)
    columns[23] = 0
    reduceColumns(out, columns)
    return finished()
  },
  reduce: (bytes) => {
    readScalar(out, bytes)
    return finished()
  },
  reduceWide: (bytes) => {
    const count = bytes.length / wideScalarLength
    const packed = new Uint8Array(count * scalarLength)
    const [from, to] = [viewOf(bytes), viewOf(packed)]
    for (let i = 0; i < count; i++) {
      readWideNumber(columns, from, i * wideScalarLength)
      reduceColumns(out, columns)
      writeNumber(to, i * scalarLength, out)
    }
    wipeScratch()
    return packed
  },
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** x + sign·y. */
function combine(x: Scalar, y: Scalar, sign: number): Scalar {
  readScalar(a, x)
  readScalar(b, y)
  for (let i = 0; i < 12; i++) out[i] = a[i]! + sign * b[i]!
  return finished()
}

function readScalar(limbs: Limbs, scalar: Uint8Array): void {
  readNumber(limbs, viewOf(scalar), 0)
}

function finished(): Scalar {
  const scalar = zeroScalar()
  writeNumber(viewOf(scalar), 0, out)
  wipeScratch()
  return scalar
}

function wipeScratch(): void {
  a.fill(0)
  b.fill(0)
  out.fill(0)
  columns.fill(0)
}
