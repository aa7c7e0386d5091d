import { describe, expect, test } from 'vitest'
import { allowed } from '../../../scripts/secret-flow-allowed.ts'
import { readImportGraph } from '../../../scripts/import-graph.ts'
import { checkSecretFlow, secretFlowProblems } from '../../../scripts/secret-flow.ts'

const reference = 'src/crypto/reference/'
const problemsOf = (file: string, source: string) => secretFlowProblems(new Map([[file, source]]), [])

test('src/crypto holds to the rule, and everything allowed is there', () => {
  expect(checkSecretFlow('.')).toEqual([])
  for (const { why } of allowed) expect(why.length).toBeGreaterThan(5)
})

test('nothing but tests and benchmarks uses the reference engine', () => {
  const importers = [...readImportGraph('.')].filter(([, imports]) => imports.some((path) => path.startsWith(reference)))
  expect(importers.map(([file]) => file).filter((file) => !`src/${file}`.startsWith(reference))).toEqual([])
})

describe('what takes a time that depends on values is found', () => {
  test.each([
    ['BigInt', 'sign/round-1.ts', 'const double = r * 2n'],
    ['BigInt', 'schnorr.ts', 'const k = BigInt(secret)'],
    ['BigInt', 'polynomial.ts', 'view.getBigUint64(0)'],
    ['library', 'keygen/pair.ts', "import { secp256k1 } from '@noble/curves/secp256k1.js'"],
    ['library', 'sign/sign.ts', 'const p = point.multiplyUnsafe(k)'],
    ['library', 'polynomial.ts', 'const inverse = Fn.inv(x)'],
    ['library', 'sign/round-1.ts', 'const R = points.multiplyPublic(base, nonce)'],
    ['library', 'frost/nonce.ts', 'const share = suite.frost.signShare(secret, list)'],
    ['library', 'frost/keygen.ts', 'const made = frost.DKG.round1(id, rng)'],
    ['BigInt', 'frost/keygen.ts', 'const k = 2n'],
    ['branch', 'ot/extension.ts', 'if (bitAt(delta, i) === 1) swap(a, b)'],
    ['branch', 'limbs/digits.ts', 'const entry = digit < 0 ? negated : table'],
    ['branch', 'rvole.ts', 'choice && add(sum, g)'],
    ['branch', 'limbs/mod-q/numbers.ts', 'while (r11 > 0) fold()'],
    ['early exit', 'bytes.ts', 'const same = a.every((byte, i) => byte === b[i])'],
    ['division', 'limbs/mod-q/numbers.ts', 'const c = r0 / weight'],
    ['division', 'limbs/mod-q/numbers.ts', 'const r = value % order'],
    ['lookup', 'limbs/secp256k1/multiply.ts', 'const entry = table[digit]'],
    ['lookup', 'ot/base-ot.ts', 'const key = keys[2 * i + choice]'],
    ['lookup', 'limbs/mod-q/scalars.ts', 'const entry = table[digits[i]!]'],
    ['comparison', 'limbs/mod-q/scalars.ts', 'const c = Math.max(a[0], b[0])'],
    ['branch', 'ot/extension.ts', 'for (let i = 0; i < 9; i++) if (i < 3) x = isOdd(secret) ? 1 : 2'],
    ['branch', 'ot/extension.ts', 'const x = secret > 5 ? (list[0] ?? 0) : 1'],
    ['branch', 'ot/extension.ts', 'if (isZero(parity(secret))) double(x)'],
    ['branch', 'ot/extension.ts', 'const text = `${secret > 5 ? fast() : slow()}`'],
    ['branch', 'ot/extension.ts', 'const slashes = "/*"; if (secret > 5) fast(); const end = "*/"'],
    ['branch', 'limbs/digits.ts', 'for (let i = 0; i < secret; i++) double(x)'],
    ['branch', 'limbs/digits.ts', 'let n = 0; n = secret & 7; for (let i = 0; i < n; i++) double(x)'],
    ['branch', 'limbs/digits.ts', 'do double(x); while (secret > 0)'],
    ['branch', 'limbs/secp256k1/field.ts', 'export function copyIf(bit, out, a) { if (bit) out.set(a) }'],
    ['branch', 'limbs/secp256k1/multiply.ts', 'export function multiply(p, k) { if (k === 0) return p }'],
    ['branch', 'limbs/digits.ts', 'secret ||= fallback()'],
    ['branch', 'limbs/digits.ts', 'secret?.call(x)'],
    ['division', 'limbs/digits.ts', 'secret %= 5'],
    ['lookup', 'limbs/digits.ts', 'const entry = table.subarray(12 * secret)'],
    ['lookup', 'limbs/digits.ts', 'const entry = table.at(secret)'],
    ['lookup', 'limbs/digits.ts', 'table[secret & 7] = 1'],
    ['text', 'schnorr.ts', 'const b = k.toString()'],
    ['text', 'sign/round-3.ts', 'const shown = bytesToHex(keyShare)'],
  ])('%s in %s: %s', (kind, file, code) => {
    expect(problemsOf(file, `/** if (x) a % b */\n${code} // why\n`)).toEqual([
      `src/crypto/${file}:2: ${kind}, not allowed: ${code}`,
    ])
  })
})

test('counters, sizes, absence, comments and texts are no secrets', () => {
  const source = [
    'for (let i = 0; i < 9; i++) if (i === 1) c += 1024',
    'function size(at) { if (a.length !== b.length || found === undefined) return 0; return bytes[at] ?? 0 }',
    'const half = a.length / 2',
    '// if (secret) x / y',
    'for (let i = 0; i < 12; i++) out[i] = a[11 - i]',
    'let to = 0; for (const b of [0, 1]) { out[2 * to + b] = a[to]; to += 1 }',
    'const half = 2 * hashLength; const x = half > 12 ? 1 : 2',
    'list.map((value, i) => (i === 0 ? value : other[i]))',
    "throw new Error('a ? b : c')",
  ]
  expect(problemsOf('limbs/x.ts', source.join('\n'))).toEqual([])
})

test('the reference engine is exempt, and what is allowed but gone is reported', () => {
  expect(problemsOf('reference/scalars.ts', 'const x = 1n % q')).toEqual([])
  const allowance = { file: 'ot/a.ts', code: 'if (secret) x()', why: 'a test' }
  expect(secretFlowProblems(new Map([['ot/a.ts', 'if (secret) x()']]), [allowance])).toEqual([])
  expect(secretFlowProblems(new Map([['ot/a.ts', '']]), [allowance])).toEqual([
    'src/crypto/ot/a.ts: allowed but not there: if (secret) x()',
  ])
})
