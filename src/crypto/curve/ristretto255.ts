/** Elements of ristretto255 (RFC 9496) as values: how they are represented and encoded. Arithmetic is the engine's. */
import { isAllZero } from '../bytes.ts'
import type { ElementArithmetic } from '../engine.ts'
import { decodeElement as decode, encodeElement as encode } from '../limbs/ristretto255/encoding.ts'
import { newPoint, type EdwardsPoint } from '../limbs/ristretto255/points.ts'
import type { Rng } from '../protocol.ts'

/** Extended coordinates. Never changed once made, but to overwrite them. */
export type ElementPoint = EdwardsPoint

declare const belowOrder: unique symbol
/** 32 big-endian bytes below the group order. */
export type ElementScalar = Uint8Array & Readonly<{ [belowOrder]: true }>

/** An element with its canonical encoding, which is what gets hashed and sent. */
export type Element = Readonly<{ point: ElementPoint; bytes: Uint8Array }>

export const elementLength = 32
/** Uniform bytes mapped to one element. */
export const uniformLength = 64

/** A uniform scalar other than zero. */
export function randomElementScalar({ reduceWide }: Pick<ElementArithmetic, 'reduceWide'>, rng: Rng): ElementScalar {
  const bytes = rng(64)
  const scalar = reduceWide(bytes)
  bytes.fill(0)
  if (isAllZero(scalar)) throw new Error('the random number generator returned zero modulo the group order')
  return scalar
}

export function element(point: ElementPoint): Element {
  const bytes = new Uint8Array(elementLength)
  encode(bytes, point)
  return { point, bytes }
}

/** Overwrites an element that is secret. */
export function wipeElement({ point, bytes }: Element): void {
  bytes.fill(0)
  wipeElementPoint(point)
}

export function wipeElementPoint({ x, y, z, t }: ElementPoint): void {
  for (const coordinate of [x, y, z, t]) coordinate.fill(0)
}

/** Decodes the canonical encoding of an element other than the identity; anything else: undefined. */
export function decodeElement(bytes: Uint8Array): Element | undefined {
  if (bytes.length !== elementLength || isAllZero(bytes)) return undefined
  const point = newPoint()
  return decode(point, bytes) ? { point, bytes } : undefined
}
