import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, test } from 'vitest'
import { decodePoint, decodeUncompressed, encodePoint, encodeUncompressed } from '../../../../src/crypto/curve/secp256k1.ts'
import { equalPoints, identity, isIdentity, prepareEncodings } from '../../../../src/crypto/curve/secp256k1.ts'
import type { Point } from '../../../../src/crypto/curve/secp256k1.ts'
import { digitCount, recode } from '../../../../src/crypto/limbs/digits.ts'
import { double } from '../../../../src/crypto/limbs/secp256k1/points.ts'
import { newElement, multiply } from '../../../../src/crypto/limbs/secp256k1/field.ts'
import { fromNoblePoint, toNoblePoint } from '../../../../src/crypto/reference/points.ts'
import { bytes32, negatedPoint, numberOf, order, pointOf, points, scalarOf } from '../arithmetic.ts'
import { casesOf, drawsFor, fillLimbs } from './operands.ts'

const { Point: Noble } = secp256k1
type NoblePoint = InstanceType<typeof secp256k1.Point>

function nobleMultiple(k: bigint): NoblePoint {
  const reduced = ((k % order) + order) % order
  return reduced === 0n ? Noble.ZERO : Noble.BASE.multiply(reduced)
}

/** Other projective coordinates of the same point, with limbs at the bounds that sums of products have. */
function rescaled(point: Point, draw: ReturnType<typeof drawsFor>): Point {
  const factor = newElement()
  fillLimbs(factor, draw, (i) => 2 ** (22 * i), () => 2 ** 21)
  factor[0] += 1 // not 0
  const times = (coordinate: Point['x']) => {
    const out = newElement()
    multiply(out, coordinate, factor)
    // Limb i up by one carry unit and limb i + 1 down by one: the same value, near 2 units.
    for (let i = 0; i < 11; i += 2) {
      out[i] = (out[i] ?? 0) + 2 ** (22 * (i + 1))
      out[i + 1] = (out[i + 1] ?? 0) - 2 ** (22 * (i + 1))
    }
    return out
  }
  return { x: times(point.x), y: times(point.y), z: times(point.z) }
}

/** Scalars that stress the recoding: every digit at each of its extremes, carries through all windows, edges of q. */
const edgeScalars = [
  ...[0n, 1n, 2n, 7n, 8n, 9n, 15n, 16n, order - 1n, order - 2n, order / 2n, order / 2n + 1n, 2n ** 255n, 2n ** 252n],
  ...['7', '8', '9', 'f', '1', '88888887', '77777778', '80', '0f'].map((digits) => {
    return BigInt(`0x${digits.repeat(64).slice(0, 64)}`) % order
  }),
]

describe('multiples of points', () => {
  test.each(edgeScalars)('of the generator are those of @noble/curves for %s', (k) => {
    expect(toNoblePoint(pointOf(k)).equals(nobleMultiple(k))).toBe(true)
  })

  test.each(edgeScalars)('of another point are those of @noble/curves for %s', (k) => {
    const P = pointOf(0xc0ffeen)
    expect(toNoblePoint(points.combinePublic([[scalarOf(k), P]])).equals(nobleMultiple(0xc0ffeen * k))).toBe(true)
  })

  test('are those of @noble/curves for random scalars, points and coordinates', () => {
    const draw = drawsFor('multiples', order)
    for (let n = casesOf(250); n > 0; n--) {
      const [j, k] = [draw.value(), draw.value()]
      const P = pointOf(j)
      if (!toNoblePoint(P).equals(nobleMultiple(j))) throw new Error(`${j}·G`)
      const Q = points.combinePublic([[scalarOf(k), rescaled(P, draw)]])
      if (!toNoblePoint(Q).equals(nobleMultiple(j * k))) throw new Error(`${k}·(${j}·G)`)
      const l = draw.value()
      const S = points.combinePublic([[scalarOf(k), rescaled(P, draw)]], scalarOf(l))
      if (!toNoblePoint(S).equals(nobleMultiple(j * k + l))) throw new Error(`${k}·(${j}·G) + ${l}·G`)
    }
  })

  test('of the identity are the identity', () => {
    for (const k of edgeScalars) {
      expect(isIdentity(points.combinePublic([[scalarOf(k), identity]]))).toBe(true)
    }
  })

  test('with multiples of the generator are those of @noble/curves for all edges', () => {
    const P = pointOf(0xc0ffeen)
    for (const k of edgeScalars) {
      for (const l of edgeScalars) {
        const found = toNoblePoint(points.combinePublic([[scalarOf(k), P]], scalarOf(l)))
        if (!found.equals(nobleMultiple(0xc0ffeen * k + l))) throw new Error(`${k}·P + ${l}·G`)
      }
      expect(isIdentity(points.combinePublic([[scalarOf(k), P]], scalarOf(-0xc0ffeen * k)))).toBe(true)
    }
  })

  test('summed up are those of @noble/curves: of long, short and no scalars, of equal and of opposite points', () => {
    const draw = drawsFor('combinations', order)
    const lengths = [0n, 2n ** 128n - 1n, 2n ** 128n, 2n ** 129n, order - 1n]
    for (let n = casesOf(300); n > 0; n--) {
      const scalar = () => {
        const bound = lengths[draw.integer(lengths.length)] ?? 0n
        return draw.integer(3) === 0 ? bound : draw.value() % (bound + 1n)
      }
      const own = draw.value()
      const logarithms = [own, [own, -own, draw.value(), 0n][draw.integer(4)] ?? 0n, draw.value()].slice(draw.integer(3))
      const terms = logarithms.map((logarithm) => [scalar(), logarithm] as const)
      const ofBase = draw.integer(2) === 0 ? undefined : scalar()
      const expected = terms.reduce((sum, [k, logarithm]) => sum + k * logarithm, ofBase ?? 0n)
      const found = points.combinePublic(
        terms.map(([k, logarithm]) => [scalarOf(k), rescaled(pointOf(logarithm), draw)]),
        ofBase === undefined ? undefined : scalarOf(ofBase),
      )
      if (!toNoblePoint(found).equals(nobleMultiple(expected))) throw new Error(`${terms.join(' ')} and ${ofBase}`)
    }
    expect(isIdentity(points.combinePublic([]))).toBe(true)
  })
})

