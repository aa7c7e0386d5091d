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

function multiply(point: NoblePoint, k: bigint): Point {
  return fromNoblePoint(k === 0n || point.is0() ? NoblePoint.ZERO : point.multiply(k))
}

export const points: PointArithmetic = {
  add: (a, b) => fromNoblePoint(toNoblePoint(a).add(toNoblePoint(b))),
  multiply: (point, k) => multiply(toNoblePoint(point), toNumber(k)),
  multiplyBase: (k) => multiply(NoblePoint.BASE, toNumber(k)),
  multiplyPublic: (point, k, ofBase) => {
    const product = toNoblePoint(point).multiplyUnsafe(toNumber(k))
    return fromNoblePoint(ofBase === undefined ? product : product.add(NoblePoint.BASE.multiplyUnsafe(toNumber(ofBase))))
  },
}
