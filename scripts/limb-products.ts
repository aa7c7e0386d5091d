/**
 * Writes the products of both fields, src/crypto/limbs/<field>/product.ts: columns and reduction in one function, so
 * that no limb goes through memory in between, which takes a fifth more time. As written by hand, each reduction would
 * stand there twice.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const limbCount = 12
const limbs = Array.from({ length: limbCount }, (_, i) => i)

const rounding =
  '/** Adding and subtracting Tᵢ, 1.5·2^52 times the weight of limb i, rounds to multiples of that weight. */'

type Field = Readonly<{
  folder: string
  modulus: string
  /** What a product and a square may take and give. */
  bounds: string
  constants: string
  /** What the reduction starts with besides r0 to r22. */
  begin?: string
  /** Takes the columns r0 to r22 to the limbs r0 to r11, with two carries c and d. */
  reduction: string
  proof: string
}>

const secp256k1: Field = {
  folder: 'secp256k1',
  modulus: 'p = 2^256 − 2^32 − 977',
  bounds: 'Operands of at most A and B units with A·B ≤ 128; the result has at most 1.',
  constants: `/** 2^264 ≡ 2^40 + 250112: what a limb of weight 2^(22(k+12)) is worth in limbs k and k + 1. */
export const low = 250112 * 2 ** -264
export const high = 2 ** -224
${rounding}
${roundingConstants(23, (i) => `3 * 2 ** ${51 + 22 * i}`)}`,
  begin: 'let r23 = 0',
  proof: ` * In relative terms (limb k over 2^(22k)): columns are below 12·128·(2^21+1)^2 < 2^52.7, so exact, with what is added
 * to them. The first carries leave all but r11 and r23 at 2^21; r23 is at most 128·2^42 / 2^22 = 2^27. Folding adds
 * 2^39 + 2^39 to each limb, and 2^45 to r11 and to \`top\`, the limb of weight 2^264. The second carries bring r0 to r11
 * to 2^21, but r6 to 2^21 + 2^19, and \`top\` to less than 2^46, of which \`over\` takes what exceeds 2^21: at most 2^24.
 * Folding both adds 2^39 to r0, 2^39 + 2^42 to r1 and 2^42 to r2. The last carries then leave 2^21 in r0 to r3 and r6,
 * and 1 more in r4 and r7.`,
  reduction: `${sideBySide([0, 10], [12, 22])}
${limbs.map((k) => `r${k} += ${k === 0 ? '' : `r${k + 11} * high + `}r${k + 12} * low`).join('\n')}
let top = r23 * high
${sideBySide([0, 4], [6, 10])}
${carry('c', 5)}; d = (r11 + T12) - T12; r11 -= d; top += d
${carry('c', 6)}
const over = (top + T13) - T13
top -= over
r0 += top * low
r1 += top * high + over * low
r2 += over * high
${[0, 1, 2, 3].map((i) => carry('c', i)).join('\n')}`,
}

const weights = [0, 22, 43, 64, 85, 107, 128, 149, 170, 192, 213, 234, 255]

const ristretto255: Field = {
  folder: 'ristretto255',
  modulus: '2^255 − 19',
  bounds: 'Operands of at most A and B units with A·B ≤ 12; the result has at most 1.',
  constants: `/** 2^255 ≡ 19. */
export const wrap = 19 * 2 ** -255
${rounding}
${roundingConstants(12, (i) => `3 * 2 ** (51 + ${weights[i]})`)}`,
  proof: ` * In relative terms (limb k over 2^eₖ): for A·B = 12 the largest folded column, k = 0, is
 * Σ aᵢbⱼ + 19·Σ aᵢbⱼ·2^(eᵢ+eⱼ−255) < 2^52.6, so all are exact, with what is added to them. The carries leave half a
 * limb everywhere but in r6 and r0, which receive up to 2^32 and 19·2^32 once more; the last two carries bring these
 * down, adding at most 2^15 to r7 and r1.`,
  reduction: `${limbs.slice(0, -1).map((k) => `r${k} += r${k + 12} * wrap`).join('\n')}
${sideBySide([0, 4], [6, 10])}
${carry('c', 5)}; d = (r11 + T12) - T12; r11 -= d; r0 += d * wrap
${carry('c', 6)}; ${carry('d', 0)}`,
}

