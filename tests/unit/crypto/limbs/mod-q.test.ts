import { describe, expect, test, vi } from 'vitest'
import * as numbers from '../../../../src/crypto/limbs/mod-q/numbers.ts'
import { rvole as limbRvole } from '../../../../src/crypto/limbs/mod-q/rvole.ts'
import { scalars } from '../../../../src/crypto/limbs/mod-q/scalars.ts'
import { invertPublic } from '../../../../src/crypto/curve/public-inverse.ts'
import { carryColumns, reduceColumns, reduceShortColumns } from '../../../../src/crypto/limbs/mod-q/reduction.ts'
import { addProduct, multiplyColumns, newColumns, newLimbs, sumOfShortProducts } from '../../../../src/crypto/limbs/product.ts'
import { rvole as nobleRvole } from '../../../../src/crypto/reference/rvole.ts'
import { scalars as nobleScalars } from '../../../../src/crypto/reference/scalars.ts'
import { padLength, transfers, width } from '../../../../src/crypto/rvole-shape.ts'
import { bytes32, numberOf, order, scalarOf } from '../arithmetic.ts'
import { seededRng } from '../fixtures.ts'
import { casesOf, drawsFor, fillLimbs, integerOf, modulo } from './operands.ts'

const weight = (i: number) => 2 ** (22 * i)
const valueOf = (limbs: Float64Array) => integerOf(limbs, (i) => 22 * i)
const [a, b, c, d, e, out] = [newLimbs(), newLimbs(), newLimbs(), newLimbs(), newLimbs(), newLimbs()]
const columns = newColumns()
const buffer = new Uint8Array(64)
const view = new DataView(buffer.buffer)

function read(limbs: typeof a, value: bigint): void {
  buffer.set(bytes32(value), 3)
  numbers.readNumber(limbs, view, 3)
}

function written(limbs: typeof a): bigint {
  numbers.writeNumber(view, 7, limbs)
  return numberOf(buffer.subarray(7, 39))
}

function expectWritten(limbs: typeof a, expected: bigint): void {
  const found = written(limbs)
  if (found !== modulo(expected, order)) throw new Error(`${found} instead of ${expected} mod q`)
}

/** `columns` ≡ value; what comes out is within the bounds that writing takes. */
function expectReduced(value: bigint): void {
  reduceColumns(out, columns)
  expectWithin(2 ** 24.2, 2n ** 263n + 2n ** 245n)
  expectWritten(out, value)
}

/** The same for 17 columns, of which more is left in the limbs. */
function expectShortReduced(value: bigint): void {
  reduceShortColumns(out, columns)
  expectWithin(2 ** 28.3, 2n ** 263n + 2n ** 248n)
  expectWritten(out, value)
}

/** Each limb of `out` below a bound, in units of its weight, and its value not beyond another. */
function expectWithin(limbBound: number, valueBound: bigint): void {
  if (out.some((limb, i) => Math.abs(limb) / weight(i) >= limbBound)) throw new Error('a limb beyond its bound')
  const magnitude = valueOf(out) < 0n ? -valueOf(out) : valueOf(out)
  if (magnitude > valueBound) throw new Error(`a value beyond its bound: ${valueOf(out)}`)
}

test('products, differences and bytes modulo q are those of BigInt', () => {
  const draw = drawsFor('modulo q', order)
  for (let n = casesOf(500_000); n > 0; n--) {
    const [x, y, z] = [draw.value(), draw.value(), draw.value()]
    read(a, x)
    read(b, y)
    read(c, z)
    if (valueOf(a) !== x) throw new Error(`${valueOf(a)} read from ${x}`)
    multiplyColumns(columns, a, b)
    columns[23] = 0
    expectReduced(x * y)
    const [short, other] = [z >> 128n, x >> 128n]
    read(d, short)
    read(e, other)
    columns.fill(NaN, 17) // neither written nor read
    sumOfShortProducts(columns, d, b, e, c)
    expectShortReduced(short * y + other * z)
    numbers.subtractAndAdd(out, a, b, c)
    expectWritten(out, x - y + z)
    const bit = n & 1
    numbers.addTimes(a, bit, b)
    expectWritten(a, x + BigInt(bit) * y)
  }
})

