import { describe, expect, test } from 'vitest'
import { bitAt } from '../../../src/crypto/bytes.ts'
import { randomScalar, type Scalar } from '../../../src/crypto/curve/scalar.ts'
import { invertPublic } from '../../../src/crypto/curve/public-inverse.ts'
import { encodePoint, type Point } from '../../../src/crypto/curve/secp256k1.ts'
import { H, hashRows, longHash } from '../../../src/crypto/hash.ts'
import { peerState } from '../../../src/crypto/key-share.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { xorRows } from '../../../src/crypto/ot/bit-matrix.ts'
import { extendAsSender } from '../../../src/crypto/ot/extension.ts'
import { padLength, transfers, width } from '../../../src/crypto/rvole-shape.ts'
import { answer, finish, request, type Answer } from '../../../src/crypto/rvole.ts'
import { tag } from '../../../src/crypto/tags.ts'
import { negated, numberOf, pointOf, points, scalarOf, scalars, sumOf } from './arithmetic.ts'
import { hashOf, makeKey, seededRng, shareOf } from './fixtures.ts'
import { flipBit } from './tamper.ts'

const key = makeKey(2, 2)
const rng = seededRng('rvole')
const session = hashOf('rvole session')

function otOf(self: number) {
  const { ot } = peerState(shareOf(key, self), 1 - self)
  if (ot === null) throw new Error('no OT state')
  return ot
}

const alice = otOf(0).asSender
const bob = otOf(1).asReceiver
const own = [randomScalar(scalars, rng), randomScalar(scalars, rng)] as const
const shown = [points.multiplyBase(own[0]), points.multiplyBase(own[1])] as const
const inputs = { scalars: own, points: shown }

function exchange(label: string) {
  const requested = request(limbEngine, bob, hashOf(label), rng)
  const answered = answer(limbEngine, alice, hashOf(label), requested.message, inputs, rng)
  if (answered === undefined) throw new Error('refused')
  return { requested, answered }
}

describe.each([
  ['by base OT', 0],
  ['by the reversed OTs', 1],
])('RVOLE over OTs set up %s', (_, self) => {
  test('shares the products of both inputs with one random scalar', () => {
    const requested = request(limbEngine, otOf(1 - self).asReceiver, session, rng)
    const answered = answer(limbEngine, otOf(self).asSender, session, requested.message, inputs, rng)
    if (answered === undefined) throw new Error('refused')
    const d = finish(limbEngine, requested.state, answered.message, shown)
    if (d === undefined) throw new Error('refused')
    for (const i of [0, 1] as const) {
      expect(scalars.add(answered.shares[i], d[i])).toEqual(scalars.multiply(own[i], requested.state.b))
    }
  })
})

describe('the receiver of RVOLE', () => {
  const { requested, answered } = exchange('checks')
  const refuses = (change: Partial<Answer>) =>
    finish(limbEngine, requested.state, { ...answered.message, ...change }, shown) === undefined

  test('accepts the honest answer', () => {
    expect(refuses({})).toBe(false)
  })

  test.each(['tau', 'eta', 'mu'] as const)('refuses a changed %s', (field) => {
    const value = answered.message[field]
    for (const bit of [8, 4 * value.length + 1, 8 * value.length - 1]) {
      expect(refuses({ [field]: flipBit(value, bit) })).toBe(true)
    }
  })

  test('refuses another mask', () => {
    expect(refuses({ mask: points.add(answered.message.mask, pointOf(1n)) })).toBe(true)
  })

  test.each([0, 1])('refuses points of other inputs, number %i', (i) => {
    const others = shown.map((point, at) => (at === i ? points.add(point, pointOf(1n)) : point)) as [Point, Point]
    expect(finish(limbEngine, requested.state, answered.message, others)).toBeUndefined()
  })

  test('refuses the answer of another session', () => {
    expect(refuses(exchange('other').answered.message)).toBe(true)
  })
})

/** An Alice who can put anything into the rows: τ for inputs and â, which may differ from row to row. */
function lyingAlice(rowInputs: (j: number) => readonly [Scalar, Scalar, Scalar]) {
  const requested = request(limbEngine, bob, session, rng)
  const rows = extendAsSender(limbEngine, alice, session, transfers, requested.message)
  if (rows === undefined) throw new Error('refused')
  const pads0 = expanded(rows)
  xorRows(rows, alice.delta)
  const zeros = [0n, 0n, 0n].map(scalarOf)
  const masked = limbEngine.rvole.mask(pads0, expanded(rows), zeros)
  const tau = masked.tau.slice()
  for (let j = 0; j < transfers; j++) {
    rowInputs(j).forEach((input, i) => {
      const at = (width * j + i) * 32
      tau.set(scalars.add(tau.slice(at, at + 32) as Scalar, input), at) // below q, as all of τ
    })
  }
  return { requested, tau, rows: masked.rows }
}

function expanded(rows: Uint8Array): Uint8Array {
  return hashRows(rows, 16, width * padLength, tag.rvoleTransfer, session)
}

/** θ of what is hashed besides the session. */
function weightsOf(...items: readonly Uint8Array[]): readonly [Scalar, Scalar] {
  const hash = H(tag.rvoleTheta, session, ...items)
  return [scalarOf(numberOf(hash.subarray(0, 16))), scalarOf(numberOf(hash.subarray(16)))]
}

const digestOf = (tau: Uint8Array) => longHash(limbEngine, tag.rvoleTau, session, tau)
const combined = ([one, two]: readonly Scalar[], [t1, t2]: readonly [Scalar, Scalar], check: Scalar) => {
  if (one === undefined || two === undefined) throw new Error('two inputs')
  return sumOf([check, scalars.multiply(t1, one), scalars.multiply(t2, two)])
}