const fields = [secp256k1, ristretto255]

export function writeLimbProducts(root: string): void {
  for (const field of fields) writeFileSync(pathOf(root, field), sourceOf(field))
}

/** One line for each file that is not what `npm run generate` makes of this. */
export function staleLimbProducts(root: string): readonly string[] {
  const stale = fields.filter((field) => readFileSync(pathOf(root, field), 'utf8') !== sourceOf(field))
  return stale.map(({ folder }) => `src/crypto/limbs/${folder}/product.ts is not up to date: npm run generate`)
}

function pathOf(root: string, { folder }: Field): string {
  return join(root, 'src', 'crypto', 'limbs', folder, 'product.ts')
}

function sourceOf({ modulus, bounds, constants, begin, reduction, proof }: Field): string {
  const loaded = (name: 'a' | 'b') => `  const ${limbs.map((i) => `${name}${i} = ${name}[${i}]`).join(', ')}`
  const doubled = limbs.slice(0, -1).map((i) => `d${i} = a${i} + a${i}`)
  const stored = limbs.map((i) => `out[${i}] = r${i}`).join('; ')
  const lines = [...(begin === undefined ? [] : [begin]), 'let c: number', 'let d: number', ...reduction.split('\n'), stored]
  const reduced = lines.map((line) => `  ${line}`).join('\n')
  return `/**
 * Products modulo ${modulus}: see field.ts for limbs, units and bounds. Written by \`npm run generate\`
 * (scripts/limb-products.ts): not to be edited.
 */
import type { Limbs } from '../product.ts'

${constants}

/**
 * out = a·b. ${bounds}
 *
${proof}
 */
export function multiply(out: Limbs, a: Limbs, b: Limbs): void {
${loaded('a')}
${loaded('b')}
${columns((i, k) => (k - i < 0 || k - i >= limbCount ? null : `a${i} * b${k - i}`))}
${reduced}
}

/** out = a², likewise. */
export function square(out: Limbs, a: Limbs): void {
${loaded('a')}
  const ${doubled.join(', ')}
${columns((i, k) => (2 * i > k || k - i >= limbCount ? null : 2 * i === k ? `a${i} * a${i}` : `d${i} * a${k - i}`))}
${reduced}
}
`
}

/** Column k is the sum of what \`term\` says of (i, k − i). */
function columns(term: (i: number, k: number) => string | null): string {
  return Array.from({ length: 2 * limbCount - 1 }, (_, k) => {
    const terms = limbs.map((i) => term(i, k)).filter((one) => one !== null)
    return `  let r${k} = ${terms.join(' + ')}`
  }).join('\n')
}

function carry(by: 'c' | 'd', from: number): string {
  const [limb, next, T] = [`r${from}`, `r${from + 1}`, `T${from + 1}`]
  return `${by} = (${limb} + ${T}) - ${T}; ${limb} -= ${by}; ${next} += ${by}`
}

/** Two chains of carries: each step waits for the one before it in its own. */
function sideBySide([from, to]: readonly [number, number], [other]: readonly [number, number]): string {
  const steps = Array.from({ length: to - from + 1 }, (_, i) => `${carry('c', from + i)}; ${carry('d', other + i)}`)
  return steps.join('\n')
}

/** field.ts carries sums with the first twelve. */
function roundingConstants(count: number, value: (i: number) => string): string {
  const line = (i: number) => `${i > limbCount ? '' : 'export '}const T${i} = ${value(i)}`
  return Array.from({ length: count }, (_, i) => line(i + 1)).join('\n')
}
