/** secp256k1 by @noble/curves. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Point } from '../curve/secp256k1.ts'
import type { PointArithmetic } from '../engine.ts'
import { readElement, writeElement } from '../limbs/secp256k1/bytes.ts'
import { newPoint } from '../limbs/secp256k1/points.ts'
import { toBytes, toNumber } from './numbers.ts'

const { Point: NoblePoint } = secp256k1
type NoblePoint = InstanceType<typeof NoblePoint>

export function toNoblePoint({ x, y, z }: Point): NoblePoint {
  const number = (coordinate: Point['x']) => {
    const bytes = new Uint8Array(32)
    writeElement(bytes, coordinate)
    return toNumber(bytes)
  }
  return new NoblePoint(number(x), number(y), number(z))
}

export function fromNoblePoint({ X, Y, Z }: NoblePoint): Point {
  const point = newPoint()
  readElement(point.x, toBytes(X))
  readElement(point.y, toBytes(Y))
  readElement(point.z, toBytes(Z))
  return point
}

export const points: PointArithmetic = {
  add: (a, b) => fromNoblePoint(toNoblePoint(a).add(toNoblePoint(b))),
  multiplyBase: (k) => {
    const number = toNumber(k)
    return fromNoblePoint(number === 0n ? NoblePoint.ZERO : NoblePoint.BASE.multiply(number))
  },
  combinePublic: (terms, ofBase) => {
    const products = terms.map(([k, point]) => toNoblePoint(point).multiplyUnsafe(toNumber(k)))
    if (ofBase !== undefined) products.push(NoblePoint.BASE.multiplyUnsafe(toNumber(ofBase)))
    return fromNoblePoint(products.reduce((sum, product) => sum.add(product), NoblePoint.ZERO))
  },
}
