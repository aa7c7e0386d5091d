import { describe, expect, test } from 'vitest'
import { bitAt } from '../../../src/crypto/bytes.ts'
import { randomScalar, scalarAt } from '../../../src/crypto/curve/scalar.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { transfers } from '../../../src/crypto/rvole-shape.ts'
import { answer, finish, request, type Answer } from '../../../src/crypto/rvole.ts'
import { scalarOf, scalars } from './arithmetic.ts'
import { hashOf, makeKey, seededRng, shareOf } from './fixtures.ts'
import { peerState } from '../../../src/crypto/key-share.ts'
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
const inputs = [randomScalar(scalars, rng), randomScalar(scalars, rng)] as const

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
    const d = finish(limbEngine, requested.state, answered.message)
    if (d === undefined) throw new Error('refused')
    for (const i of [0, 1] as const) {
      expect(scalars.add(answered.shares[i], d[i])).toEqual(scalars.multiply(inputs[i], requested.state.b))
    }
  })
})

describe('the receiver of RVOLE', () => {
  const { requested, answered } = exchange('checks')
  const refuses = (change: Partial<Answer>) =>
    finish(limbEngine, requested.state, { ...answered.message, ...change }) === undefined

  test('accepts the honest answer', () => {
    expect(refuses({})).toBe(false)
  })

  test.each(['tau', 'eta', 'mu'] as const)('refuses a changed %s', (field) => {
    const value = answered.message[field]
    for (const bit of [8, 4 * value.length + 1, 8 * value.length - 1]) {
      expect(refuses({ [field]: flipBit(value, bit) })).toBe(true)
    }
  })

  test('refuses an input that differs between transfers, wherever its bit is 1', () => {
    const tau = answered.message.tau.slice()
    for (let j = 0; j < transfers; j++) {
      if (bitAt(requested.state.beta, j) === 1) {
        tau.set(scalars.add(scalarAt(tau, 128 * j), scalarOf(1n)), 128 * j)
        break
      }
    }
    expect(refuses({ tau })).toBe(true)
  })

  test('refuses the answer of another session', () => {
    expect(refuses(exchange('other').answered.message)).toBe(true)
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
