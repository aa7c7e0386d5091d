/** Ways to corrupt messages that tests share. */
import { decodeMessage, encodeMessage, fieldLength, MalformedMessage } from '../../../src/crypto/codec.ts'
import { messageLength, type Draft, type Message, type Schema } from '../../../src/crypto/codec.ts'
import { bytes32, numberOf } from './arithmetic.ts'
import type { Packet, Tamper } from './run-protocol.ts'

export type Place = Readonly<{ round: number; channel: Packet['channel']; from: number; to?: number }>

export function isAt(packet: Packet, place: Place): boolean {
  return (
    packet.round === place.round &&
    packet.channel === place.channel &&
    packet.from === place.from &&
    (place.to === undefined || packet.to === place.to)
  )
}

/** Applies each change at its place; everything else passes untouched. */
export function changing(...changes: readonly (readonly [Place, (body: Uint8Array) => Uint8Array])[]): Tamper {
  return (packet) =>
    changes.reduce((body, [place, change]) => (isAt(packet, place) ? change(body) : body), packet.body)
}

/** Decodes, changes some fields, encodes again. */
export function editing<const S extends Schema>(schema: S, edit: (message: Message<S>) => Partial<Draft<S>>) {
  return (body: Uint8Array): Uint8Array => {
    const message = decodeMessage(schema, body)
    // A decoded message is a valid draft; the mapped types are too generic for the compiler to see it.
    return encodeMessage(schema, { ...message, ...edit(message) } as unknown as Draft<S>)
  }
}

export function flipBit(body: Uint8Array, bit: number): Uint8Array {
  const flipped = body.slice()
  flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
  return flipped
}

export type BitFlip = Readonly<{ field: string; bit: number }>

/** The first, a middle and the last bit of every field, as bit numbers of the whole message. */
export function bitFlips(schema: Schema): readonly BitFlip[] {
  return schema.flatMap((field, i) => {
    const start = 8 * messageLength(schema.slice(0, i))
    const length = 8 * fieldLength(field)
    const offsets = [0, Math.floor(length / 2) + 3, length - 1]
    return offsets.map((offset) => ({ field: field.name, bit: start + offset }))
  })
}

const fieldPrime = 2n ** 256n - 2n ** 32n - 977n

/** Turns an uncompressed point, which no flipped bit leaves on the curve, into its negative. */
export function negatePoint(schema: Schema, field: string, body: Uint8Array): Uint8Array {
  const index = schema.findIndex(({ name }) => name === field)
  const end = messageLength(schema.slice(0, index + 1))
  const y = numberOf(body.subarray(end - 32, end))
  return Uint8Array.from([...body.slice(0, end - 32), ...bytes32(fieldPrime - y), ...body.slice(end)])
}

export function isMalformed(schema: Schema, body: Uint8Array): boolean {
  try {
    decodeMessage(schema, body)
    return false
  } catch (error) {
    if (error instanceof MalformedMessage) return true
    throw error
  }
}
