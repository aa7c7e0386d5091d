/** Secret multiples in ristretto255: signed 4-bit windows, tables scanned with masks, complete additions. */
import { digitCount, digitMasks, isNegativeDigit, isZeroDigit, recode, scan } from '../digits.ts'
import { generatorBytes } from './constants.ts'
import { decodeElement } from './encoding.ts'
import { copy, copyIf, newElement, scale } from './field.ts'
import { addCached, cache, copyPoint, double, newCached, newPoint, setIdentity, wipePointScratch } from './points.ts'
import type { CachedPoint, EdwardsPoint } from './points.ts'

/** Scalars are below 2^253, so the 65th digit is always 0. */
const windows = digitCount - 1
const entryLength = 48
const windowLength = 8 * entryLength

const digits = new Int8Array(digitCount)
const masks = new Float64Array(9)
const sum = newPoint()
const next = newPoint()
const entry = newCached()
const swapped = newElement()

/** Cached j·16^i·P for j = 1 … 8 and all 64 windows i. */
export type MultiplesTable = Float64Array<ArrayBuffer>

/** For many multiplications of one element. */
export function multiplesTable(p: EdwardsPoint): MultiplesTable {
  const table = new Float64Array(windows * windowLength)
  const base = newPoint()
  copyPoint(base, p)
  for (let i = 0; i < windows; i++) {
    fillWindow(table, i * windowLength, base)
    double(base, next, true) // 2·8·16^i
  }
  return table
}

/** out = k·P from P's table, for k in 32 big-endian bytes, below 2^253. */
export function multiplyWithTable(out: EdwardsPoint, table: MultiplesTable, k: Uint8Array): void {
  recode(digits, k)
  setIdentity(sum)
  for (let i = 0; i < windows; i++) addDigit(table, i * windowLength, digits[i]!) // i < digitCount
  copyPoint(out, sum)
  wipeScratch()
}

const ownMultiples = new Float64Array(windowLength)

/** out = k·P, likewise. */
export function multiplyEdwardsPoint(out: EdwardsPoint, p: EdwardsPoint, k: Uint8Array): void {
  recode(digits, k)
  fillWindow(ownMultiples, 0, p)
  setIdentity(sum)
  for (let i = windows - 1; i >= 0; i--) {
    if (i < windows - 1) for (let j = 0; j < 4; j++) double(sum, sum, j === 3)
    addDigit(ownMultiples, 0, digits[i]!)
  }
  copyPoint(out, sum)
  ownMultiples.fill(0)
  wipeScratch()
}

let generatorTable: MultiplesTable | undefined

/** out = k·G for the generator. Its table is built at first use, about a millisecond. */
export function multiplyGenerator(out: EdwardsPoint, k: Uint8Array): void {
  if (generatorTable === undefined) {
    const generator = newPoint()
    decodeElement(generator, generatorBytes)
    generatorTable = multiplesTable(generator)
  }
  multiplyWithTable(out, generatorTable, k)
}

/** Writes cached P … 8P; `next` is left at 8P. */
function fillWindow(table: MultiplesTable, at: number, p: EdwardsPoint): void {
  cache(entry, p)
  copyPoint(next, p)
  const multiple = newCached()
  for (let j = 0; j < 8; j++) {
    if (j > 0) addCached(next, next, entry)
    cache(multiple, next)
    writeEntry(table, at + j * entryLength, multiple)
  }
}

function writeEntry(table: MultiplesTable, at: number, { sum: s, difference, t2d, z2 }: CachedPoint): void {
  table.set(s, at)
  table.set(difference, at + 12)
  table.set(t2d, at + 24)
  table.set(z2, at + 36)
}

/** sum += digit·P, from the window at `at`. */
function addDigit(table: MultiplesTable, at: number, digit: number): void {
  digitMasks(masks, digit)
  scan(entry.sum, table, at, entryLength, masks)
  scan(entry.difference, table, at + 12, entryLength, masks)
  scan(entry.t2d, table, at + 24, entryLength, masks)
  scan(entry.z2, table, at + 36, entryLength, masks)
  const isZero = isZeroDigit(digit)
  entry.sum[0] += isZero // the identity is (1, 1, 0, 2)
  entry.difference[0] += isZero
  entry.z2[0] += 2 * isZero
  const isNegative = isNegativeDigit(digit)
  copy(swapped, entry.sum)
  copyIf(isNegative, entry.sum, entry.difference)
  copyIf(isNegative, entry.difference, swapped)
  scale(entry.t2d, entry.t2d, 1 - (isNegative << 1))
  addCached(sum, sum, entry)
}

function wipeScratch(): void {
  digits.fill(0)
  masks.fill(0)
  for (const { x, y, z, t } of [sum, next]) for (const coordinate of [x, y, z, t]) coordinate.fill(0)
  for (const element of [entry.sum, entry.difference, entry.t2d, entry.z2, swapped]) element.fill(0)
  wipePointScratch()
}
