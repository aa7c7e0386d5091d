import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockDataFolder } from '../../../src/cli/stack/data-lock.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-lock-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const lock = () => join(folder, 'lock')

test('a lock that is held keeps others out and names its holder', () => {
  lockDataFolder(folder)
  expect(() => lockDataFolder(folder)).toThrow(`is in use by process ${process.pid}`)
})

test('a released lock can be taken again, and nothing is left behind', () => {
  lockDataFolder(folder)()
  lockDataFolder(folder)()
  expect(readdirSync(folder)).toEqual([])
})

test('the lock of a process that is gone is taken over', () => {
  const gone = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim()
  writeFileSync(lock(), `${gone} 12345\n`)
  const release = lockDataFolder(folder)
  expect(readdirSync(folder)).toEqual(['lock'])
  release()
  expect(existsSync(lock())).toBe(false)
})

test('the lock of a process whose pid is now another\'s is taken over', () => {
  writeFileSync(lock(), `${process.pid} 1\n`)
  expect(() => lockDataFolder(folder)).not.toThrow()
})

test('an empty lock file, as a full disk leaves one, is taken over', () => {
  writeFileSync(lock(), '')
  expect(() => lockDataFolder(folder)).not.toThrow()
})