test('signed digits add up to the scalar and stay in range', () => {
  const draw = drawsFor('digits', order)
  const digits = new Int8Array(digitCount)
  const values = [...edgeScalars, 2n ** 256n - 1n, ...Array.from({ length: casesOf(5_000) }, () => draw.value())]
  for (const value of values) {
    recode(digits, bytes32(value))
    expect(digits.every((digit) => digit >= -7 && digit <= 8)).toBe(true)
    expect([...digits].reduceRight((sum, digit) => 16n * sum + BigInt(digit), 0n)).toBe(value)
  }
})

test('sums are those of @noble/curves in every special case, whatever the coordinates', () => {
  const draw = drawsFor('sums', order)
  for (let n = casesOf(400); n > 0; n--) {
    const [i, j] = [draw.value(), draw.value()]
    const [P, Q] = [pointOf(i), pointOf(j)]
    const cases = [[P, Q], [P, P], [P, negatedPoint(P)], [P, identity], [identity, Q], [identity, identity]] as const
    for (const [one, two] of cases) {
      const expected = toNoblePoint(one).add(toNoblePoint(two))
      const sum = points.add(rescaled(one, draw), rescaled(two, draw))
      if (!toNoblePoint(sum).equals(expected)) throw new Error(`${i} and ${j}`)
    }
    const doubled = pointOf(i)
    double(doubled, rescaled(P, draw))
    if (!toNoblePoint(doubled).equals(toNoblePoint(P).double())) throw new Error(`twice ${i}`)
  }
})

describe('points as bytes', () => {
  test('are encoded and decoded like those of @noble/curves', () => {
    const draw = drawsFor('encodings', order)
    for (let n = casesOf(2_000); n > 0; n--) {
      const bytes = Uint8Array.of(2 + draw.integer(2), ...bytes32(draw.value()))
      const decoded = decodePoint(bytes)
      const expected = nobleDecoded(bytes)
      if ((decoded === undefined) !== (expected === undefined)) throw new Error(`${numberOf(bytes)}`)
      if (decoded === undefined || expected === undefined) continue
      expect(toNoblePoint(decoded).equals(expected)).toBe(true)
      const again = fromNoblePoint(expected.add(Noble.BASE).subtract(Noble.BASE))
      expect(encodePoint(again)).toEqual(bytes)
      expect(encodeUncompressed(again)).toEqual(expected.toBytes(false))
    }
  })

  test('uncompressed, are read like those of @noble/curves', () => {
    const draw = drawsFor('uncompressed', order)
    for (let n = casesOf(300); n > 0; n--) {
      const valid = Noble.BASE.multiply((draw.value() % (order - 1n)) + 1n).toBytes(false)
      const decoded = decodeUncompressed(valid)
      expect(decoded && toNoblePoint(decoded).equals(Noble.fromBytes(valid))).toBe(true)
      expect(decoded && encodePoint(decoded)).toEqual(Noble.fromBytes(valid).toBytes(true))
      const at = draw.integer(65)
      const spoiled = valid.slice()
      spoiled[at] = (spoiled[at] ?? 0) ^ (1 << draw.integer(8))
      expect(decodeUncompressed(spoiled)).toBeUndefined()
    }
    for (const length of [0, 33, 64, 66]) expect(decodeUncompressed(new Uint8Array(length).fill(4))).toBeUndefined()
  })

  test('are the same when several are prepared together', () => {
    const draw = drawsFor('together', order)
    const numbers = [1n, 2n, 3n, order - 1n, ...Array.from({ length: 20 }, () => (draw.value() % (order - 1n)) + 1n)]
    const rows = numbers.map((k) => rescaled(pointOf(k), draw))
    prepareEncodings(rows)
    expect(rows.map((P) => encodePoint(P))).toEqual(numbers.map((k) => Noble.BASE.multiply(k).toBytes(true)))
    prepareEncodings([])
    expect(() => prepareEncodings([pointOf(1n), identity])).toThrow('infinity')
  })

  test('are equal for any coordinates of a point, and for no other point', () => {
    const draw = drawsFor('equality', order)
    const P = pointOf(5n)
    expect(equalPoints(rescaled(P, draw), rescaled(P, draw))).toBe(true)
    expect(equalPoints(rescaled(P, draw), negatedPoint(P))).toBe(false)
    expect(equalPoints(P, identity)).toBe(false)
    expect(equalPoints(identity, P)).toBe(false)
    expect(equalPoints(rescaled(identity, draw), identity)).toBe(true)
    expect(equalPoints(P, pointOf(6n))).toBe(false)
  })
})

function nobleDecoded(bytes: Uint8Array): NoblePoint | undefined {
  try {
    return Noble.fromBytes(bytes)
  } catch {
    return undefined
  }
}
