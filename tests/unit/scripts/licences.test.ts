import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkLicences, isPermissive, licenceProblem } from '../../../scripts/licences.ts'

const root = mkdtempSync(join(tmpdir(), 'mpc-licences-'))
afterAll(() => rmSync(root, { recursive: true }))

test.each(['MIT', '(Apache-2.0 AND BSD-3-Clause)', 'GPL-3.0-only OR MIT', '(MIT OR GPL-2.0) AND ISC', '((MIT))'])(
  '%s is permissive',
  (expression) => expect(isPermissive(expression)).toBe(true),
)

test.each([
  '',
  'GPL-3.0-only',
  'MIT AND GPL-3.0-only',
  '(MIT',
  'MIT)',
  'MIT MIT',
  'Apache-2.0 WITH LLVM-exception',
  'UNLICENSED',
  'SEE LICENSE IN LICENSE.md',
  'mit',
])('%j is not', (expression) => expect(isPermissive(expression)).toBe(false))

test('an exception is for one package and one licence', () => {
  expect(licenceProblem('tweetnacl', 'Unlicense')).toBeNull()
  expect(licenceProblem('tweetnacl', 'GPL-3.0-only')).toMatch(/tweetnacl is under "GPL-3.0-only"/)
  expect(licenceProblem('another', 'Unlicense')).toMatch(/another is under "Unlicense"/)
})

test('lockfile and installed packages are both asked, and development tools are not', () => {
  const packages = {
    '': { license: 'Apache-2.0' },
    'node_modules/good': { license: 'MIT' },
    'node_modules/silent': {},
    'node_modules/changed': { license: 'MIT' },
    'node_modules/good/node_modules/inner': { license: 'AGPL-3.0-only' },
    'node_modules/tool': { dev: true, license: 'MPL-2.0' },
  }
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }))
  mkdirSync(join(root, 'node_modules/changed'), { recursive: true })
  writeFileSync(join(root, 'node_modules/changed/package.json'), JSON.stringify({ license: 'BUSL-1.1' }))
  expect(checkLicences(root)).toEqual([
    'silent does not say what its licence is',
    expect.stringContaining('changed is under "BUSL-1.1"'),
    expect.stringContaining('inner is under "AGPL-3.0-only"'),
  ])
})
