import { describe, expect, test } from 'vitest'
import { bitAt, xorBytes } from '../../../src/crypto/bytes.ts'
import { decodeElement, element } from '../../../src/crypto/curve/ristretto255.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { newPoint } from '../../../src/crypto/limbs/ristretto255/points.ts'
import { H, hashRows, xof } from '../../../src/crypto/hash.ts'
import { finishReceiver, finishSender, startReceiver, startSender } from '../../../src/crypto/ot/base-ot.ts'
import { bytesToWords, transpose, wordsToBytes } from '../../../src/crypto/ot/bit-matrix.ts'
import { reverseToReceiver, reverseToSender } from '../../../src/crypto/ot/bootstrap.ts'
import { challenges, foldColumn, foldRows } from '../../../src/crypto/ot/consistency.ts'
import { extendAsReceiver, extendAsSender } from '../../../src/crypto/ot/extension.ts'
import { tag } from '../../../src/crypto/tags.ts'
import { elements } from './arithmetic.ts'
import { hashOf, seededRng } from './fixtures.ts'
import { flipBit } from './tamper.ts'

const session = hashOf('ot session')
const rng = seededRng('ot')
const seedAt = (seeds: Uint8Array, i: number) => seeds.slice(32 * i, 32 * (i + 1))
const rowAt = (rows: Uint8Array, j: number) => rows.slice(16 * j, 16 * (j + 1))

/** Correlated seeds as base OTs leave them, without their cost. */
function seedsOf(label: string) {
  const random = seededRng(label)
  const [delta, seeds0, seeds1] = [random(16), random(4096), random(4096)]
  const seeds = new Uint8Array(4096)
  for (let i = 0; i < 128; i++) seeds.set(seedAt(bitAt(delta, i) === 1 ? seeds1 : seeds0, i), 32 * i)
  return { sender: { delta, seeds }, receiver: { seeds0, seeds1 } }
}

describe('base OT', () => {
  const sender = startSender(limbEngine, rng)
  const receiver = startReceiver(limbEngine, session, rng)
  const decoded = receiver.message.map(({ bytes }) => {
    const found = decodeElement(bytes)
    if (found === undefined) throw new Error('not an element')
    return found
  })
  const both = finishSender(limbEngine, session, sender, decoded)
  const chosen = finishReceiver(limbEngine, session, receiver, sender.A)

  test('gives the receiver the chosen key of every instance and not the other one', () => {
    for (let i = 0; i < 128; i++) {
      const keys = [seedAt(both.seeds0, i), seedAt(both.seeds1, i)]
      const choice = bitAt(chosen.delta, i)
      expect(seedAt(chosen.seeds, i)).toEqual(keys[choice])
      expect(seedAt(chosen.seeds, i)).not.toEqual(keys[1 - choice])
    }
  })

  test('has all keys different', () => {
    const keys = Array.from({ length: 128 }, (_, i) => [seedAt(both.seeds0, i), seedAt(both.seeds1, i)]).flat()
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(256)
  })

  test('binds its keys to the session', () => {
    const other = finishSender(limbEngine, hashOf('another'), sender, decoded)
    for (let i = 0; i < 128; i++) {
      expect(seedAt(chosen.seeds, i)).not.toEqual(seedAt(other.seeds0, i))
      expect(seedAt(chosen.seeds, i)).not.toEqual(seedAt(other.seeds1, i))
    }
  })

  test('binds its keys to the instance: one instance’s answer does not serve for another', () => {
    const swapped = [...decoded.slice(2, 4), ...decoded.slice(0, 2), ...decoded.slice(4)]
    const keys = finishSender(limbEngine, session, sender, swapped)
    for (const i of [0, 1]) {
      const own = seedAt(chosen.seeds, 1 - i)
      expect([seedAt(keys.seeds0, i), seedAt(keys.seeds1, i)]).not.toContainEqual(own)
    }
  })

  test('sends elements that are all different and decode canonically, whichever was chosen', () => {
    const encodings = decoded.map(({ point }) => Buffer.from(element(point).bytes).toString('hex'))
    expect(encodings).toEqual(receiver.message.map(({ bytes }) => Buffer.from(bytes).toString('hex')))
    expect(new Set(encodings).size).toBe(256)
  })

  test('places the chosen element by the choice bit: only there is the key t·A', () => {
    // Swapping both elements of an instance must make its keys unknown to the receiver.
    const swapped = decoded.map((_, i) => decoded[i ^ 1]).filter((one) => one !== undefined)
    const keys = finishSender(limbEngine, session, sender, swapped)
    for (let i = 0; i < 128; i++) {
      expect([seedAt(keys.seeds0, i), seedAt(keys.seeds1, i)]).not.toContainEqual(seedAt(chosen.seeds, i))
    }
  })

  test('does not stumble over a receiver that makes a sum the identity', () => {
    const first = decoded[0]
    if (first === undefined) throw new Error('no element')
    const hashed = elements.fromUniform(xof(64, tag.baseOtPoint, session, 0, 1, first.bytes))
    const degenerate = [first, element(elements.subtract(newPoint(), hashed)), ...decoded.slice(2)]
    const keys = finishSender(limbEngine, session, sender, degenerate)
    expect(seedAt(keys.seeds1, 0)).toEqual(H(tag.baseOtKey, session, 0, 1, new Uint8Array(32)))
    expect(seedAt(keys.seeds0, 0)).not.toEqual(seedAt(both.seeds0, 0))
  })
})

