/**
 * Whether secrets are spread as they must be, over many runs with fresh randomness. Thresholds are so wide that all of
 * this fails once in 10^9 runs for uniform values.
 */
import { randomBytes } from 'node:crypto'
import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { bitAt } from '../../../src/crypto/bytes.ts'
import type { Engine } from '../../../src/crypto/engine.ts'
import { createKeygen } from '../../../src/crypto/keygen/keygen.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { evaluate, evaluationPoint, randomPolynomial } from '../../../src/crypto/polynomial.ts'
import type { Rng } from '../../../src/crypto/protocol.ts'
import { createSign } from '../../../src/crypto/sign/sign.ts'
import { hashOf, makeKey, shareOf } from './fixtures.ts'
import { resultsOf, runProtocol } from './run-protocol.ts'

type Samples = readonly Uint8Array[]

const rng: Rng = (length) => Uint8Array.from(randomBytes(length))

/** Standard deviations that a normal variable exceeds once in 10^12. */
const unlikely = 7.2

/** How far off the ones at the worst bit position are, in standard deviations. */
function worstBit(samples: Samples): number {
  const bits = 8 * (samples[0]?.length ?? 0)
  const deviations = Array.from({ length: bits }, (_, bit) => {
    const ones = samples.reduce((sum, sample) => sum + bitAt(sample, bit), 0)
    return Math.abs(2 * ones - samples.length) / Math.sqrt(samples.length)
  })
  return Math.max(...deviations)
}

/**
 * Pearson's χ² of the values of each byte position, all positions together, as standard deviations of a normal variable
 * (Wilson and Hilferty 1931): positive for uneven values, negative for values that are too even to be random.
 */
function byteSpread(samples: Samples): number {
  const length = samples[0]?.length ?? 0
  const counts = Array.from({ length }, () => new Uint32Array(256))
  for (const sample of samples) sample.forEach((byte, at) => (counts[at]![byte]! += 1))
  const expected = samples.length / 256
  const statistic = counts.flatMap((of) => [...of]).reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
  const freedom = 255 * length
  return (Math.cbrt(statistic / freedom) - 1 + 2 / (9 * freedom)) / Math.sqrt(2 / (9 * freedom))
}

function expectUniform(samples: Samples): void {
  expect(worstBit(samples)).toBeLessThan(unlikely)
  expect(Math.abs(byteSpread(samples))).toBeLessThan(unlikely)
  expect(new Set(samples.map(bytesToHex)).size).toBe(samples.length) // all are longer than 100 bits
}

/** What a signer in a group of three uses in the first round of `runs` sessions: r, φ, and β for either peer. */
function firstRounds(runs: number) {
  const key = makeKey(2, 3)
  const [r, phi, beta]: [Uint8Array[], Uint8Array[], Uint8Array[]] = [[], [], []]
  const draws: number[] = []
  for (let i = 0; i < runs; i++) {
    const [drawn, multiplied]: [Uint8Array[], Uint8Array[]] = [[], []]
    const { scalars, points, rvole } = limbEngine
    const engine: Engine = {
      ...limbEngine,
      scalars: { ...scalars, reduceWide: (bytes) => noted(drawn, scalars.reduceWide(bytes)) },
      points: { ...points, multiplyBase: (k) => points.multiplyBase(noted(multiplied, k)) },
      rvole: { ...rvole, choose: (g, choices) => rvole.choose(g, noted(beta, choices)) },
    }
    const params = { sid: hashOf('distributions'), self: 0, signers: [0, 1, 2], messageHash: hashOf('message') }
    const execution = createSign({ ...params, share: shareOf(key, 0) }, rng, engine)
    execution.start()
    execution.erase()
    r.push(multiplied[0]!)
    phi.push(drawn[1]!)
    draws.push(drawn.length)
  }
  return { r, phi, beta, draws }
}

/** `bytes`, of which a copy goes to `list`. */
function noted<Bytes extends Uint8Array>(list: Uint8Array[], bytes: Bytes): Bytes {
  list.push(bytes.slice())
  return bytes
}

describe('in signing', () => {
  const { r, phi, beta, draws } = firstRounds(1000)

  test('nonces are uniform and fresh in every session, though session id and message repeat', () => {
    expectUniform(r)
    expectUniform(phi)
    expectUniform([...r, ...phi])
    expect(new Set(draws)).toEqual(new Set([2])) // r, then φ
  })

  test('choice bits β are uniform and fresh for every peer and session', () => {
    expect([beta.length, beta[0]?.length]).toEqual([2000, 52])
    expectUniform(beta)
  })
})

describe('in key generation', () => {
  test('shares of any party are uniform', () => {
    for (const party of [0, 2]) {
      expectUniform(Array.from({ length: 1500 }, () => shareOfContributions(party)))
    }
  })

  test('whole runs give uniform shares, choice bits Δ for either direction, seeds and chain codes', () => {
    const runs = Array.from({ length: 60 }, () => {
      const sid = hashOf('distributions')
      return resultsOf(
        runProtocol([0, 1].map((self) => createKeygen({ sid, self, threshold: 2, parties: 2 }, rng))),
      )
    })
    const ofEach = (read: (share: (typeof runs)[number][number]) => Uint8Array) => runs.map((run) => run.map(read))
    expectUniform(ofEach(({ secretShare }) => secretShare).flat())
    expectUniform(ofEach(({ peers }) => peers[0]!.ot!.asSender.delta).flat())
    expectUniform(ofEach(({ peers }) => peers[0]!.ot!.asSender.seeds.subarray(0, 32)).flat())
    expectUniform(ofEach(({ peers }) => peers[0]!.zeroShareSeed).map(([own]) => own!))
    expectUniform(ofEach(({ chainCode }) => chainCode).map(([own]) => own!))
  })
})

/** p_i = Σ_j f_j(x_i) of three contributions, as keygen/round-3.ts makes it. */
function shareOfContributions(party: number): Uint8Array {
  return Array.from({ length: 3 }, () => {
    return evaluate(limbEngine, randomPolynomial(limbEngine, 2, rng), evaluationPoint(party))
  }).reduce(limbEngine.scalars.add)
}

describe('a bias shows', () => {
  const biased = (change: (sample: Uint8Array, i: number) => void) =>
    Array.from({ length: 1000 }, (_, i) => {
      const sample = rng(32)
      change(sample, i)
      return sample
    })

  test.each<[string, (sample: Uint8Array, i: number) => void]>([
    ['a bit that is always 0', (sample) => (sample[0]! &= 0x7f)],
    ['a bit that is 1 in three of four', (sample, i) => (sample[20]! |= i % 2 === 0 ? 8 : 0)],
    ['a byte that has 16 values only', (sample) => (sample[31] = (sample[31]! & 0xf0) | (sample[31]! >>> 4))],
    ['bytes that count, and so are too even', (sample, i) => sample.fill(i & 255, 0, 16)],
    ['a value that comes twice', (sample, i) => void (i < 2 && sample.fill(7))],
  ])('as %s', (_, change) => {
    expect(() => expectUniform(biased(change))).toThrow()
  })
})
