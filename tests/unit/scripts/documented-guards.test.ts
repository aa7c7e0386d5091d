import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { problemsOf } from '../../../scripts/documented-guards.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const self = 'tests/unit/scripts/documented-guards.test.ts'
const problems = (row: string) => problemsOf('page.md', row, root).map((problem) => problem.replace('page.md:1: ', ''))

test('a row whose files, functions and tests exist is right', () => {
  expect(problems('| x | `src/crypto/hash.ts` (`H`, `xof`) | `tests/unit/crypto/hash.test.ts` “frames every item” |')).toEqual([])
  expect(problems("| x | – | `tests/unit/crypto/frost/key-share.test.ts` “with another party's number” |")).toEqual([])
})

test.each([
  ['| x | `src/crypto/none.ts` | `' + self + '` “a row” |', ['there is no src/crypto/none.ts']],
  ['| x | `src/crypto/hash.ts` (`H`, `hush`) | `' + self + '` “a row” |', ['src/crypto/hash.ts has no hush']],
  ['| x | y | `' + self + '` “a row”, “gone' + '1” |', [`${self} has no test “gone${1}”`]],
  ['| x | `src/crypto/hash.ts` | `' + self + '` |', ['a guard without a test']],
])('%s', (row, expected) => {
  expect(problems(row)).toEqual(expected)
})

test('only tables are looked at', () => {
  expect(problems('see `src/crypto/none.ts`')).toEqual([])
})
