/**
 * Sums of multiples of points by public scalars: faster than multiply.ts, and the time depends on the scalars. The
 * endomorphism λ·(x, y) = (β·x, y) halves a scalar (Gallant, Lambert and Vanstone, CRYPTO 2001); all halves run through
 * one ladder as non-adjacent forms (Hankerson, Menezes and Vanstone, "Guide to Elliptic Curve Cryptography", algorithms
 * 3.35, 3.74 and 3.77), as long as the longest of them.
 */
import { readHex } from './bytes.ts'
import { multiply, newElement, scale } from './field.ts'
import { generator, toAffineTable } from './multiply.ts'
import { addAffine, addPoints, copyPoint, double, newPoint, setIdentity, type LimbPoint } from './points.ts'

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
/** (a1, b1) and (a2, a1) are the short vectors with a + b·λ ≡ 0 (mod q). */
const a1 = 0x3086d221a7d46bcde86c90e49284eb15n
const b1 = -0xe4437ed6010e88286f547fa90abfe4c3n
const a2 = 0x114ca50f7a8e2f3f657c1108d9d44cfd8n
/** β, a cube root of 1 modulo p, that belongs to λ. */
const beta = newElement()
readHex(beta, '7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee')

const width = 5
/** For the generator, whose table is made once: 64 points, and λ times each. */
const baseWidth = 8
/** Halves are below 2^129; the form of one may be a digit longer. */
const length = 131

/** Scalars below this are as good as halves already. */
const short = 2n ** 128n

/** The non-adjacent form of one half of a scalar, and the odd multiples P, 3P, 5P … 15P of what it counts. */
type Half = Readonly<{ digits: Int8Array; table: readonly LimbPoint[] }>

/** For the odd multiples that digits below 2^(w−1) count. */
const newTable = (w: number): readonly LimbPoint[] => Array.from({ length: 2 ** (w - 2) }, newPoint)
/** Memory for the tables of the first term, of λ times it, of the second and so on: as many as were ever needed. */
const tables: (readonly LimbPoint[])[] = []
const twice = newPoint()
const entry = newPoint()

/**
 * out = Σ kᵢ·Pᵢ, plus `ofBase`·G where that is given, for public scalars in 32 big-endian bytes. `out` is none of the
 * points.
 */
export function combineLimbPointsPublic(
  out: LimbPoint,
  terms: readonly (readonly [Uint8Array, LimbPoint])[],
  ofBase?: Uint8Array,
): void {
  const halves = terms.flatMap(([k, point], i) => halvesOf(k, point, i))
  const [baseDigits, mappedBaseDigits] = ofBase === undefined ? [none, none] : baseFormsOf(ofBase)
  if (ofBase !== undefined) baseTables ??= buildBaseTables()
  setIdentity(out)
  let i = length - 1
  const isUsed = (at: number) =>
    (baseDigits[at]! | mappedBaseDigits[at]!) !== 0 || halves.some(({ digits }) => digits[at] !== 0)
  while (i > 0 && !isUsed(i)) i--
  for (; i >= 0; i--) {
    double(out, out)
    for (const { digits, table } of halves) addMultiple(out, table, digits[i]!) // i < length, here and below
    if (baseTables === undefined) continue
    addBaseMultiple(out, baseTables.odd, baseDigits[i]!)
    addBaseMultiple(out, baseTables.mapped, mappedBaseDigits[i]!)
  }
}

const none = new Int8Array(length)

function addMultiple(sum: LimbPoint, table: readonly LimbPoint[], digit: number): void {
  if (digit === 0) return
  copyPoint(entry, table[(Math.abs(digit) - 1) / 2]!) // digits are odd, and the table as long as they need
  if (digit < 0) scale(entry.y, entry.y, -1)
  addPoints(sum, sum, entry)
}

function addBaseMultiple(sum: LimbPoint, table: Float64Array, digit: number): void {
  if (digit === 0) return
  const at = 12 * (Math.abs(digit) - 1) // 24 numbers for every odd multiple
  entry.x.set(table.subarray(at, at + 12))
  entry.y.set(table.subarray(at + 12, at + 24))
  if (digit < 0) scale(entry.y, entry.y, -1)
  addAffine(sum, sum, entry.x, entry.y)
}

