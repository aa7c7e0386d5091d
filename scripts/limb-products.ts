/**
 * Writes the arithmetic on limbs that is too repetitive for hands. Of both fields the products,
 * src/crypto/limbs/<field>/product.ts: columns and reduction in one function, so that no limb goes through memory in
 * between, which takes a fifth more time. Modulo q, where many products are added up before, the reduction of columns
 * alone: src/crypto/limbs/mod-q/reduction.ts.
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

/** 2^264 modulo q, 2^8·(2^256 − q), in limbs. */
const orderTail = [4112128, 835366, 186903, 1569040, 1659063, 1393804, 20]

const files = [
  ...[secp256k1, ristretto255].map((field) => ({ name: `${field.folder}/product.ts`, source: sourceOf(field) })),
  { name: 'mod-q/reduction.ts', source: orderReduction() },
]

export function writeLimbProducts(root: string): void {
  for (const { name, source } of files) writeFileSync(pathOf(root, name), source)
}

/** One line for each file that is not what `npm run generate` makes of this. */
export function staleLimbProducts(root: string): readonly string[] {
  const stale = files.filter(({ name, source }) => readFileSync(pathOf(root, name), 'utf8') !== source)
  return stale.map(({ name }) => `src/crypto/limbs/${name} is not up to date: npm run generate`)
}

function pathOf(root: string, name: string): string {
  return join(root, 'src', 'crypto', 'limbs', name)
}

