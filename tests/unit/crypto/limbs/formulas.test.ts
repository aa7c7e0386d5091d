/**
 * The point formulas as polynomials: they hold for any numbers, points or not, so coordinates can be at the bounds that
 * the comments in points.ts claim, which those of real points hardly ever reach together.
 */
import { expect, test } from 'vitest'
import * as edwards from '../../../../src/crypto/limbs/ristretto255/points.ts'
import type { Limbs } from '../../../../src/crypto/limbs/product.ts'
import { addAffine, addPoints, double, newPoint } from '../../../../src/crypto/limbs/secp256k1/points.ts'
import { casesOf, drawsFor, fillLimbs, integerOf, modulo, type Draw } from './operands.ts'

const weierstrass = { modulus: 2n ** 256n - 2n ** 32n - 977n, weight: (i: number) => 22 * i, unit: () => 2 ** 21 + 1 }
const ceilings = Array.from({ length: 13 }, (_, i) => Math.ceil(21.25 * i))
const at = (i: number) => ceilings[i] ?? 0
const twisted = {
  modulus: 2n ** 255n - 19n,
  weight: at,
  unit: (i: number) => Math.floor((1 + 2 ** -6) * 2 ** (at(i + 1) - at(i) - 1)),
}
type Field = typeof twisted

/** Coordinates of up to `units` units; in the first cases all at the bound with the given signs. */
function fill(field: Field, coordinates: readonly Limbs[], units: number, draw: Draw, n: number) {
  coordinates.forEach((limbs, c) => {
    const bound = (i: number) => units * field.unit(i)
    fillLimbs(limbs, draw, (i) => 2 ** field.weight(i), bound)
    const sign = (n >> c) & 1 ? -1 : 1
    if (n < 2 ** 6) for (let i = 0; i < 12; i++) limbs[i] = sign * bound(i) * 2 ** field.weight(i)
  })
  return coordinates.map((limbs) => integerOf(limbs, field.weight))
}

function check(field: Field, units: number, found: readonly Limbs[], expected: readonly bigint[]): void {
  found.forEach((limbs, i) => {
    expect(modulo(integerOf(limbs, field.weight), field.modulus)).toBe(modulo(expected[i] ?? 0n, field.modulus))
    const largest = Math.max(...limbs.map((limb, k) => Math.abs(limb) / 2 ** field.weight(k) / field.unit(k)))
    expect(largest).toBeLessThanOrEqual(units)
  })
}

test('addition on secp256k1 is exact for coordinates of 2 units', () => {
  const draw = drawsFor('addition', weierstrass.modulus)
  const [p, q, out] = [newPoint(), newPoint(), newPoint()]
  for (let n = 0; n < casesOf(2_000); n++) {
    const [x1, y1, z1, x2, y2, z2] = fill(weierstrass, [p.x, p.y, p.z, q.x, q.y, q.z], 2, draw, n) as Six
    addPoints(out, p, q)
    check(weierstrass, 2, [out.x, out.y, out.z], sum(x1, y1, z1, x2, y2, z2))
    const [x, y] = fill(weierstrass, [q.x, q.y], 1, draw, n) as [bigint, bigint]
    addAffine(out, p, q.x, q.y)
    check(weierstrass, 2, [out.x, out.y, out.z], sum(x1, y1, z1, x, y, 1n))
  }
})

test('doubling on secp256k1 is exact for coordinates of 2 units', () => {
  const draw = drawsFor('doubling', weierstrass.modulus)
  const [p, out] = [newPoint(), newPoint()]
  for (let n = 0; n < casesOf(2_000); n++) {
    const [x, y, z] = fill(weierstrass, [p.x, p.y, p.z], 2, draw, n) as [bigint, bigint, bigint]
    double(out, p)
    const [minus, plus] = [y * y - 63n * z * z, y * y + 21n * z * z]
    check(weierstrass, 2, [out.x, out.y, out.z], [
      2n * x * y * minus,
      minus * plus + 168n * y * y * z * z,
      8n * y * y * y * z,
    ])
  }
})

test('addition and doubling on the Edwards curve are exact for coordinates of 1 unit', () => {
  const draw = drawsFor('Edwards formulas', twisted.modulus)
  const [p, q, out] = [edwards.newPoint(), edwards.newCached(), edwards.newPoint()]
  for (let n = 0; n < casesOf(2_000); n++) {
    const [x, y, z, t] = fill(twisted, [p.x, p.y, p.z, p.t], 1, draw, n) as [bigint, bigint, bigint, bigint]
    const [sumOf, difference, t2d, z2] = fill(twisted, [q.sum, q.difference, q.t2d, q.z2], 2, draw, n) as Four
    edwards.addCached(out, p, q)
    const [a, b] = [(y + x) * sumOf, (y - x) * difference]
    const [c, d] = [t * t2d, z * z2]
    const [e, f, g, h] = [a - b, d - c, d + c, a + b]
    check(twisted, 1, [out.x, out.y, out.z, out.t], [e * f, g * h, f * g, e * h])
    edwards.double(out, p, true)
    const [e2, g2, h2] = [2n * x * y, y * y - x * x, -(x * x + y * y)]
    const f2 = g2 - 2n * z * z
    check(twisted, 1, [out.x, out.y, out.z, out.t], [e2 * f2, g2 * h2, f2 * g2, e2 * h2])
  }
})

type Four = [bigint, bigint, bigint, bigint]
type Six = [bigint, bigint, bigint, bigint, bigint, bigint]

/** Renes, Costello and Batina (ePrint 2015/1060): the sum for a = 0 and 3b = 21, before it is scheduled. */
function sum(x1: bigint, y1: bigint, z1: bigint, x2: bigint, y2: bigint, z2: bigint): readonly bigint[] {
  const [xy, yz, xz] = [x1 * y2 + x2 * y1, y1 * z2 + y2 * z1, x1 * z2 + x2 * z1]
  const [minus, plus] = [y1 * y2 - 21n * z1 * z2, y1 * y2 + 21n * z1 * z2]
  return [xy * minus - 21n * yz * xz, plus * minus + 63n * x1 * x2 * xz, yz * plus + 3n * x1 * x2 * xy]
}
