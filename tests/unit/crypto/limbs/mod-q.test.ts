import { describe, expect, test } from 'vitest'
import * as numbers from '../../../../src/crypto/limbs/mod-q/numbers.ts'
import { rvole as limbRvole } from '../../../../src/crypto/limbs/mod-q/rvole.ts'
import { scalars } from '../../../../src/crypto/limbs/mod-q/scalars.ts'
import { invertPublic } from '../../../../src/crypto/curve/public-inverse.ts'
import { addProduct, multiplyColumns, newColumns, newLimbs } from '../../../../src/crypto/limbs/product.ts'
import { rvole as nobleRvole } from '../../../../src/crypto/reference/rvole.ts'
import { scalars as nobleScalars } from '../../../../src/crypto/reference/scalars.ts'
import { transfers, width } from '../../../../src/crypto/rvole-shape.ts'
import { bytes32, numberOf, order, scalarOf } from '../arithmetic.ts'
import { seededRng } from '../fixtures.ts'
import { casesOf, drawsFor, fillLimbs, modulo } from './operands.ts'

/** Unlike in the fields, limbs do not carry their weight. */
const valueOf = (limbs: Float64Array) => limbs.reduceRight<bigint>((sum, limb) => (sum << 22n) + BigInt(limb), 0n)
const [a, b, out] = [newLimbs(), newLimbs(), newLimbs()]
const columns = newColumns()
const buffer = new Uint8Array(64)
const view = new DataView(buffer.buffer)

function read(limbs: typeof a, value: bigint): void {
  buffer.set(bytes32(value), 3)
  numbers.readNumber(limbs, view, 3)
}

function expectReduced(limbs: typeof a, expected: bigint): void {
  if (limbs.some((limb) => limb < 0 || limb >= 2 ** 22)) throw new Error('a limb is not canonical')
  if (valueOf(limbs) !== modulo(expected, order)) throw new Error(`${valueOf(limbs)} instead of ${expected} mod q`)
}

test('products, differences and bytes modulo q are those of BigInt', () => {
  const draw = drawsFor('modulo q', order)
  for (let n = casesOf(150_000); n > 0; n--) {
    const [x, y] = [draw.value(), draw.value()]
    read(a, x)
    read(b, y)
    multiplyColumns(columns, a, b)
    columns[23] = 0
    numbers.reduceColumns(out, columns)
    expectReduced(out, x * y)
    numbers.writeNumber(view, 7, out)
    if (numberOf(buffer.subarray(7, 39)) !== (x * y) % order) throw new Error('written wrongly')
    for (let i = 0; i < 12; i++) out[i] = (a[i] ?? 0) - (b[i] ?? 0)
    numbers.reduceNumber(out)
    expectReduced(out, x - y)
  }
})

test('48 bytes become what they are modulo q, tight or canonical', () => {
  const draw = drawsFor('wide', order)
  const top = 2n ** 384n
  const edges = [0n, top - 1n, order << 128n, (order << 128n) - 1n, top - (top % order), top - (top % order) - 1n]
  for (let n = casesOf(60_000); n > 0; n--) {
    const uniform = (draw.value() << 128n) | (draw.value() >> 128n)
    const x = n <= edges.length ? (edges[n - 1] ?? 0n) : uniform
    buffer.set(Buffer.from(x.toString(16).padStart(96, '0'), 'hex'), 5)
    numbers.readWideNumber(out, view, 5)
    if (out.some((limb) => limb < 0 || limb >= 2 ** 47)) throw new Error('a limb beyond its bound')
    numbers.tighten(out)
    if (out.some((limb, i) => limb < 0 || limb >= 2 ** (i < 11 ? 22 : 23))) throw new Error('not tight')
    if (modulo(valueOf(out), order) !== x % order) throw new Error(`another value: ${x}`)
    numbers.reduceNumber(out)
    expectReduced(out, x)
  }
})

test('loose limbs at their bounds, of any signs, reduce exactly', () => {
  const draw = drawsFor('loose', order)
  for (let n = casesOf(40_000); n > 0; n--) {
    fillLimbs(out, draw, () => 1, () => 2 ** 50 - 1)
    const value = valueOf(out)
    numbers.reduceNumber(out)
    expectReduced(out, value)
  }
})

