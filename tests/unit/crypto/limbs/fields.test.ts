import { describe, expect, test } from 'vitest'
import * as edwardsBytes from '../../../../src/crypto/limbs/ristretto255/bytes.ts'
import * as edwards from '../../../../src/crypto/limbs/ristretto255/field.ts'
import { squareRootOfRatio } from '../../../../src/crypto/limbs/ristretto255/powers.ts'
import * as weierstrassBytes from '../../../../src/crypto/limbs/secp256k1/bytes.ts'
import * as weierstrass from '../../../../src/crypto/limbs/secp256k1/field.ts'
import { invert, squareRoot } from '../../../../src/crypto/limbs/secp256k1/powers.ts'
import { bytes32, numberOf } from '../arithmetic.ts'
import { casesOf, drawsFor, fillLimbs, integerOf, modulo } from './operands.ts'

const ceilings = Array.from({ length: 25 }, (_, i) => Math.ceil(21.25 * i))
const at = (i: number) => ceilings[i] ?? 0
const reversed = (bytes: Uint8Array) => bytes.slice().reverse()

/** Both fields behind one face: weight of limb i in bits, unit of the bounds, and bytes read as a number. */
const fields = [
  {
    name: 'the field of secp256k1',
    field: weierstrass,
    modulus: 2n ** 256n - 2n ** 32n - 977n,
    weight: (i: number) => 22 * i,
    unit: () => 2 ** 21 + 1,
    product: 128,
    read: (out: weierstrass.FieldElement, value: bigint) => weierstrassBytes.readElement(out, bytes32(value)),
    write: (bytes: Uint8Array, a: weierstrass.FieldElement) => {
      weierstrassBytes.writeElement(bytes, a)
      return numberOf(bytes)
    },
  },
  {
    name: 'the field of ristretto255',
    field: edwards,
    modulus: 2n ** 255n - 19n,
    weight: at,
    unit: (i: number) => Math.floor((1 + 2 ** -6) * 2 ** (at(i + 1) - at(i) - 1)),
    product: 12,
    read: (out: edwards.FieldElement, value: bigint) => edwardsBytes.readElement(out, reversed(bytes32(value))),
    write: (bytes: Uint8Array, a: edwards.FieldElement) => {
      edwardsBytes.writeElement(bytes, a)
      return numberOf(reversed(bytes))
    },
  },
] as const

describe.each(fields)('$name', ({ name, field, modulus, weight, unit, product, read, write }) => {
  const [a, b, out, squared] = [field.newElement(), field.newElement(), field.newElement(), field.newElement()]
  const bytes = new Uint8Array(32)
  const valueOf = (element: typeof a) => integerOf(element, weight)
  const unitsOf = (element: typeof a) =>
    Math.max(...element.map((limb, i) => Math.abs(limb) / 2 ** weight(i) / unit(i)))

  test('multiplies, squares, adds, subtracts and writes like BigInt', () => {
    const draw = drawsFor(name, modulus)
    for (let n = casesOf(500_000); n > 0; n--) {
      const [x, y] = [draw.value(), draw.value()]
      read(a, x)
      read(b, y)
      field.multiply(out, a, b)
      expectEqual(write(bytes, out), (x * y) % modulus, x, y)
      field.square(squared, a)
      expectEqual(write(bytes, squared), (x * x) % modulus, x, y)
      field.subtract(out, out, squared)
      field.add(out, out, b)
      expectEqual(write(bytes, out), modulo(x * y - x * x + y, modulus), x, y)
    }
  })

  test.each(splits(product))('is exact for limbs at the bound of %i and %i units', (boundA, boundB) => {
    const draw = drawsFor(`${name} ${boundA} ${boundB}`, modulus)
    for (let n = casesOf(6_000); n > 0; n--) {
      fillLimbs(a, draw, (i) => 2 ** weight(i), (i) => boundA * unit(i))
      fillLimbs(b, draw, (i) => 2 ** weight(i), (i) => boundB * unit(i))
      field.multiply(out, a, b)
      expectEqual(modulo(valueOf(out), modulus), modulo(valueOf(a) * valueOf(b), modulus), valueOf(a), valueOf(b))
      if (unitsOf(out) > 1) throw new Error(`a product of ${unitsOf(out)} units`)
      if (boundA * boundA > product) continue
      field.square(out, a)
      expectEqual(modulo(valueOf(out), modulus), modulo(valueOf(a) ** 2n, modulus), valueOf(a), 0n)
      if (unitsOf(out) > 1) throw new Error(`a square of ${unitsOf(out)} units`)
    }
  })

  test('is exact at the bound in every combination of signs of equal limbs', () => {
    for (const signs of [0, 0xfff, 0x555, 0xaaa, 0x333, 0xf0f, 1, 0x800]) {
      const side = Math.floor(Math.sqrt(product))
      for (let i = 0; i < 12; i++) {
        a[i] = ((signs >> i) & 1 ? -1 : 1) * side * unit(i) * 2 ** weight(i)
        b[i] = side * unit(i) * 2 ** weight(i)
      }
      field.multiply(out, a, b)
      expect(modulo(valueOf(out), modulus)).toBe(modulo(valueOf(a) * valueOf(b), modulus))
      expect(unitsOf(out)).toBeLessThanOrEqual(1)
    }
  })

  test('carries and writes limbs of up to 2^9 units', () => {
    const draw = drawsFor(`${name} carries`, modulus)
    for (let n = casesOf(20_000); n > 0; n--) {
      fillLimbs(a, draw, (i) => 2 ** weight(i), (i) => 2 ** 9 * unit(i))
      const value = modulo(valueOf(a), modulus)
      expectEqual(write(bytes, a), value, value, 0n)
      field.carry(a)
      expectEqual(modulo(valueOf(a), modulus), value, value, 0n)
      if (unitsOf(a) > 1 + 2 ** -10) throw new Error(`carried to ${unitsOf(a)} units`)
    }
  })

  test('has one form of zero, however it is represented', () => {
    for (const multiple of [0n, 1n]) {
      read(a, multiple * modulus)
      expect(write(bytes, a)).toBe(0n)
    }
    for (const sign of [1, -1]) {
      read(a, modulus - 1n)
      a[0] += 1 // p exactly, in limbs
      field.scale(a, a, sign)
      expect(write(bytes, a)).toBe(0n)
    }
  })

  test('copies by arithmetic for a bit', () => {
    read(a, 5n)
    read(b, modulus - 7n)
    field.copyIf(0, a, b)
    expect(write(bytes, a)).toBe(5n)
    field.copyIf(1, a, b)
    expect(write(bytes, a)).toBe(modulus - 7n)
  })
})

