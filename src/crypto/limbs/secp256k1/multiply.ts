/**
 * Secret multiples of the generator of secp256k1: signed 4-bit windows, tables scanned with masks, complete additions.
 * The sequence of operations and of memory accesses is the same for every scalar.
 */
import { digitCount, digitMasks, isNegativeDigit, isZeroDigit, recode, scan } from '../digits.ts'
import { addAffine, addPoints, copyPoint, double, newPoint, setIdentity, wipePointScratch } from './points.ts'
import type { LimbPoint } from './points.ts'
import { copyIf, multiply, newElement, scale } from './field.ts'
import { readHex } from './bytes.ts'
import { invertAll } from './powers.ts'

const digits = new Int8Array(digitCount)
const masks = new Float64Array(9)
const sum = newPoint()
const next = newPoint()
const entry = newPoint()

/** out = k·G, for k in 32 big-endian bytes. */
export function multiplyLimbBase(out: LimbPoint, k: Uint8Array): void {
  baseTable ??= buildBaseTable()
  recode(digits, k)
  setIdentity(sum)
  for (let i = 0; i < digitCount; i++) {
    const digit = digits[i]!
    digitMasks(masks, digit)
    scan(entry.x, baseTable, i * 8 * 24, 24, masks)
    scan(entry.y, baseTable, i * 8 * 24 + 12, 24, masks)
    scale(entry.y, entry.y, 1 - (isNegativeDigit(digit) << 1))
    addAffine(next, sum, entry.x, entry.y)
    // For digit 0 the entry is no point, and the sum stays.
    const isUsed = 1 - isZeroDigit(digit)
    copyIf(isUsed, sum.x, next.x)
    copyIf(isUsed, sum.y, next.y)
    copyIf(isUsed, sum.z, next.z)
  }
  copyPoint(out, sum)
  wipeScratch()
}

function wipeScratch(): void {
  digits.fill(0)
  masks.fill(0)
  for (const { x, y, z } of [sum, next, entry]) for (const coordinate of [x, y, z]) coordinate.fill(0)
  wipePointScratch()
}

/** G (SEC 2, section 2.4.1). */
export const generator = newPoint()
readHex(generator.x, '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
readHex(generator.y, '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8')
generator.z[0] = 1

/** Built at first use, a few milliseconds. */
let baseTable: Float64Array | undefined

/** Affine j·16^i·G for j = 1 … 8 and every window i: 24 numbers each. */
function buildBaseTable(): Float64Array {
  const points: LimbPoint[] = []
  const base = newPoint()
  copyPoint(base, generator)
  for (let i = 0; i < digitCount; i++) {
    for (let j = 0; j < 8; j++) {
      const point = newPoint()
      if (j === 0) copyPoint(point, base)
      else addPoints(point, points[points.length - 1]!, base)
      points.push(point)
    }
    double(base, points[points.length - 1]!) // 2·8·16^i
  }
  return toAffineTable(points)
}

/** 24 numbers for each point. */
export function toAffineTable(points: readonly LimbPoint[]): Float64Array {
  const table = new Float64Array(points.length * 24)
  const inverses = invertAll(points.map(({ z }) => z))
  const coordinate = newElement()
  for (let i = 0; i < points.length; i++) {
    const { x, y } = points[i]!
    multiply(coordinate, x, inverses[i]!) // one for each point
    table.set(coordinate, 24 * i)
    multiply(coordinate, y, inverses[i]!)
    table.set(coordinate, 24 * i + 12)
  }
  return table
}