test('48 bytes become what they are modulo q', () => {
  const draw = drawsFor('wide', order)
  const top = 2n ** 384n
  const edges = [0n, top - 1n, order << 128n, (order << 128n) - 1n, top - (top % order), top - (top % order) - 1n]
  for (let n = casesOf(20_000); n > 0; n--) {
    const uniform = (draw.value() << 128n) | (draw.value() >> 128n)
    const x = n <= edges.length ? (edges[n - 1] ?? 0n) : uniform
    buffer.set(Buffer.from(x.toString(16).padStart(96, '0'), 'hex'), 5)
    numbers.readWideNumber(columns, view, 5)
    if (valueOf(columns) !== x) throw new Error(`${valueOf(columns)} read from ${x}`)
    expectReduced(x)
  }
})

test('what is written is canonical, for limbs and values at their bounds', () => {
  const draw = drawsFor('loose', order)
  for (let n = casesOf(40_000); n > 0; n--) {
    // The last limb decides the value; the others may be anything below 2^29.
    fillLimbs(out, draw, weight, (i) => (i < 11 ? 2 ** 29 - 1 : 2 ** 21))
    expectWritten(out, valueOf(out))
  }
  for (const last of [-(2 ** 22) + 2 ** 8, 2 ** 22 - 1]) {
    out.fill(0)
    out[11] = last * weight(11)
    expectWritten(out, valueOf(out))
  }
  for (const value of [0n, 1n, order - 1n, order, order + 1n, 2n ** 256n - 1n]) {
    read(out, value)
    expectWritten(out, value)
    for (let i = 0; i < 12; i++) out[i] = -(out[i] ?? 0)
    expectWritten(out, -value)
  }
})

test.each([1, -1])('columns take 416 products of the largest rows, carried every eight, sign %i', (sign) => {
  for (let i = 0; i < 12; i++) a[i] = (2 ** (i < 11 ? 22 : 14) - 1) * weight(i)
  for (let i = 0; i < 12; i++) b[i] = 2 * sign * (a[i] ?? 0)
  const [x, y] = [valueOf(a), valueOf(b)]
  columns.fill(0)
  for (let n = 0; n < transfers; n++) {
    addProduct(columns, a, b)
    expect(columns.every((column, k) => Math.abs(column) / weight(k) < 2 ** 52)).toBe(true)
    if ((n + 1) % 8 === 0) carryColumns(columns)
  }
  carryColumns(columns)
  expect(Math.abs(columns[23]) / weight(23)).toBeLessThan(2 ** 27)
  expectReduced(BigInt(transfers) * x * y)
})

