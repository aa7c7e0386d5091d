/** ristretto255 by @noble/curves. */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { element, type ElementPoint, type ElementScalar } from '../curve/ristretto255.ts'
import type { ElementArithmetic } from '../engine.ts'
import { decodeElement } from '../limbs/ristretto255/encoding.ts'
import { newPoint } from '../limbs/ristretto255/points.ts'
import { toBytes, toNumber } from './numbers.ts'

const { Point } = ristretto255
type NobleElement = InstanceType<typeof ristretto255.Point>

/** By way of the encoding: two representatives of one element are the same to everyone. */
function toNobleElement(point: ElementPoint): NobleElement {
  return Point.fromBytes(element(point).bytes)
}

function fromNobleElement(noble: NobleElement): ElementPoint {
  const point = newPoint()
  if (!decodeElement(point, noble.toBytes())) throw new Error('an element of @noble/curves does not decode')
  return point
}

function multiply(noble: NobleElement, k: ElementScalar): ElementPoint {
  const number = toNumber(k)
  return fromNobleElement(number === 0n || noble.is0() ? Point.ZERO : noble.multiply(number))
}

export const elements: ElementArithmetic = {
  reduceWide: (bytes) => toBytes(toNumber(bytes) % Point.Fn.ORDER) as ElementScalar, // just reduced
  fromUniform: (bytes) => {
    const map = ristretto255_hasher.deriveToCurve
    if (map === undefined) throw new Error('@noble/curves has no ristretto255 map')
    return fromNobleElement(map(bytes))
  },
  add: (a, b) => fromNobleElement(toNobleElement(a).add(toNobleElement(b))),
  subtract: (a, b) => fromNobleElement(toNobleElement(a).subtract(toNobleElement(b))),
  multiply: (point, k) => multiply(toNobleElement(point), k),
  multiplyBase: (k) => multiply(Point.BASE, k),
  multiplier: (point) => {
    const base = toNobleElement(point).precompute(6)
    return (k) => multiply(base, k)
  },
}
