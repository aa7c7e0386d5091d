/** The engine that the protocols run on: float64 limbs. */
import type { ElementPoint, ElementScalar } from '../curve/ristretto255.ts'
import type { Engine } from '../engine.ts'
import { hashParts } from '../hash.ts'
import { rvole } from './mod-q/rvole.ts'
import { scalars } from './mod-q/scalars.ts'
import { mapUniform } from './ristretto255/encoding.ts'
import * as edwards from './ristretto255/multiply.ts'
import { addCached, cache, negateCached, newCached, wipePointScratch } from './ristretto255/points.ts'
import { newPoint as newEdwardsPoint } from './ristretto255/points.ts'
import { reduceWide } from './ristretto255/scalars.ts'
import { multiplyLimbBase } from './secp256k1/multiply.ts'
import { addPoints, newPoint } from './secp256k1/points.ts'
import { combineLimbPointsPublic } from './secp256k1/public-multiple.ts'

export const limbEngine: Engine = {
  scalars,
  points: {
    add: (a, b) => into(newPoint(), (out) => addPoints(out, a, b)),
    multiplyBase: (k) => into(newPoint(), (out) => multiplyLimbBase(out, k)),
    combinePublic: (terms, ofBase) =>
      into(newPoint(), (out) => combineLimbPointsPublic(out, terms, ofBase)),
  },
  elements: {
    // What is written is below the order.
    reduceWide: (bytes) => into(new Uint8Array(32) as ElementScalar, (out) => reduceWide(out, bytes)),
    fromUniform: (bytes) => into(newEdwardsPoint(), (out) => mapUniform(out, bytes)),
    add: (a, b) => sum(a, b, false),
    subtract: (a, b) => sum(a, b, true),
    multiply: (point, k) => into(newEdwardsPoint(), (out) => edwards.multiplyEdwardsPoint(out, point, k)),
    multiplyBase: (k) => into(newEdwardsPoint(), (out) => edwards.multiplyGenerator(out, k)),
    multiplier: (point) => {
      const table = edwards.multiplesTable(point)
      return (k) => into(newEdwardsPoint(), (out) => edwards.multiplyWithTable(out, table, k))
    },
  },
  rvole,
  sha256: hashParts,
}

const cached = newCached()

function sum(a: ElementPoint, b: ElementPoint, negateB: boolean): ElementPoint {
  const out = newEdwardsPoint()
  cache(cached, b)
  if (negateB) negateCached(cached)
  addCached(out, a, cached)
  for (const part of [cached.sum, cached.difference, cached.t2d, cached.z2]) part.fill(0)
  wipePointScratch()
  return out
}

function into<Out>(out: Out, write: (out: Out) => void): Out {
  write(out)
  return out
}