describe('an Alice who multiplies with something else than she has shown', () => {
  const check = randomScalar(scalars, rng)
  const mask = points.multiplyBase(check)
  const wrong = [scalars.add(own[0], scalarOf(1n)), own[1]] as const
  type Liar = ReturnType<typeof lyingAlice>
  const muOf = ({ rows }: Liar, theta: readonly [Scalar, Scalar]) =>
    longHash(limbEngine, tag.rvoleCheck, session, rows.checkValues(theta))
  const ends = (liar: Liar, theta: readonly [Scalar, Scalar], rest: Omit<Answer, 'tau' | 'mu'>, bob = shown) =>
    finish(limbEngine, liar.requested.state, { tau: liar.tau, ...rest, mu: muOf(liar, theta) }, bob)

  test('and is honest after all is believed', () => {
    const liar = lyingAlice(() => [...own, check])
    const theta = weightsOf(digestOf(liar.tau), ...[mask, ...shown].map(encodePoint))
    expect(ends(liar, theta, { mask, eta: combined(own, theta, check) })).toBeDefined()
  })

  test('in every row is refused, whatever she opens', () => {
    const liar = lyingAlice(() => [...wrong, check])
    const theta = weightsOf(digestOf(liar.tau), ...[mask, ...shown].map(encodePoint))
    expect(ends(liar, theta, { mask, eta: combined(wrong, theta, check) })).toBeUndefined()
    expect(ends(liar, theta, { mask, eta: combined(own, theta, check) })).toBeUndefined()
  })

  test('in every row is refused also where her errors cancel each other in a plain sum', () => {
    const [more, less] = [scalars.add(own[0], scalarOf(1n)), scalars.subtract(own[1], scalarOf(1n))]
    const liar = lyingAlice(() => [more, less, check])
    const theta = weightsOf(digestOf(liar.tau), ...[mask, ...shown].map(encodePoint))
    expect(ends(liar, theta, { mask, eta: combined(own, theta, check) })).toBeUndefined()
  })

  test('in a single row is refused where its choice bit is 1: she has to guess that bit', () => {
    const believed = Array.from({ length: 12 }, (_, row) => {
      const liar = lyingAlice((j) => [...(j === 30 * row ? wrong : own), check])
      const theta = weightsOf(digestOf(liar.tau), ...[mask, ...shown].map(encodePoint))
      const isBelieved = ends(liar, theta, { mask, eta: combined(own, theta, check) }) !== undefined
      expect(isBelieved).toBe(bitAt(liar.requested.state.beta, 30 * row) === 0)
      return isBelieved
    })
    expect(new Set(believed).size).toBe(2) // rows of both kinds, on a fixed seed
  })

  // What each item of θ's hash is for: an Alice who could choose it once she knows θ.
  test('cannot choose the rows to fit the weights', () => {
    const theta = weightsOf(...[mask, ...shown].map(encodePoint))
    const fitted = scalars.subtract(check, theta[0]) // θ₁·(a₁ + 1) + â − θ₁
    const liar = lyingAlice(() => [...wrong, fitted])
    expect(ends(liar, theta, { mask, eta: combined(own, theta, check) })).toBeUndefined()
  })

  test('cannot choose the mask to fit the weights', () => {
    const liar = lyingAlice(() => [...wrong, check])
    const theta = weightsOf(digestOf(liar.tau), ...shown.map(encodePoint))
    const eta = combined(wrong, theta, check)
    const terms = [[negated(theta[0]), shown[0]], [negated(theta[1]), shown[1]]] as const
    expect(ends(liar, theta, { mask: points.combinePublic(terms, eta), eta })).toBeUndefined()
  })

  test.each([0, 1] as const)('cannot choose what she shows to fit the weights, point %i', (i) => {
    const one = scalarOf(1n)
    const lied = i === 0 ? ([own[0], scalars.add(own[1], one)] as const) : wrong // in the other input
    const liar = lyingAlice(() => [...lied, check])
    const rest = shown[1 - i] as Point // one of two
    const theta = weightsOf(digestOf(liar.tau), ...[mask, rest].map(encodePoint))
    const eta = combined(lied, theta, check)
    const inverse = invertPublic(theta[i])
    const weight = scalars.multiply(theta[1 - i] as Scalar, inverse)
    const terms = [[negated(inverse), mask], [negated(weight), rest]] as const
    const fitted = points.combinePublic(terms, scalars.multiply(eta, inverse))
    expect(ends(liar, theta, { mask, eta }, i === 0 ? [fitted, rest] : [rest, fitted])).toBeUndefined()
  })
})

test('the sender refuses a request of another session', () => {
  const { requested } = exchange('one')
  expect(answer(limbEngine, alice, hashOf('two'), requested.message, inputs, rng)).toBeUndefined()
})

test('choice bits are balanced and fresh', () => {
  const runs = Array.from({ length: 40 }, (_, i) => request(limbEngine, bob, hashOf(`run ${i}`), rng).state)
  const bits = runs.map(({ beta }) => Array.from({ length: transfers }, (_, j) => bitAt(beta, j)))
  const ones = bits.flat().reduce((sum, bit) => sum + bit, 0)
  const total = 40 * transfers
  expect(Math.abs(ones - total / 2)).toBeLessThan(5 * Math.sqrt(total / 4)) // 5 standard deviations, on a fixed seed
  expect(new Set(runs.map(({ b }) => Buffer.from(b).toString('hex'))).size).toBe(40)
})
