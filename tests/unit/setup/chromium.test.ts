import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findChromium } from '../../setup/chromium.ts'

let folder: string
let said: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-chromium-'))
  said = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const find = (env: NodeJS.ProcessEnv = {}, isRoot = true) =>
  findChromium({ env: { PATH: folder, ...env }, say: (line) => said.push(line), isRoot })

function program(name: string, script = ''): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

test('the one that MPC_CHROMIUM names comes first', async () => {
  program('chromium')
  const mine = program('my-chromium')
  expect(await find({ MPC_CHROMIUM: mine })).toBe(mine)
})

test('a name that leads nowhere is said, and nothing else is tried', async () => {
  program('chromium')
  await expect(find({ MPC_CHROMIUM: '/nowhere' })).rejects.toThrow('MPC_CHROMIUM: /nowhere cannot be executed')
})

test('one on PATH is taken, chromium before google-chrome', async () => {
  const chrome = program('google-chrome')
  expect(await find()).toBe(chrome)
  const chromium = program('chromium')
  expect(await find()).toBe(chromium)
  expect(said).toEqual([])
})

test('root installs the package where there is none', async () => {
  const log = join(folder, 'log')
  const made = `printf '#!/bin/sh\\n' > '${folder}/chromium'`
  program('apt-get', `echo "$@" >> '${log}'\ncase "$1" in install) ${made};; esac`)
  expect(await find()).toBe(join(folder, 'chromium'))
  expect(said).toHaveLength(1)
})

test.each([
  ['without apt', false, true, 'no Chromium found (apt-get is not installed): install it or set MPC_CHROMIUM to one'],
  ['without being root', true, false, 'no Chromium found (only root can install it): install it or'],
  ['when the package is not to be had', true, true, 'no Chromium found (E: Unable to locate package chromium): '],
])('%s one line says what is missing', async (_, apt, isRoot, problem) => {
  if (apt) program('apt-get', 'echo "E: Unable to locate package chromium" >&2; exit 100')
  await expect(find({}, isRoot)).rejects.toThrow(problem)
})
