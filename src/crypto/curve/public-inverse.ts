/** Inverses modulo q of public scalars, by noble's extended Euclid: its time depends on the operand. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Scalar } from './scalar.ts'

const { Fn } = secp256k1.Point

/** 1/a. Throws for 0. */
export function invertPublic(a: Scalar): Scalar {
  return Fn.toBytes(Fn.inv(Fn.fromBytes(a))) as Scalar // below q
}