test('inverses and square roots modulo p are what they should be', () => {
  const { modulus, read, write } = fields[0]
  const draw = drawsFor('powers modulo p', modulus)
  const [a, out, bytes] = [weierstrass.newElement(), weierstrass.newElement(), new Uint8Array(32)]
  for (let n = casesOf(3_000); n > 0; n--) {
    const x = draw.value()
    read(a, x)
    invert(out, a)
    expectEqual((write(bytes, out) * x) % modulus, x % modulus === 0n ? 0n : 1n, x, 0n)
    weierstrass.square(a, a)
    squareRoot(out, a)
    const root = write(bytes, out)
    expectEqual((root * root) % modulus, (x * x) % modulus, x, 0n)
  }
})

test('square roots of ratios modulo 2^255 − 19 follow RFC 9496, section 4.2', () => {
  const { modulus, read, write } = fields[1]
  const sqrtMinusOne = 19681161376707505956807079304988542015446066515923890162744021073123829784752n
  const draw = drawsFor('ratios', modulus)
  const [u, v, out, bytes] = [edwards.newElement(), edwards.newElement(), edwards.newElement(), new Uint8Array(32)]
  for (let n = casesOf(3_000); n > 0; n--) {
    const [x, y] = [draw.value(), draw.value()]
    read(u, x)
    read(v, y)
    const wasSquare = squareRootOfRatio(out, u, v)
    const root = write(bytes, out)
    expectEqual(root & 1n, 0n, x, y)
    if (x % modulus === 0n) expectEqual(BigInt(wasSquare), 1n, x, y)
    else if (y % modulus === 0n) expectEqual(BigInt(wasSquare), 0n, x, y)
    if (x % modulus === 0n || y % modulus === 0n) expectEqual(root, 0n, x, y)
    else expectEqual((root * root * y) % modulus, ((wasSquare === 1 ? x : x * sqrtMinusOne) % modulus), x, y)
  }
})

/** Pairs of bounds whose product is the largest allowed. */
function splits(product: number): readonly (readonly [number, number])[] {
  return [
    [1, product],
    [2, product / 2],
    [4, product / 4],
    [Math.sqrt(product), Math.sqrt(product)],
    [product, 1],
  ]
}

/** Far cheaper than `expect` in loops of this length. */
function expectEqual(found: bigint, expected: bigint, x: bigint, y: bigint): void {
  if (found !== expected) throw new Error(`${found} instead of ${expected} for ${x} and ${y}`)
}
