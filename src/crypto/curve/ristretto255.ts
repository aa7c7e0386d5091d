/** ristretto255 (RFC 9496) for base OT, on @noble/curves: a prime-order group with cheap hashing to it. */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import type { Rng } from '../protocol.ts'

const { Point } = ristretto255
type NobleElement = InstanceType<typeof Point>

/** An element with its canonical encoding, which is what gets hashed and sent. */
export type Element = Readonly<{ point: NobleElement; bytes: Uint8Array }>
export type ElementScalar = bigint

export const elementLength = 32
/** Uniform bytes mapped to one element. */
export const uniformLength = 64

/** A uniform scalar other than zero. */
export function randomElementScalar(rng: Rng): ElementScalar {
  const bytes = rng(64)
  const scalar = bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) % Point.Fn.ORDER
  bytes.fill(0)
  if (scalar === 0n) throw new Error('the random number generator returned zero modulo the group order')
  return scalar
}

/** An element nobody knows a discrete logarithm of, from 64 uniform bytes (RFC 9496 section 4.3.4). */
export function elementFromUniform(bytes: Uint8Array): NobleElement {
  const map = ristretto255_hasher.deriveToCurve
  if (map === undefined) throw new Error('@noble/curves has no ristretto255 map')
  return map(bytes)
}

/** k·G for a secret k. */
export function multiplyElementBase(k: ElementScalar): NobleElement {
  return Point.BASE.multiply(k)
}

/** k·P for a secret k. */
export function multiplyElement(point: NobleElement, k: ElementScalar): NobleElement {
  return point.multiply(k)
}

/** The same element, prepared for many multiplications by secrets. */
export function withTable(point: NobleElement): NobleElement {
  return point.precompute(6)
}

export function element(point: NobleElement): Element {
  return { point, bytes: point.toBytes() }
}

/** Decodes the canonical encoding of an element other than the identity; anything else: undefined. */
export function decodeElement(bytes: Uint8Array): Element | undefined {
  try {
    const point = Point.fromBytes(bytes)
    return point.is0() ? undefined : { point, bytes }
  } catch {
    return undefined
  }
}
