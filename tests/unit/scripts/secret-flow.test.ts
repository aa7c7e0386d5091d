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
    ['library', 'sign/sign.ts', 'return point.multiplyUnsafe(k)'],
    ['library', 'polynomial.ts', 'const inverse = Fn.inv(x)'],
    ['branch', 'ot/extension.ts', 'if (bitAt(delta, i) === 1) swap(a, b)'],
    ['branch', 'limbs/digits.ts', 'const entry = digit < 0 ? negated : table'],
    ['branch', 'rvole.ts', 'choice && add(sum, g)'],
    ['branch', 'limbs/mod-q/numbers.ts', 'while (r11 > 0) fold()'],
    ['early exit', 'bytes.ts', 'return a.every((byte, i) => byte === b[i])'],
    ['division', 'limbs/mod-q/numbers.ts', 'const c = r0 / weight'],
    ['division', 'limbs/mod-q/numbers.ts', 'return value % order'],
    ['lookup', 'limbs/secp256k1/multiply.ts', 'const entry = table[digit]'],
    ['lookup', 'ot/base-ot.ts', 'return keys[2 * i + choice]'],
    ['lookup', 'limbs/mod-q/scalars.ts', 'const entry = table[digits[i]!]'],
    ['comparison', 'limbs/mod-q/scalars.ts', 'const c = Math.max(a[0], b[0])'],
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
    'if (i === 1) c += 1024',
    'if (a.length !== b.length) return false',
    'if (found === undefined) return',
    'return bytes[at] ?? 0',
    'const half = a.length / 2',
    '// if (secret) x / y',
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