test('the bit matrix is transposed as a naive loop would', () => {
  const columns = rng(128 * 68)
  const rows = wordsToBytes(transpose(columns, 68))
  for (let j = 0; j < 544; j++) {
    for (let i = 0; i < 128; i++) {
      if (bitAt(rows, 128 * j + i) !== bitAt(columns, 8 * 68 * i + j)) throw new Error(`bit ${i} of row ${j}`)
    }
  }
  expect(wordsToBytes(bytesToWords(rows))).toEqual(rows)
})

/** Schoolbook product in GF(2)[X] / (X^128 + X^7 + X^2 + X + 1). */
function multiplyGf(a: bigint, b: bigint): bigint {
  let product = 0n
  for (let i = 0n; i < 128n; i++) if ((b >> i) & 1n) product ^= a << i
  for (let i = 255n; i >= 128n; i--) if ((product >> i) & 1n) product ^= ((1n << 128n) | 0x87n) << (i - 128n)
  return product
}

const littleEndian = (bytes: Uint8Array) => BigInt(`0x0${Buffer.from(bytes).reverse().toString('hex')}`)

test.each([128, 416])('the consistency check folds columns of %i bits by polynomial arithmetic', (transfers) => {
  const length = transfers / 8 + 16
  const columns = rng(128 * length)
  const chi = challenges(transfers, hashOf('digest'))
  expect(chi).toHaveLength(16 * Math.ceil(transfers / 128))
  const folded = wordsToBytes(foldRows(transpose(columns, length), transfers, chi))
  for (let i = 0; i < 128; i++) {
    const column = columns.slice(i * length, (i + 1) * length)
    let expected = littleEndian(column.slice(transfers / 8))
    for (let k = 0; 128 * k < transfers; k++) {
      const block = littleEndian(column.slice(16 * k, Math.min(16 * (k + 1), transfers / 8)))
      expected ^= multiplyGf(littleEndian(chi.slice(16 * k, 16 * (k + 1))), block)
    }
    expect(littleEndian(wordsToBytes(foldColumn(column, transfers, chi)))).toBe(expected)
    for (let b = 0; b < 128; b++) expect(bitAt(folded, 128 * b + i)).toBe(Number((expected >> BigInt(b)) & 1n))
  }
})

/** An extension message whose column 0 encodes the complement of the choices of all others, with fitting t̂ and x̂. */
function cheatInColumnZero({ seeds0, seeds1 }: { seeds0: Uint8Array; seeds1: Uint8Array }) {
  const choices = rng(68)
  const [t, u] = [hashRows(seeds0, 32, 68, tag.otColumnKey, session), hashRows(seeds1, 32, 68, tag.otColumnKey, session)]
  for (let i = 0; i < 128; i++) {
    const encoded = i === 0 ? choices.map((byte) => byte ^ 0xff) : choices
    const sum = xorBytes(xorBytes(t.slice(68 * i, 68 * (i + 1)), u.slice(68 * i, 68 * (i + 1))), encoded)
    u.set(sum, 68 * i)
  }
  const chi = challenges(416, H(tag.otMatrix, session, u))
  const xHat = wordsToBytes(foldColumn(choices, 416, chi))
  return { u, xHat, tHat: wordsToBytes(foldRows(transpose(t, 68), 416, chi)) }
}

