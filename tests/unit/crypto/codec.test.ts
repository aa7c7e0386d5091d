import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes, decodeMessage, elements, encodeMessage, messageLength } from '../../../src/crypto/codec.ts'
import { nonzeroScalar, point, points, scalar, scalars, uncompressedPoint, uncompressedPoints, type Schema } from '../../../src/crypto/codec.ts'
import { encodePoint, encodeUncompressed, equalPoints } from '../../../src/crypto/curve/secp256k1.ts'
import { element } from '../../../src/crypto/curve/ristretto255.ts'
import { keygenSchemas } from '../../../src/crypto/keygen/messages.ts'
import { signSchemas } from '../../../src/crypto/sign/messages.ts'
import { bytes32, elements as group, numberOf, order, pointOf, scalarOf } from './arithmetic.ts'
import { isMalformed } from './tamper.ts'

const anyScalar = fc.bigInt({ min: 0n, max: order - 1n }).map(scalarOf)
const anyNonzero = fc.bigInt({ min: 1n, max: order - 1n }).map(scalarOf)
const anyPoint = fc.bigInt({ min: 1n, max: order - 1n }).map(pointOf)
const anyElement = fc
  .uint8Array({ minLength: 64, maxLength: 64 })
  .map((uniform) => element(group.fromUniform(uniform)))

const schema = [
  bytes('bytes', 7),
  point('point'),
  points('points', 2),
  uncompressedPoint('uncompressed'),
  uncompressedPoints('manyUncompressed', 2),
  scalar('scalar'),
  nonzeroScalar('nonzero'),
  scalars('scalars', 3),
  elements('elements', 2),
] as const

const anyMessage = fc.record({
  bytes: fc.uint8Array({ minLength: 7, maxLength: 7 }),
  point: anyPoint,
  points: fc.tuple(anyPoint, anyPoint),
  uncompressed: anyPoint,
  manyUncompressed: fc.tuple(anyPoint, anyPoint),
  scalar: anyScalar,
  nonzero: anyNonzero,
  scalars: fc
    .array(anyScalar, { minLength: 3, maxLength: 3 })
    .map((list) => Uint8Array.from(list.flatMap((k) => [...k]))),
  elements: fc.tuple(anyElement, anyElement),
})

describe('a message', () => {
  test('comes back from its encoding, and has only that one', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const body = encodeMessage(schema, message)
        expect(body).toHaveLength(messageLength(schema))
        const decoded = decodeMessage(schema, body)
        expect(encodeMessage(schema, decoded)).toEqual(body)
        expect(decoded.scalar).toEqual(message.scalar)
        expect(decoded.nonzero).toEqual(message.nonzero)
        expect(equalPoints(decoded.point, message.point)).toBe(true)
        expect(equalPoints(decoded.uncompressed, message.uncompressed)).toBe(true)
        expect(decoded.bytes).toEqual(message.bytes)
      }),
      { numRuns: 20 },
    )
  })

  test('of any other length is malformed', () => {
    const [message] = fc.sample(anyMessage, 1)
    if (message === undefined) throw new Error('no sample')
    const body = encodeMessage(schema, message)
    for (const wrong of [body.slice(1), body.slice(0, -1), Uint8Array.from([...body, 0]), new Uint8Array(0)]) {
      expect(isMalformed(schema, wrong)).toBe(true)
    }
  })

  test('does not change when the buffer it was decoded from does', () => {
    const body = Uint8Array.of(1, 2, 3)
    const decoded = decodeMessage([bytes('three', 3)], body)
    body.fill(9)
    expect(decoded.three).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('with a value that does not fit its field is a programmer error', () => {
    expect(() => encodeMessage([bytes('three', 3)], { three: new Uint8Array(2) })).toThrow('three is 2 bytes, not 3')
  })
})

test('arbitrary bytes never crash a decoder', () => {
  const all: Schema[] = [
    ...keygenSchemas(3).flatMap(({ broadcast, direct }) => [broadcast, ...Object.values(direct ?? {})]),
    ...signSchemas.flatMap(({ broadcast, direct }) => [broadcast, direct].filter((one) => one !== undefined)),
  ]
  for (const one of all) {
    const length = messageLength(one)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: length, maxLength: length }), (body) => {
        expect(typeof isMalformed(one, body)).toBe('boolean')
      }),
      { numRuns: 3 },
    )
  }
})