function sourceOf({ modulus, bounds, constants, begin, reduction, proof }: Field): string {
  const loaded = (name: 'a' | 'b') => `  const ${limbs.map((i) => `${name}${i} = ${name}[${i}]`).join(', ')}`
  const doubled = limbs.slice(0, -1).map((i) => `d${i} = a${i} + a${i}`)
  const stored = limbs.map((i) => `out[${i}] = r${i}`).join('; ')
  const carries = ['let c: number', 'let d: number']
  const reduced = indented([...(begin === undefined ? [] : [begin]), ...carries, ...reduction.split('\n'), stored])
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

/**
 * Carries from all limbs `from` to `to` at once: no step waits for another, which a processor takes as an invitation to
 * do many in the time of one. What comes from below stays on top of half a limb. `into`: what the last carry adds to.
 */
function carryAtOnce(from: number, to: number, into = `r${to + 1} += #`): string {
  const steps = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const rounded = steps.map((i) => `c${i} = (r${i} + T${i + 1}) - T${i + 1}`)
  // From the left: the limb without its carry first, which is exact.
  const left = steps.map((i) => `r${i} = r${i} - c${i}${i === from ? '' : ` + c${i - 1}`}`)
  return [...rounded, ...left, into.replace('#', `c${to}`)].join('\n')
}

/** The carries that a piece of source assigns. */
function declarations(source: string): string {
  return `let ${[...new Set(source.match(/\bc\d+\b/g))].map((name) => `${name}: number`).join(', ')}`
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join('\n')
}

function orderReduction(): string {
  const columns = Array.from({ length: 2 * limbCount }, (_, k) => k)
  const loaded = `let ${columns.map((k) => `r${k} = columns[${k}]`).join(', ')}`
  const loadedShort = `let ${columns.slice(0, 17).map((k) => `r${k} = columns[${k}]`).join(', ')}`
  const carrying = carryAtOnce(0, 22)
  const reducing = `${carryAtOnce(12, 22)}
${foldOnto('r', 12, 's')}
${carryAtOnce(0, 11, 's12 += #')}
${inS(carryAtOnce(12, 17, 'let s18 = #'))}
${inS(carryAtOnce(12, 17, 's18 += #'))}
${foldOnto('s', 7, 't')}
${carryAtOnce(0, 11, 't12 += #')}
${foldOnto('t', 1)}
${carryAtOnce(0, 11, 'const u12 = #')}
${foldOnto('u', 1)}`
  const reducingShort = `${carryAtOnce(12, 16, 'let r17 = #')}
${carryAtOnce(12, 17, 'const r18 = #')}
${foldOnto('r', 7, 's')}
${carryAtOnce(0, 11, 's12 += #')}
${foldOnto('s', 1)}
${carryAtOnce(0, 11, 'const t12 = #')}
${foldOnto('t', 1)}`
  return `/**
 * Sums of products modulo q, the order of secp256k1: see numbers.ts for limbs, units and bounds. Written by
 * \`npm run generate\` (scripts/limb-products.ts): not to be edited.
 */
import type { Columns, Limbs } from '../product.ts'

/** 2^264 ≡ Σ eⱼ·2^(22j): what a limb of weight 2^(22(k+12)) is worth in limbs k to k + 6. */
${orderTail.map((e, j) => `const e${j} = ${e} * 2 ** ${22 * j - 264}`).join('\n')}
${rounding}
${roundingConstants(23, (i) => `3 * 2 ** ${51 + 22 * i}`).replaceAll('export ', '')}

/**
 * Carries all columns but the last, at once. Columns may be below 2^52, in units of their own weight; afterwards they
 * are below 2^31, and the last has grown by at most 2^30.
 */
export function carryColumns(columns: Columns): void {
${indented([loaded, declarations(carrying), ...carrying.split('\n')])}
${indented(columns.map((k) => `columns[${k}] = r${k}`))}
}

/**
 * out ≡ Σ columnsₖ, with limbs below 2^24.2 and a value between ±(2^263 + 2^245). Columns may be below 2^50, the last
 * below 2^27.
 *
 * The first carries leave less than 2^28.6 in r12 to r23. Folding takes these times Σ eⱼ < 2^23.3, so sums stay below
 * 2^52.3, exact. The second carries leave less than 2^30.4 in r0 to r11 and, done twice, 2^21 + 2^9 in s12 to s17; s18 is
 * below 2^12, as s17 was 20 times a limb at most. Folding leaves less than 2^44.5 in r0 to r11; the third carries less
 * than 2^23 there and in t12; folding that adds 2^45 to r0 to r6; the fourth carries leave less than 2^23.2, but 2^21 + 2
 * in r11, and at most 2 in u12, whose folding adds 2^23.
 */
export function reduceColumns(out: Limbs, columns: Columns): void {
${indented([loaded, declarations(reducing), ...reducing.split('\n')])}
${indented([limbs.map((i) => `out[${i}] = r${i}`).join('; ')])}
}

/**
 * out ≡ Σ columnsₖ of the first 17, with limbs below 2^28.3 and a value between ±(2^263 + 2^248). Columns may be below
 * 2^49.
 *
 * The first carries leave less than 2^27.1 in r12 to r17, the second ones 2^21 + 2^6 and at most 2^5 in r18. Folding
 * adds these times Σ eⱼ < 2^23.3 to r0 to r11, which stay below 2^49.1. The third carries leave less than 2^27.2 there
 * and in s12, whose folding adds 2^49.2; the fourth less than 2^27.3, but 2^21 + 2^6 in r8 to r11, and at most 2^5.2 in
 * t12, whose folding adds 2^27.2.
 */
export function reduceShortColumns(out: Limbs, columns: Columns): void {
${indented([loadedShort, declarations(reducingShort), ...reducingShort.split('\n')])}
${indented([limbs.map((i) => `out[${i}] = r${i}`).join('; ')])}
}
`
}

/** Adds `count` limbs from the 12th on, by 2^264 modulo q, to r0 … r11 and, above, to new limbs called `upper`. */
function foldOnto(limb: string, count: number, upper = ''): string {
  const taken = Array.from({ length: count }, (_, i) => i)
  const targets = Array.from({ length: count + orderTail.length - 1 }, (_, k) => k)
  return targets
    .map((k) => {
      const terms = taken.filter((i) => k - i >= 0 && k - i < orderTail.length)
      const sum = terms.map((i) => `${limb}${limbCount + i} * e${k - i}`).join(' + ')
      return k < limbCount ? `r${k} += ${sum}` : `let ${upper}${k} = ${sum}`
    })
    .join('\n')
}

function inS(source: string): string {
  return source.replaceAll(/\br(?=\d)/g, 's')
}