/** One half, or both where the scalar is long. `index`: which term it is. */
function halvesOf(k: Uint8Array, point: LimbPoint, index: number): readonly Half[] {
  const [first, second] = decompose(numberOf(k))
  const table = (tables[2 * index] ??= newTable(width))
  fillOddMultiples(table, point)
  const half = { digits: nonAdjacentForm(first, width), table }
  if (second === 0n) return [half]
  const mapped = (tables[2 * index + 1] ??= newTable(width))
  for (const [i, { x, y, z }] of table.entries()) {
    const { x: mappedX, y: mappedY, z: mappedZ } = mapped[i]! // as long
    multiply(mappedX, x, beta)
    mappedY.set(y)
    mappedZ.set(z)
  }
  return [half, { digits: nonAdjacentForm(second, width), table: mapped }]
}

function fillOddMultiples(odd: readonly LimbPoint[], p: LimbPoint): void {
  double(twice, p)
  copyPoint(odd[0]!, p)
  for (let i = 1; i < odd.length; i++) addPoints(odd[i]!, odd[i - 1]!, twice)
}

type BaseTables = Readonly<{ odd: Float64Array; mapped: Float64Array }>
/** Affine G, 3G … 127G, and λ times each. Built at first use. */
let baseTables: BaseTables | undefined

function buildBaseTables(): BaseTables {
  const points = newTable(baseWidth)
  fillOddMultiples(points, generator)
  const own = toAffineTable(points)
  const image = own.slice()
  const x = newElement()
  for (let at = 0; at < image.length; at += 24) {
    x.set(own.subarray(at, at + 12))
    multiply(x, x, beta)
    image.set(x, at)
  }
  return { odd: own, mapped: image }
}

function baseFormsOf(k: Uint8Array): readonly [Int8Array, Int8Array] {
  const [first, second] = decompose(numberOf(k))
  return [nonAdjacentForm(first, baseWidth), nonAdjacentForm(second, baseWidth)]
}

/** k1 and k2 with k1 + k2·λ ≡ k (mod q), each below 2^129 in magnitude. */
function decompose(k: bigint): readonly [bigint, bigint] {
  if (k < short) return [k, 0n]
  const rounded = (product: bigint) => (product + order / 2n) / order
  const [c1, c2] = [rounded(a1 * k), rounded(-b1 * k)]
  return [k - c1 * a1 - c2 * a2, -c1 * b1 - c2 * a1]
}

/** Digits below 2^(w−1) in magnitude, odd or 0, with Σ digitsᵢ·2^i = k. */
function nonAdjacentForm(k: bigint, w: number): Int8Array {
  const digits = new Int8Array(length)
  const sign = k < 0n ? -1 : 1
  const bits = bitsOf(k < 0n ? -k : k)
  let carry = 0
  for (let i = 0; i < length; i++) {
    if (bits[i]! === carry) continue
    let digit = carry
    for (let j = 0; j < w; j++) digit += bits[i + j]! * 2 ** j
    carry = digit >> (w - 1)
    digits[i] = sign * (digit - (carry << w))
    i += w - 1
  }
  return digits
}

/** Least significant first, as many as any form looks at: 160, of which the last are 0. */
function bitsOf(magnitude: bigint): Uint8Array {
  const bits = new Uint8Array(160)
  for (let at = 0, rest = magnitude; at < bits.length; at += 32, rest >>= 32n) {
    const word = Number(BigInt.asUintN(32, rest))
    for (let i = 0; i < 32; i++) bits[at + i] = (word >>> i) & 1
  }
  return bits
}

function numberOf(scalar: Uint8Array): bigint {
  const view = new DataView(scalar.buffer, scalar.byteOffset, scalar.byteLength)
  let value = 0n
  for (let at = 0; at < 32; at += 8) value = (value << 64n) | view.getBigUint64(at)
  return value
}
