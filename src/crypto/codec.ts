/**
 * Wire form of the round messages: a schema is an ordered list of fields of fixed size, a message their concatenation.
 * There is exactly one encoding of every message, and its length follows from the schema. Schemas are data, so tests
 * can walk them.
 */
import { chunks, isAllZero } from './bytes.ts'
import {
  decodePoint,
  decodeUncompressed,
  encodePoint,
  encodeUncompressed,
  pointLength,
  uncompressedLength,
  type Point,
} from './curve/secp256k1.ts'
import { decodeElement, elementLength, type Element } from './curve/ristretto255.ts'
import { isCanonicalEntry, isCanonicalScalar, scalarLength } from './curve/scalar.ts'
import type { PackedScalars, Scalar } from './curve/scalar.ts'

/**
 * - `bytes`: opaque.
 * - `point`, `points`: secp256k1, compressed SEC 1, never the identity.
 * - `uncompressed-point`, `uncompressed-points`: likewise, uncompressed SEC 1: 32 bytes more, and no root to take.
 * - `scalar`: below q; `nonzero-scalar`: and not zero.
 * - `scalars`: many, each below q, kept packed (32 bytes each) for bulk arithmetic.
 * - `elements`: ristretto255, canonical, never the identity.
 */
export type Field =
  | Readonly<{ name: string; kind: 'bytes'; length: number }>
  | Readonly<{ name: string; kind: 'point' | 'uncompressed-point' }>
  | Readonly<{ name: string; kind: 'points' | 'uncompressed-points'; count: number }>
  | Readonly<{ name: string; kind: 'scalar' | 'nonzero-scalar' }>
  | Readonly<{ name: string; kind: 'scalars'; count: number }>
  | Readonly<{ name: string; kind: 'elements'; count: number }>

export type Schema = readonly Field[]

type Values = {
  bytes: Uint8Array
  point: Point
  'uncompressed-point': Point
  points: readonly Point[]
  'uncompressed-points': readonly Point[]
  scalar: Scalar
  'nonzero-scalar': Scalar
  scalars: PackedScalars
  elements: readonly Element[]
}
type Encoded = Pick<Element, 'bytes'>
type Value = Values[keyof Values]

/** A decoded message. */
export type Message<S extends Schema> = { readonly [F in S[number] as F['name']]: Values[F['kind']] }
/** A message to encode: of elements only the encodings are needed. */
export type Draft<S extends Schema> = {
  readonly [F in S[number] as F['name']]: F['kind'] extends 'elements' ? readonly Encoded[] : Values[F['kind']]
}

export const bytes = <const N extends string>(name: N, length: number) => ({ name, kind: 'bytes', length }) as const
export const point = <const N extends string>(name: N) => ({ name, kind: 'point' }) as const
export const uncompressedPoint = <const N extends string>(name: N) => ({ name, kind: 'uncompressed-point' }) as const
export const points = <const N extends string>(name: N, count: number) => ({ name, kind: 'points', count }) as const
export const uncompressedPoints = <const N extends string>(name: N, count: number) =>
  ({ name, kind: 'uncompressed-points', count }) as const
export const scalar = <const N extends string>(name: N) => ({ name, kind: 'scalar' }) as const
export const nonzeroScalar = <const N extends string>(name: N) => ({ name, kind: 'nonzero-scalar' }) as const
export const scalars = <const N extends string>(name: N, count: number) => ({ name, kind: 'scalars', count }) as const
export const elements = <const N extends string>(name: N, count: number) => ({ name, kind: 'elements', count }) as const

