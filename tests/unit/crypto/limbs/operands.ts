/**
 * Operands for differential tests: edges, uniform values, runs of equal bits, and limbs drawn directly up to a bound,
 * which no canonical value has. The seed is printed, and `MPC_DIFFERENTIAL_SEED` sets another one;
 * `MPC_DIFFERENTIAL_FACTOR` multiplies how many cases run.
 */
import type { Limbs } from '../../../../src/crypto/limbs/product.ts'

const seed = Number(process.env['MPC_DIFFERENTIAL_SEED'] ?? 20_260_118) >>> 0
const factor = Number(process.env['MPC_DIFFERENTIAL_FACTOR'] ?? 1)

/** How many cases to run where `usual` are the default. */
export function casesOf(usual: number): number {
  return Math.round(usual * factor)
}

export type Draw = Readonly<{
  /** 0 … `below` − 1. */
  integer(below: number): number
  /** An edge, a run of equal bits or a uniform value below `modulus` + 2. */
  value(): bigint
  /** One of ±1, 0, or in between. */
  signed(): number
}>

/** Reproducible draws for one test; its name goes into the seed. */
export function drawsFor(name: string, modulus: bigint): Draw {
  let state = [...name].reduce((hash, character) => Math.imul(hash ^ character.charCodeAt(0), 0x01000193), seed) | 1
  console.log(`${name}: seed ${seed}, factor ${factor}`)
  const next = () => {
    // Marsaglia's xorshift32.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const uniform = () => {
    let value = 0n
    for (let i = 0; i < 8; i++) value = (value << 32n) | BigInt(next())
    return value
  }
  const edges = [0n, 1n, 2n, 3n, modulus - 1n, modulus - 2n, modulus, modulus + 1n, modulus / 2n, modulus / 2n + 1n]
  for (let bit = 0n; bit < 256n; bit += 3n) edges.push(1n << bit, (1n << bit) - 1n)
  for (let bit = 0n; bit < 256n; bit += 22n) edges.push(1n << bit, (1n << bit) - 1n)
  const kinds = [
    () => edges[next() % edges.length] ?? 0n,
    () => ((1n << BigInt(next() % 256)) - 1n) << BigInt(next() % 32),
    uniform,
    uniform,
    uniform,
  ]
  return {
    integer: (below) => next() % below,
    value: () => (kinds[next() % kinds.length]?.() ?? 0n) % (modulus + 2n),
    signed: () => [1, -1, 1, -1, 0, (next() / 2 ** 31) - 1][next() % 6] ?? 0,
  }
}

/** Whole multiples of `unit(i)` in limb i, up to `bound(i)` of them in magnitude, mostly at the bound. */
export function fillLimbs(limbs: Limbs, draw: Draw, unit: (i: number) => number, bound: (i: number) => number): void {
  for (let i = 0; i < 12; i++) limbs[i] = Math.trunc(draw.signed() * bound(i)) * unit(i)
}

/** The integer that limbs of these weights stand for. */
export function integerOf(limbs: ArrayLike<number>, weight: (i: number) => number): bigint {
  let sum = 0n
  for (let i = 0; i < limbs.length; i++) sum += BigInt((limbs[i] ?? 0) / 2 ** weight(i)) << BigInt(weight(i))
  return sum
}

export function modulo(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus
}