describe('a scalar on the wire', () => {
  const field = [scalar('k')] as const

  test('may be anything below q', () => {
    expect(decodeMessage(field, bytes32(order - 1n)).k).toEqual(bytes32(order - 1n))
    expect(decodeMessage(field, bytes32(0n)).k).toEqual(bytes32(0n))
  })

  test.each([order, order + 1n, 2n ** 256n - 1n])('is refused, not reduced, from q on: %s', (value) => {
    expect(isMalformed(field, bytes32(value))).toBe(true)
    expect(isMalformed([scalars('k', 2)], Uint8Array.from([...bytes32(1n), ...bytes32(value)]))).toBe(true)
    expect(isMalformed([nonzeroScalar('k')], bytes32(value))).toBe(true)
  })

  test('is refused when zero where zero is not allowed', () => {
    expect(isMalformed([nonzeroScalar('k')], bytes32(0n))).toBe(true)
  })
})

describe('an uncompressed point on the wire', () => {
  const field = [uncompressedPoint('P')] as const
  const valid = encodeUncompressed(pointOf(5n))
  const x = numberOf(valid.slice(1, 33))
  const y = numberOf(valid.slice(33))
  const of = (prefix: number, ...coordinates: bigint[]) => Uint8Array.of(prefix, ...coordinates.flatMap((c) => [...bytes32(c)]))
  const fieldPrime = 2n ** 256n - 2n ** 32n - 977n
  // x = 1 is on the curve, so x = p + 1 would be the same point once more.
  const one = encodeUncompressed(decodeMessage([point('P')], Uint8Array.of(2, ...bytes32(1n))).P)

  test('is one of 65 bytes', () => {
    expect(isMalformed(field, valid)).toBe(false)
    expect(isMalformed(field, one)).toBe(false)
  })

  test.each([
    ['the identity', new Uint8Array(65)],
    ['the identity with a prefix', of(4, 0n, 0n)],
    ['a compressed prefix', of(2, x, y)],
    ['a hybrid prefix', of(6, x, y)],
    ['another y', of(4, x, y + 1n)],
    ['another x', of(4, x + 1n, y)],
    ['x and y exchanged', of(4, y, x)],
    ['x = p + 1', of(4, fieldPrime + 1n, numberOf(one.slice(33)))],
    ['y = p', of(4, x, fieldPrime)],
  ])('is refused: %s', (_, body) => {
    expect(isMalformed(field, body)).toBe(true)
    expect(isMalformed([uncompressedPoints('P', 2)], Uint8Array.from([...valid, ...body]))).toBe(true)
  })
})

describe('a point on the wire', () => {
  const field = [point('P')] as const
  const valid = encodePoint(pointOf(5n))
  const withPrefix = (prefix: number) => Uint8Array.from([prefix, ...valid.slice(1)])
  const withX = (x: bigint) => Uint8Array.of(2, ...bytes32(x))
  const fieldPrime = 2n ** 256n - 2n ** 32n - 977n

  test('is a compressed point', () => {
    expect(isMalformed(field, valid)).toBe(false)
  })

  test.each([
    ['the identity', new Uint8Array(33)],
    ['an uncompressed prefix', withPrefix(4)],
    ['a hybrid prefix', withPrefix(6)],
    ['prefix 0', withPrefix(0)],
    ['prefix 1', withPrefix(1)],
    ['x that is on no point', withX(5n)],
    ['x = p + 1, congruent to a valid x', withX(fieldPrime + 1n)],
    ['x = p', withX(fieldPrime)],
  ])('is refused: %s', (_, body) => {
    expect(isMalformed(field, body)).toBe(true)
    expect(isMalformed([points('P', 2)], Uint8Array.from([...valid, ...body]))).toBe(true)
  })

  test('is refused in 65 bytes', () => {
    expect(isMalformed(field, encodeUncompressed(pointOf(5n)))).toBe(true)
  })
})

describe('a ristretto255 element on the wire', () => {
  const valid = element(group.fromUniform(new Uint8Array(64).fill(3))).bytes
  const negative = valid.slice()
  negative[0] = (negative[0] ?? 0) ^ 1
  const aboveField = Uint8Array.from([0xf0, ...new Array<number>(30).fill(0xff), 0x7f]) // p + 3

  test.each([
    ['the identity', new Uint8Array(32)],
    ['a negative field element', negative],
    ['a value not below the field prime', aboveField],
    ['a set top bit', Uint8Array.from([...valid.slice(0, 31), (valid[31] ?? 0) | 0x80])],
  ])('is refused: %s', (_, body) => {
    expect(isMalformed([elements('E', 1)], valid)).toBe(false)
    expect(isMalformed([elements('E', 1)], body)).toBe(true)
  })
})