/** A received message that is not an encoding of its schema. The text names the field and never holds its value. */
export class MalformedMessage extends Error {
  readonly field: string
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`)
    this.name = 'MalformedMessage'
    this.field = field
  }
}

export function fieldLength(field: Field): number {
  switch (field.kind) {
    case 'bytes':
      return field.length
    case 'point':
      return pointLength
    case 'uncompressed-point':
      return uncompressedLength
    case 'points':
      return pointLength * field.count
    case 'uncompressed-points':
      return uncompressedLength * field.count
    case 'scalar':
    case 'nonzero-scalar':
      return scalarLength
    case 'scalars':
      return scalarLength * field.count
    case 'elements':
      return elementLength * field.count
    default:
      return unreachable(field)
  }
}

export function messageLength(schema: Schema): number {
  return schema.reduce((sum, field) => sum + fieldLength(field), 0)
}

/** Encodes a message of our own. A value that does not fit its field is a programmer error and throws. */
export function encodeMessage<const S extends Schema>(schema: S, message: Draft<S>): Uint8Array {
  const values: Readonly<Record<string, Value | readonly Encoded[]>> = message
  const out = new Uint8Array(messageLength(schema))
  let offset = 0
  for (const field of schema) {
    const value = values[field.name]
    if (value === undefined) throw new Error(`message lacks ${field.name}`)
    for (const part of fieldParts(field, value)) {
      out.set(part, offset)
      offset += part.length
    }
  }
  if (offset !== out.length) throw new Error('message values do not fill their schema')
  return out
}

/** @throws MalformedMessage unless `body` is exactly one message of the schema. The result shares no memory with it. */
export function decodeMessage<const S extends Schema>(schema: S, body: Uint8Array): Message<S> {
  const expected = messageLength(schema)
  if (body.length !== expected) throw new MalformedMessage('message', `is ${body.length} bytes, not ${expected}`)
  const values: Record<string, Value> = {}
  let offset = 0
  for (const field of schema) {
    const end = offset + fieldLength(field)
    values[field.name] = decodeField(field, body.slice(offset, end))
    offset = end
  }
  return values as Message<S> // every field of the schema was just set to a value of its kind
}

function fieldParts(field: Field, value: Value | readonly Encoded[]): readonly Uint8Array[] {
  // Each cast restates what Draft<S> already guarantees for a field of this kind.
  const parts = ((): readonly Uint8Array[] => {
    switch (field.kind) {
      case 'bytes':
      case 'scalars':
        return [value as Uint8Array]
      case 'point':
        return [encodePoint(value as Point)]
      case 'uncompressed-point':
        return [encodeUncompressed(value as Point)]
      case 'points':
        return (value as readonly Point[]).map(encodePoint)
      case 'uncompressed-points':
        return (value as readonly Point[]).map(encodeUncompressed)
      case 'scalar':
      case 'nonzero-scalar':
        return [value as Scalar]
      case 'elements':
        return (value as readonly Encoded[]).map((element) => element.bytes)
      default:
        return unreachable(field)
    }
  })()
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length !== fieldLength(field)) throw new Error(`${field.name} is ${length} bytes, not ${fieldLength(field)}`)
  return parts
}

function decodeField(field: Field, body: Uint8Array): Value {
  switch (field.kind) {
    case 'bytes':
      return body
    case 'point':
      return readPoint(field.name, body)
    case 'uncompressed-point':
      return readUncompressed(field.name, body)
    case 'points':
      return chunks(body, pointLength).map((chunk, i) => readPoint(`${field.name}[${i}]`, chunk))
    case 'uncompressed-points':
      return chunks(body, uncompressedLength).map((chunk, i) => readUncompressed(`${field.name}[${i}]`, chunk))
    case 'scalar':
    case 'nonzero-scalar': {
      if (!isCanonicalScalar(body)) throw new MalformedMessage(field.name, 'is not below the group order')
      if (field.kind === 'nonzero-scalar' && isAllZero(body)) throw new MalformedMessage(field.name, 'is zero')
      return body as Scalar // below q; no further copy, which nobody would overwrite
    }
    case 'scalars':
      for (let i = 0; i < field.count; i++) {
        if (isCanonicalEntry(body, i * scalarLength)) continue
        throw new MalformedMessage(`${field.name}[${i}]`, 'is not below the group order')
      }
      return body
    case 'elements':
      return chunks(body, elementLength).map((chunk, i) =>
        required(`${field.name}[${i}]`, 'is not a canonical ristretto255 element', decodeElement(chunk)),
      )
    default:
      return unreachable(field)
  }
}

function readPoint(name: string, bytes: Uint8Array): Point {
  return required(name, 'is not a compressed point of the curve', decodePoint(bytes))
}

function readUncompressed(name: string, bytes: Uint8Array): Point {
  return required(name, 'is not an uncompressed point of the curve', decodeUncompressed(bytes))
}

function required<T>(name: string, problem: string, value: T | undefined): T {
  if (value === undefined) throw new MalformedMessage(name, problem)
  return value
}

function unreachable(field: never): never {
  throw new Error(`unknown field kind: ${JSON.stringify(field)}`)
}
