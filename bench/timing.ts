/**
 * A statistical look at whether secret arithmetic takes a time that depends on its operands: special ones against
 * random ones, drawn in random order, compared by Welch's t-test after cutting off the slowest tenth (as dudect does,
 * ePrint 2016/1123). A smoke test: it can show a leak and never the absence of one.
 */
import { randomBytes } from 'node:crypto'
import { randomElementScalar, type ElementScalar } from '../src/crypto/curve/ristretto255.ts'
import { randomScalar, smallScalar, type Scalar } from '../src/crypto/curve/scalar.ts'
import { limbEngine } from '../src/crypto/limbs/engine.ts'
import { multiply, newElement } from '../src/crypto/limbs/secp256k1/field.ts'
import { readElement } from '../src/crypto/limbs/secp256k1/bytes.ts'
import { nobleEngine } from '../src/crypto/reference/engine.ts'

export type TimingRow = Readonly<{
  operation: string
  operands: string
  specialNs: number
  randomNs: number
  /** Welch's t, without its sign. */
  t: number
}>

const { scalars, points, elements } = limbEngine
const rng = (length: number) => new Uint8Array(randomBytes(length))
const three = smallScalar(3)
const elementThree = smallScalar(3) as Uint8Array as ElementScalar // 3 is below either order, and so its copies
const topBit = scalars.reduce(Uint8Array.of(0x80, ...new Uint8Array(31)))
const element = elements.multiplyBase(randomElementScalar(elements, rng))

/** `share`: of the usual number of samples. */
export function benchTiming(share: number): readonly TimingRow[] {
  const rows = [
    fieldRow(share),
    bigintRow(share),
    scalarRow('scalar product', '3', three, share, 100, (k) => scalars.multiply(k, topBit)),
    scalarRow('k·G', '3', three, share, 1, points.multiplyBase),
    scalarRow('k·G', '2^255', topBit, share, 1, points.multiplyBase),
    scalarRow('k·G of @noble/curves', '3', three, share * 0.2, 1, nobleEngine.points.multiplyBase),
  ]
  const randomElements = pool(() => randomElementScalar(elements, rng))
  const special = pool(() => elementThree.slice() as ElementScalar)
  const samples = Math.round(3000 * share)
  const multiple = (k: ElementScalar) => elements.multiply(element, k)
  return [...rows, compare('k·P of ristretto255', '3', special, randomElements, multiple, samples, 1)]
}

function fieldRow(share: number): TimingRow {
  const elementOf = (bytes: Uint8Array) => {
    const out = newElement()
    readElement(out, bytes)
    return out
  }
  const [other, out] = [elementOf(rng(32)), newElement()]
  const small = pool(() => elementOf(three))
  const random = pool(() => elementOf(rng(32)))
  const samples = Math.round(3000 * share)
  return compare('product mod p', '3', small, random, (a) => multiply(out, a, other), samples, 200)
}

function bigintRow(share: number): TimingRow {
  const number = () => BigInt(`0x${randomBytes(32).toString('hex')}`)
  const [p, other] = [2n ** 256n - 2n ** 32n - 977n, number()]
  const random = pool(number)
  return compare('BigInt product mod p', '3', () => 3n, random, (a) => (a * other) % p, Math.round(3000 * share), 200)
}

function scalarRow(
  operation: string,
  operands: string,
  special: Scalar,
  share: number,
  batch: number,
  run: (k: Scalar) => unknown,
): TimingRow {
  const random = pool(() => randomScalar(scalars, rng))
  const copies = pool(() => special.slice() as Scalar)
  return compare(operation, operands, copies, random, run, Math.round(3000 * share), batch)
}

/** Operands are made beforehand, the special one as often as others: neither making nor caching is to be timed. */
function pool<T>(make: () => T): () => T {
  const made = Array.from({ length: 64 }, make)
  let next = 0
  return () => made[next++ % made.length] as T // the pool is not empty
}

function compare<T>(
  operation: string,
  operands: string,
  special: () => T,
  random: () => T,
  run: (operand: T) => unknown,
  samples: number,
  batch: number,
): TimingRow {
  for (let i = 0; i < samples / 5; i++) {
    run(special())
    run(random())
  }
  const [specials, randoms]: [number[], number[]] = [[], []]
  for (let i = 0; i < 2 * samples; i++) {
    const isSpecial = Math.random() < 0.5
    const operand = isSpecial ? special() : random()
    const start = process.hrtime.bigint()
    for (let j = 0; j < batch; j++) run(operand)
    const ns = Number(process.hrtime.bigint() - start) / batch
    if (isSpecial) specials.push(ns)
    else randoms.push(ns)
  }
  const [a, b] = [moments(specials), moments(randoms)]
  const t = Math.abs(a.mean - b.mean) / Math.sqrt(a.variance / a.count + b.variance / b.count)
  return { operation, operands, specialNs: a.mean, randomNs: b.mean, t }
}

function moments(times: number[]): Readonly<{ mean: number; variance: number; count: number }> {
  const kept = times.sort((x, y) => x - y).slice(0, Math.floor(times.length * 0.9))
  const count = kept.length
  const mean = kept.reduce((sum, time) => sum + time, 0) / count
  const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (count - 1)
  return { mean, variance, count }
}