describe('OT extension', () => {
  const { sender, receiver } = seedsOf('extension')
  const choices = rng(52)
  const extended = extendAsReceiver(limbEngine, receiver, session, choices, rng)

  test('gives rows that differ by Δ where the choice is 1', () => {
    const q = extendAsSender(limbEngine, sender, session, 416, extended.message)
    if (q === undefined) throw new Error('refused')
    for (let j = 0; j < 416; j++) {
      const expected = bitAt(choices, j) === 1 ? xorBytes(rowAt(q, j), sender.delta) : rowAt(q, j)
      expect(rowAt(extended.rows, j)).toEqual(expected)
    }
  })

  test('uses other pads in another session', () => {
    const other = extendAsReceiver(limbEngine, receiver, hashOf('other'), choices, rng)
    expect(rowAt(other.rows, 0)).not.toEqual(rowAt(extended.rows, 0))
    expect(extendAsSender(limbEngine, sender, hashOf('other'), 416, extended.message)).toBeUndefined()
  })

  test('refuses a different choice vector in any single column, whatever Δ is there', () => {
    for (let column = 0; column < 128; column += 9) {
      const u = flipBit(extended.message.u, 8 * 68 * column + 17)
      expect(extendAsSender(limbEngine, sender, session, 416, { ...extended.message, u })).toBeUndefined()
    }
  })

  test('lets a receiver that uses other choices in one column pass only if it guesses that bit of Δ', () => {
    // Selective failure: with Δ_0 = 0 the sender never uses u_0. Half of the cheats fail, which is why a failure bans.
    const outcomes = Array.from({ length: 16 }, (_, i) => {
      const state = seedsOf(`guess ${i}`)
      const cheat = cheatInColumnZero(state.receiver)
      const passed = extendAsSender(limbEngine, state.sender, session, 416, cheat) !== undefined
      return { passed, guessedRight: bitAt(state.sender.delta, 0) === 0 }
    })
    expect(new Set(outcomes.map(({ passed }) => passed)).size).toBe(2)
    for (const { passed, guessedRight } of outcomes) expect(passed).toBe(guessedRight)
  })

  test.each(['xHat', 'tHat'] as const)('refuses any change to %s', (field) => {
    const value = extended.message[field]
    for (const bit of [0, 4 * value.length, 8 * value.length - 1]) {
      const message = { ...extended.message, [field]: flipBit(value, bit) }
      expect(extendAsSender(limbEngine, sender, session, 416, message)).toBeUndefined()
    }
  })

  test('masks what the check says of the choices with fresh bits', () => {
    const masks = Array.from({ length: 40 }, () => {
      const { message } = extendAsReceiver(limbEngine, receiver, session, choices, rng)
      const chi = challenges(416, H(tag.otMatrix, session, message.u))
      const unmasked = wordsToBytes(foldColumn(Uint8Array.from([...choices, ...new Uint8Array(16)]), 416, chi))
      return xorBytes(message.xHat, unmasked)
    })
    expect(new Set(masks.map((mask) => Buffer.from(mask).toString('hex'))).size).toBe(40)
    const ones = masks.flatMap((mask) => Array.from({ length: 128 }, (_, i) => bitAt(mask, i)))
    const total = 40 * 128
    const excess = ones.reduce((sum, bit) => sum + bit, 0) - total / 2
    expect(Math.abs(excess)).toBeLessThan(5 * Math.sqrt(total / 4)) // 5 standard deviations, on a fixed seed
  })

  test('refuses a number of transfers that does not fill words', () => {
    expect(() => extendAsReceiver(limbEngine, receiver, session, rng(5), rng)).toThrow('multiple of 32')
  })
})

describe('the reverse direction', () => {
  const { sender, receiver } = seedsOf('bootstrap')
  const reversed = reverseToSender(limbEngine, receiver, session, rng)

  test('is a set of base OTs', () => {
    const both = reverseToReceiver(limbEngine, sender, session, reversed.message)
    if (both === undefined) throw new Error('refused')
    for (let i = 0; i < 128; i++) {
      const keys = [seedAt(both.seeds0, i), seedAt(both.seeds1, i)]
      const choice = bitAt(reversed.state.delta, i)
      expect(seedAt(reversed.state.seeds, i)).toEqual(keys[choice])
      expect(seedAt(reversed.state.seeds, i)).not.toEqual(keys[1 - choice])
    }
  })

  test('is refused when the consistency check fails', () => {
    const message = { ...reversed.message, tHat: flipBit(reversed.message.tHat, 5) }
    expect(reverseToReceiver(limbEngine, sender, session, message)).toBeUndefined()
  })
})