test.each([1, -1])('columns take 32 products of the largest tight numbers between carries, sign %i', (sign) => {
  for (let i = 0; i < 12; i++) a[i] = i < 11 ? 2 ** 22 - 1 : 2 ** 23 - 1
  for (let i = 0; i < 12; i++) b[i] = sign * (a[i] ?? 0)
  columns.fill(0)
  for (let n = 0; n < transfers; n++) {
    addProduct(columns, a, b)
    expect(columns.every((column) => Math.abs(column) < 2 ** 53)).toBe(true)
    if ((n + 1) % 32 === 0) numbers.carryColumns(columns)
  }
  numbers.reduceColumns(out, columns)
  expectReduced(out, BigInt(sign * transfers) * valueOf(a) ** 2n)
})

test('columns at their bounds reduce exactly', () => {
  const draw = drawsFor('columns', order)
  for (let n = casesOf(40_000); n > 0; n--) {
    for (let k = 0; k < 24; k++) columns[k] = Math.trunc(draw.signed() * (k < 23 ? 2 ** 53 - 2 ** 32 : 2 ** 38))
    const value = valueOf(columns)
    numbers.reduceColumns(out, columns)
    expectReduced(out, value)
  }
})

test('scalars compute like BigInt, at the edges too', () => {
  const draw = drawsFor('scalars', order)
  for (let n = casesOf(20_000); n > 0; n--) {
    const [x, y] = [scalarOf(draw.value()), scalarOf(draw.value())]
    for (const operation of ['add', 'subtract', 'multiply'] as const) {
      const [found, expected] = [scalars[operation](x, y), nobleScalars[operation](x, y)]
      if (numberOf(found) !== numberOf(expected)) throw new Error(`${operation} of ${numberOf(x)} and ${numberOf(y)}`)
    }
  }
  for (const value of [1n, 2n, order - 1n, draw.value(), draw.value()]) {
    expect(scalars.multiply(scalarOf(value), invertPublic(scalarOf(value)))).toEqual(scalarOf(1n))
  }
  for (const value of [0n, order - 1n, order, order + 1n, 2n ** 256n - 1n]) {
    expect(scalars.reduce(bytes32(value))).toEqual(scalarOf(value))
  }
})

describe.each([
  ['random', (rng: (length: number) => Uint8Array, length: number) => rng(length)],
  ['all zero', (_: unknown, length: number) => new Uint8Array(length)],
  ['all ones', (_: unknown, length: number) => new Uint8Array(length).fill(255)],
])('RVOLE’s sums over %s pads and choices', (label, fill) => {
  const rng = seededRng(`sums ${label}`)
  const pads = () => fill(rng, transfers * width * 48)
  const pads0 = pads()
  const pads1 = label === 'all ones' ? new Uint8Array(pads0.length) : pads()
  const choices = fill(rng, transfers / 8)
  const inputs = [1n, -1n, numberOf(rng(32)), 0n].map(scalarOf)
  const g = scalars.reduceWide(rng(transfers * 48))
  const theta = scalars.reduceWide(fill(rng, 4 * 48))
  const eta = scalars.reduceWide(fill(rng, 2 * 48))

  test('are those of BigInt', () => {
    const [masked, expected] = [limbRvole, nobleRvole].map((rvole) => rvole.mask(pads0, pads1, inputs))
    if (masked === undefined || expected === undefined) throw new Error('both engines mask')
    expect(masked.tau).toEqual(expected.tau)
    expect(masked.rows.checkValues(theta)).toEqual(expected.rows.checkValues(theta))
    expect(masked.rows.weightedSums(g)).toEqual(expected.rows.weightedSums(g))
    const [own, reference] = [limbRvole, nobleRvole].map((rvole) => rvole.unmask(pads0, choices, masked.tau))
    expect(own?.checkValues(theta, { choices, eta })).toEqual(reference?.checkValues(theta, { choices, eta }))
    expect(own?.weightedSums(g)).toEqual(reference?.weightedSums(g))
    expect(limbRvole.choose(g, choices)).toEqual(nobleRvole.choose(g, choices))
  })

  test('are zero after the rows were erased', () => {
    const { rows } = limbRvole.mask(pads0, pads1, inputs)
    rows.erase()
    expect(rows.weightedSums(g).every((sum) => sum.every((byte) => byte === 0))).toBe(true)
  })
})
