import { expect, test, describe } from 'vitest'
import { parseDuration, showDuration } from '../../../src/cli/keys/duration.ts'
import { created, listed, revoked, rotated } from '../../../src/cli/keys/entries.ts'
import { hashApiKey } from '../../../src/edge/api-keys/api-key.ts'
import type { KeyEntry } from '../../../src/edge/api-keys/key-file.ts'
import { createKeyRing } from '../../../src/edge/api-keys/key-ring.ts'

const hour = 3_600_000
const startMs = Date.UTC(2026, 0, 1)
const key = (text: string) => `mpc_key_${text}`
const wallet = { name: 'wallet', scopes: ['sessions'], lifetimeMs: null } as const

const make = (entries: readonly KeyEntry[], text: string, lifetimeMs: number | null = null) =>
  created(entries, { key: key(text), nowMs: startMs }, { ...wallet, lifetimeMs }).entries
const rotate = (entries: readonly KeyEntry[], text: string, nowMs: number, overlapMs: number) =>
  rotated(entries, { key: key(text), nowMs }, { name: 'wallet', overlapMs, lifetimeMs: null }).entries
const isValid = (entries: readonly KeyEntry[], text: string, nowMs: number) =>
  createKeyRing(entries).find(key(text), nowMs) !== null

describe('a created key', () => {
  test('is kept as its hash, with name, scopes and time', () => {
    expect(make([], 'a')).toEqual([
      {
        name: 'wallet',
        sha256: hashApiKey(key('a')).toString('hex'),
        scopes: ['sessions'],
        created_at: '2026-01-01T00:00:00.000Z',
      },
    ])
  })
  test('is refused from the moment on at which it expires', () => {
    const entries = make([], 'a', hour)
    expect(isValid(entries, 'a', startMs + hour - 1)).toBe(true)
    expect(isValid(entries, 'a', startMs + hour)).toBe(false)
  })
  test('does not take the name of another', () => {
    expect(() => make(make([], 'a'), 'b')).toThrow('there is a key "wallet" already')
  })
})

describe('a rotation', () => {
  test('without an overlap ends the old key at once', () => {
    const entries = rotate(make([], 'a'), 'b', startMs + 1, 0)
    expect([isValid(entries, 'a', startMs + 1), isValid(entries, 'b', startMs + 1)]).toEqual([false, true])
  })
  test('with an overlap lets the old key work for so long', () => {
    const entries = rotate(make([], 'a'), 'b', startMs, hour)
    expect([isValid(entries, 'a', startMs + hour - 1), isValid(entries, 'a', startMs + hour)]).toEqual([true, false])
    expect(isValid(entries, 'b', startMs + 9 * hour)).toBe(true)
  })
  test('does not lengthen the life of the old key', () => {
    const entries = rotate(make([], 'a', hour), 'b', startMs, 9 * hour)
    expect(isValid(entries, 'a', startMs + hour)).toBe(false)
  })
  test('gives the new key as long a life as the old one had', () => {
    const entries = rotate(make([], 'a', 2 * hour), 'b', startMs + hour, 0)
    expect([isValid(entries, 'b', startMs + 3 * hour - 1), isValid(entries, 'b', startMs + 3 * hour)]).toEqual([
      true,
      false,
    ])
  })
  test('within an overlap keeps both old keys, and one without an overlap ends all', () => {
    const twice = rotate(rotate(make([], 'a'), 'b', startMs, hour), 'c', startMs + 1, hour)
    expect(['a', 'b', 'c'].map((text) => isValid(twice, text, startMs + 2))).toEqual([true, true, true])
    const thrice = rotate(twice, 'd', startMs + 2, 0)
    expect(['a', 'b', 'c', 'd'].map((text) => isValid(thrice, text, startMs + 3))).toEqual([false, false, false, true])
  })
  test('asks for a lifetime where an entry written by hand does not tell it', () => {
    const byHand: KeyEntry = { name: 'wallet', sha256: 'a'.repeat(64), scopes: ['audit'], expires_at: '2027-01-01T00:00:00Z' }
    expect(() => rotate([byHand], 'b', startMs, 0)).toThrow('--expires-in')
  })
})

test('a revoked key is gone, with what a rotation left of it', () => {
  const entries = revoked(rotate(make([], 'a'), 'b', startMs, hour), 'wallet').entries
  expect(entries).toEqual([])
})

test.each(['rotate', 'revoke'])('%s names a key that is not there', (what) => {
  const act = () => (what === 'rotate' ? rotate([], 'a', startMs, 0) : revoked([], 'wallet'))
  expect(act).toThrow('there is no key "wallet"')
})

test('a list tells neither keys nor hashes', () => {
  const entries = rotate(make([], 'a'), 'b', startMs, hour)
  const text = JSON.stringify(entries.map((entry) => listed(entry, startMs)))
  for (const hidden of entries.flatMap(({ sha256, former = [] }) => [sha256, ...former.map((one) => one.sha256)])) {
    expect(text).not.toContain(hidden)
  }
  expect(text).toContain('wallet')
})

test.each([
  ['0', 0],
  ['90s', 90_000],
  ['30m', 30 * 60_000],
  ['12h', 12 * hour],
  ['90d', 90 * 24 * hour],
])('%s is a span of time', (text, ms) => expect(parseDuration(text)).toBe(ms))

test.each(['', 'h', '1', '-1h', '1.5h', '1h30m', '1w', '40000d', '1 h'])('%j is none', (text) => {
  expect(parseDuration(text)).toBeNull()
})

test.each([
  [90_000, '90 s'],
  [90 * 60_000, '90 min'],
  [50 * hour, '2 d'],
])('%d ms are shown as %s', (ms, text) => expect(showDuration(ms)).toBe(text))