test('columns at their bounds carry and reduce exactly', () => {
  const draw = drawsFor('columns', order)
  for (let n = casesOf(40_000); n > 0; n--) {
    const signs = n < 64 ? n : null // the first ones all at the bound
    const fill = (bits: number, last: number) => {
      for (let k = 0; k < 24; k++) {
        const factor = signs === null ? draw.signed() : (signs >> (k % 6)) & 1 ? 1 : -1
        columns[k] = Math.trunc(factor * (2 ** (k < 23 ? bits : last) - 1)) * weight(k)
      }
      return valueOf(columns)
    }
    const value = fill(50, 27)
    expectReduced(value)
    fill(49, 27)
    columns.fill(0, 17)
    expectShortReduced(valueOf(columns))
    const large = fill(52, 29)
    carryColumns(columns)
    if (valueOf(columns) !== large) throw new Error('carried to another value')
    if (columns.some((column, k) => Math.abs(column) / weight(k) >= 2 ** 31)) throw new Error('carried to too much')
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
  const pads = () => fill(rng, transfers * width * padLength)
  const pads0 = pads()
  const pads1 = label === 'all ones' ? new Uint8Array(pads0.length) : pads()
  const choices = fill(rng, transfers / 8)
  const inputs = [1n, -1n, numberOf(rng(32))].map(scalarOf)
  const g = rng(transfers * padLength)
  const theta = [scalarOf(numberOf(fill(rng, 16))), scalarOf(numberOf(fill(rng, 16)))] as const
  const eta = scalarOf(numberOf(fill(rng, 32)))

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

  test('are overwritten with the rows, which cannot be used any more', () => {
    const { rows } = limbRvole.mask(pads0, pads1, inputs)
    const fill = vi.spyOn(Object.getPrototypeOf(Float64Array.prototype) as Float64Array, 'fill')
    rows.erase()
    const [memory] = fill.mock.contexts as readonly unknown[]
    fill.mockRestore()
    expect(memory instanceof Float64Array && memory.length === transfers * width * 12).toBe(true)
    expect(memory instanceof Float64Array && memory.every((limb) => limb === 0)).toBe(true)
    expect(() => rows.weightedSums(g)).toThrow('erased')
    expect(() => rows.checkValues(theta)).toThrow('erased')
  })
})

test('RVOLE’s sums are those of BigInt where every number is the largest there is', () => {
  const ones = (length: number) => new Uint8Array(length).fill(255)
  const [pads, g, choices] = [ones(transfers * width * padLength), ones(transfers * padLength), ones(transfers / 8)]
  const eta = scalarOf(-1n)
  const tau = Uint8Array.from({ length: transfers * width * 32 }, (_, i) => eta[i % 32] ?? 0)
  const theta = [scalarOf(2n ** 128n - 1n), scalarOf(2n ** 128n - 1n)] as const
  const sums = [limbRvole, nobleRvole].map((rvole) => {
    const rows = rvole.unmask(pads, choices, tau)
    return [rows.checkValues(theta, { choices, eta }), rows.weightedSums(g), rvole.choose(g, choices)]
  })
  expect(sums[0]).toEqual(sums[1])
})

test('an operation that was cut short does not change the next one', () => {
  const rng = seededRng('cut short')
  const pads = [0, 1].map(() => rng(transfers * width * padLength))
  const [pads0 = new Uint8Array(0), pads1 = pads0] = pads
  const theta = [scalarOf(5n), scalarOf(2n ** 127n)] as const
  const inputs = [1n, 2n, 3n].map(scalarOf)
  const { rows } = limbRvole.mask(pads0, pads1, inputs)
  expect(() => rows.weightedSums(rng(9 * padLength))).toThrow(RangeError)
  expect(rows.checkValues(theta)).toEqual(nobleRvole.mask(pads0, pads1, inputs).rows.checkValues(theta))
})

test('rows that were erased twice are memory for one exchange, and not for two', () => {
  const rng = seededRng('erased twice')
  const inputs = [1n, 2n, 3n].map(scalarOf)
  const g = rng(transfers * padLength)
  const masked = () => {
    const [pads0, pads1] = [rng(transfers * width * padLength), rng(transfers * width * padLength)]
    const expected = nobleRvole.mask(pads0, pads1, inputs).rows.weightedSums(g)
    return { rows: limbRvole.mask(pads0, pads1, inputs).rows, expected }
  }
  const { rows } = masked()
  rows.erase()
  rows.erase()
  const exchanges = [masked(), masked()]
  rows.erase() // late: its memory is the first one's now
  for (const one of exchanges) expect(one.rows.weightedSums(g)).toEqual(one.expected)
})

test('no operation leaves anything in scratch memory', () => {
  const rng = seededRng('scratch')
  const pads = rng(transfers * width * padLength)
  const g = rng(transfers * padLength)
  const choices = rng(transfers / 8)
  const theta = [scalarOf(5n), scalarOf(2n ** 127n)] as const
  const eta = scalarOf(-5n)
  const [x, y] = [7n, -7n].map(scalarOf)
  if (x === undefined || y === undefined) throw new Error('two scalars')
  const { tau, rows } = limbRvole.mask(pads, rng(pads.length), [x, y, x])
  const operations = [
    () => limbRvole.choose(g, choices),
    () => limbRvole.mask(pads, pads, [x, y, x]).rows.erase(),
    () => limbRvole.unmask(pads, choices, tau).erase(),
    () => rows.checkValues(theta),
    () => rows.checkValues(theta, { choices, eta }),
    () => rows.weightedSums(g),
    () => scalars.reduceWide(pads.slice(0, 96)),
    () => scalars.reduce(x),
    ...(['add', 'subtract', 'multiply'] as const).map((name) => () => scalars[name](x, y)),
  ]
  // All scratch memory is overwritten by somebody: that tells where it is.
  const fill = vi.spyOn(Object.getPrototypeOf(Float64Array.prototype) as Float64Array, 'fill')
  for (const operate of operations) operate()
  const filled: readonly unknown[] = fill.mock.contexts
  const scratch = new Set(filled.filter((one) => one instanceof Float64Array).filter(({ length }) => length <= 24))
  fill.mockRestore()
  expect(scratch.size).toBe(4 + 4 + 3) // of rvole.ts, of scalars.ts, and a fresh array for each input of `mask`
  for (const [i, operate] of operations.entries()) {
    operate()
    for (const limbs of scratch) expect([i, limbs.every((limb) => limb === 0)]).toEqual([i, true])
  }
})
