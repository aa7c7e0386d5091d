/**
 * Multiples of points by public scalars: faster than multiply.ts, and the time depends on the scalar. The endomorphism
 * λ·(x, y) = (β·x, y) halves a scalar (Gallant, Lambert and Vanstone, CRYPTO 2001); all halves run through one ladder as
 * non-adjacent forms (Hankerson, Menezes and Vanstone, "Guide to Elliptic Curve Cryptography", algorithms 3.35, 3.74 and
 * 3.77), as long as the longest of them.
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

const newTable = (): readonly LimbPoint[] => Array.from({ length: 2 ** (width - 2) }, newPoint)
/** P, 3P, 5P … 15P, and λ times each. */
const odd = newTable()
const mapped = newTable()
const twice = newPoint()
const entry = newPoint()

/** out = k·P, plus `ofBase`·G where that is given, for public scalars in 32 big-endian bytes. `out` is not P. */
export function multiplyLimbPointPublic(out: LimbPoint, p: LimbPoint, k: Uint8Array, ofBase?: Uint8Array): void {
  const [digits, mappedDigits] = formsOf(k, width)
  const [baseDigits, mappedBaseDigits] = ofBase === undefined ? [none, none] : formsOf(ofBase, baseWidth)
  if (ofBase !== undefined) baseTables ??= buildBaseTables()
  fillTables(p)
  setIdentity(out)
  let i = length - 1
  const isUnused = (at: number) => (digits[at]! | mappedDigits[at]! | baseDigits[at]! | mappedBaseDigits[at]!) === 0
  while (i > 0 && isUnused(i)) i--
  for (; i >= 0; i--) {
    double(out, out)
    addMultiple(out, odd, digits[i]!) // i < length, here and below
    addMultiple(out, mapped, mappedDigits[i]!)
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

function fillTables(p: LimbPoint): void {
  double(twice, p)
  copyPoint(odd[0]!, p)
  for (let i = 1; i < odd.length; i++) addPoints(odd[i]!, odd[i - 1]!, twice)
  for (const [i, { x, y, z }] of odd.entries()) {
    const { x: mappedX, y: mappedY, z: mappedZ } = mapped[i]!
    multiply(mappedX, x, beta)
    mappedY.set(y)
    mappedZ.set(z)
  }
}

type BaseTables = Readonly<{ odd: Float64Array; mapped: Float64Array }>
/** Affine G, 3G … 127G, and λ times each. Built at first use. */
let baseTables: BaseTables | undefined

function buildBaseTables(): BaseTables {
  const points = [generator]
  double(twice, generator)
  while (points.length < 2 ** (baseWidth - 2)) {
    const next = newPoint()
    addPoints(next, points.at(-1)!, twice) // not empty
    points.push(next)
  }
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

function formsOf(k: Uint8Array, digitWidth: number): readonly [Int8Array, Int8Array] {
  const [first, second] = halvesOf(BigInt(`0x${hexOf(k)}`))
  return [nonAdjacentForm(first, digitWidth), nonAdjacentForm(second, digitWidth)]
}

/** k1 and k2 with k1 + k2·λ ≡ k (mod q), each below 2^129 in magnitude. */
function halvesOf(k: bigint): readonly [bigint, bigint] {
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

/** Least significant first, as many as any form looks at. */
function bitsOf(magnitude: bigint): Uint8Array {
  const bits = new Uint8Array(length + baseWidth)
  const hex = magnitude.toString(16)
  for (let i = 0; i < hex.length; i++) {
    const nibble = Number.parseInt(hex.charAt(hex.length - 1 - i), 16)
    for (let j = 0; j < 4; j++) bits[4 * i + j] = (nibble >>> j) & 1
  }
  return bits
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
