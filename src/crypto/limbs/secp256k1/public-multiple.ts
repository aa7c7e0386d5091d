/**
 * Multiples of points by public scalars: faster than multiply.ts, and the time depends on the scalar. The endomorphism
 * λ·(x, y) = (β·x, y) halves the scalar (Gallant, Lambert and Vanstone, CRYPTO 2001); both halves run through one ladder
 * as non-adjacent forms of width 5 (Hankerson, Menezes and Vanstone, "Guide to Elliptic Curve Cryptography", algorithms
 * 3.35, 3.74 and 3.77).
 */
import { readElement } from './bytes.ts'
import { multiply, newElement, scale } from './field.ts'
import { addPoints, copyPoint, double, newPoint, setIdentity, type LimbPoint } from './points.ts'

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
/** (a1, b1) and (a2, a1) are the short vectors with a + b·λ ≡ 0 (mod q). */
const a1 = 0x3086d221a7d46bcde86c90e49284eb15n
const b1 = -0xe4437ed6010e88286f547fa90abfe4c3n
const a2 = 0x114ca50f7a8e2f3f657c1108d9d44cfd8n
/** β, a cube root of 1 modulo p, that belongs to λ. */
const beta = newElement()
readElement(beta, bytesOf('7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee'))

const width = 5
/** Halves are below 2^129; the form of one may be a digit longer. */
const length = 131

const newTable = (): readonly LimbPoint[] => Array.from({ length: 2 ** (width - 2) }, newPoint)
/** P, 3P, 5P … 15P, and λ times each. */
const odd = newTable()
const mapped = newTable()
const twice = newPoint()
const entry = newPoint()

/** out = k·P, for a public k in 32 big-endian bytes. */
export function multiplyLimbPointPublic(out: LimbPoint, p: LimbPoint, k: Uint8Array): void {
  const [first, second] = halvesOf(BigInt(`0x${hexOf(k)}`))
  const [digits, mappedDigits] = [nonAdjacentForm(first), nonAdjacentForm(second)]
  fillTables(p)
  setIdentity(out)
  for (let i = length - 1; i >= 0; i--) {
    double(out, out)
    addMultiple(out, odd, digits[i]!) // i < length, here and below
    addMultiple(out, mapped, mappedDigits[i]!)
  }
}

function addMultiple(sum: LimbPoint, table: readonly LimbPoint[], digit: number): void {
  if (digit === 0) return
  copyPoint(entry, table[(Math.abs(digit) - 1) / 2]!) // digits are odd and below 2·8
  if (digit < 0) scale(entry.y, entry.y, -1)
  addPoints(sum, sum, entry)
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

/** k1 and k2 with k1 + k2·λ ≡ k (mod q), each below 2^129 in magnitude. */
function halvesOf(k: bigint): readonly [bigint, bigint] {
  const rounded = (product: bigint) => (product + order / 2n) / order
  const [c1, c2] = [rounded(a1 * k), rounded(-b1 * k)]
  return [k - c1 * a1 - c2 * a2, -c1 * b1 - c2 * a1]
}

/** Digits from −15 to 15, odd or 0, with Σ digitsᵢ·2^i = k. */
function nonAdjacentForm(k: bigint): Int8Array {
  const digits = new Int8Array(length)
  const sign = k < 0n ? -1 : 1
  const bits = (k < 0n ? -k : k).toString(2)
  const bit = (i: number) => (bits[bits.length - 1 - i] === '1' ? 1 : 0)
  let carry = 0
  for (let i = 0; i < length; i++) {
    if (bit(i) === carry) continue
    let digit = carry
    for (let j = 0; j < width; j++) digit += bit(i + j) * 2 ** j
    carry = digit >> (width - 1)
    digits[i] = sign * (digit - (carry << width))
    i += width - 1
  }
  return digits
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}
