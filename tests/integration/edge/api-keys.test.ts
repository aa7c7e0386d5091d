/** Keys made, rotated and revoked by the command while a service runs; the service is never told. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@connectrpc/connect'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { created, revoked, rotated } from '../../../src/cli/keys/entries.ts'
import { changeKeys } from '../../../src/cli/keys/key-store.ts'
import { newApiKey, type Scope } from '../../../src/edge/api-keys/api-key.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { callOver, seenOf, transportOf, type Seen } from './protocols.ts'
import { serveSample, type Sample } from './sample-service.ts'

const command = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

let folder: string
let file: string
let sample: Sample | null = null
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-keys-'))
  file = join(folder, 'keys.json')
})
afterEach(async () => {
  await sample?.close()
  sample = null
  rmSync(folder, { recursive: true })
})

type Ran = Readonly<{ code: number | null; stdout: string; stderr: string }>

/** `mpc keys …` as a process of its own, on `file`. */
async function keys(...args: readonly string[]): Promise<Ran> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [command, 'keys', ...args], { env: { PATH, HOME, MPC_API_KEYS_FILE: file } })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (text.stdout += chunk))
  child.stderr.on('data', (chunk) => (text.stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...text }
}

/** What the commands do, without a process for each. */
async function made(name: string, scopes: readonly Scope[] = ['sessions']): Promise<string> {
  const key = newApiKey()
  const wanted = { name, scopes, lifetimeMs: null }
  await changeKeys(file, (entries) => created(entries, { key, nowMs: Date.now() }, wanted))
  return key
}

const revoke = (name: string) => changeKeys(file, (entries) => revoked(entries, name))

async function rotate(name: string, overlapMs: number): Promise<string> {
  const key = newApiKey()
  const wanted = { name, overlapMs, lifetimeMs: null }
  await changeKeys(file, (entries) => rotated(entries, { key, nowMs: Date.now() }, wanted))
  return key
}

async function serve(): Promise<Sample> {
  return (sample = await serveSample({
    env: { MPC_OPEN_MODE: 'false', MPC_HOST: '127.0.0.1', MPC_API_KEYS_FILE: file, MPC_AUTH_FAILURE_LIMIT: '1000000' },
  }))
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const call = (at: Sample, key: string): Promise<Seen> =>
  callOver('rest', at, SessionCoordinator.method.getSessionStatus, { sessionId: 's1' }, bearer(key))

/** Asks until the answer is this one: the test's own time limit is the only bound. */
async function untilAnswered(at: Sample, key: string, error: string | null): Promise<void> {
  for (;;) {
    if ((await call(at, key)).error === error) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function metric(at: Sample, name: string): Promise<number> {
  const text = await (await fetch(`${at.httpUrl}/metrics`)).text()
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'm').exec(text)?.[1] ?? NaN)
}

describe('the command', () => {
  test('prints a new key once, on standard output, and keeps its hash in a file of its owner only', async () => {
    const { stdout, stderr } = await keys('create', 'wallet', '--scopes', 'sessions,accounts')
    expect(stdout).toMatch(/^mpc_key_[A-Za-z0-9_-]{43}\n$/)
    expect(stderr).toMatch(/^mpc: the key of "wallet" \(sessions, accounts\) is shown this once/)
    expect(stderr).not.toContain('mpc_key_')
    expect(readFileSync(file, 'utf8')).not.toContain('mpc_key_')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const listing = await keys('list', '--json')
    expect(JSON.parse(listing.stdout)).toEqual([
      expect.objectContaining({ name: 'wallet', scopes: ['sessions', 'accounts'], expires_at: null }),
    ])
    expect(listing.stdout + (await keys('list')).stdout).not.toMatch(/[0-9a-f]{32}|mpc_key_/)
    expect(readdirSync(folder)).toEqual(['keys.json'])
  })

  test('loses no key where several run at once', async () => {
    const names = ['a', 'b', 'c', 'd']
    const ran = await Promise.all(names.map((name) => keys('create', name, '--scopes', 'sessions')))
    expect(new Set(ran.map(({ stdout }) => stdout)).size).toBe(names.length)
    const entries = JSON.parse(readFileSync(file, 'utf8')) as readonly { name: string }[]
    expect(entries.map(({ name }) => name).sort()).toEqual(names)
  })

  test('keeps the mode that a group needs, and replaces the file behind a link', async () => {
    await made('first')
    chmodSync(file, 0o640)
    const link = join(folder, 'link.json')
    symlinkSync(file, link)
    expect((await keys('create', 'second', '--scopes', 'audit', '--file', link)).code).toBe(0)
    expect(statSync(file).mode & 0o777).toBe(0o640)
    expect(readFileSync(file, 'utf8')).toContain('"second"')
  })

  test.each([
    ['a file that all may read', () => chmodSync(file, 0o644), ['revoke', 'first'], /^mpc: \S+ is open to more .*chmod 640/],
    ['a file that is no list of keys', () => writeFileSync(file, '{}'), ['list'], /^mpc: \S+ is not a list of API keys/],
    ['a name that is taken', () => undefined, ['create', 'first', '--scopes', 'audit'], /there is a key "first" already/],
    ['a name with a space', () => undefined, ['create', 'a b', '--scopes', 'audit'], /The name must be 1 to 64 characters/],
    ['a scope that is none', () => undefined, ['create', 'x', '--scopes', 'audit,root'], /"root" is none of sessions,/],
    ['no scope', () => undefined, ['create', 'x', '--scopes', ''], /"" is none of sessions,/],
    ['a key that is not there', () => undefined, ['rotate', 'nobody'], /there is no key "nobody"/],
    ['an overlap that is no time', () => undefined, ['rotate', 'first', '--overlap', 'long'], /must be a time such as/],
  ])('refuses %s and changes nothing', async (_what, prepare, args, problem) => {
    await made('first')
    prepare()
    const before = readFileSync(file, 'utf8')
    const { code, stdout, stderr } = await keys(...args)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(problem)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})

describe('a running service', () => {
  test('takes up new keys, refuses revoked ones, and goes on with what it had while the file is broken', async () => {
    const first = await made('first')
    const at = await serve()
    expect((await call(at, first)).error).toBeNull()
    const second = await made('second')
    await untilAnswered(at, second, null)
    expect(await metric(at, 'mpc_api_keys')).toBe(2)

    const good = readFileSync(file, 'utf8')
    writeFileSync(file, '[{ "name": "mpc_key_by_mistake"')
    while ((await metric(at, 'mpc_api_keys_failing')) !== 1) await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await call(at, first)).error).toBeNull()
    expect(at.logText()).toContain('the API keys cannot be read anew')
    writeFileSync(file, good)
    while ((await metric(at, 'mpc_api_keys_failing')) !== 0) await new Promise((resolve) => setTimeout(resolve, 50))

    expect((await keys('revoke', 'first')).code).toBe(0)
    await untilAnswered(at, first, 'unauthorized')
    expect((await call(at, second)).error).toBeNull()
  })

  test('lets a rotated key in until its overlap is over, and ends its streams then', async () => {
    const old = await made('wallet')
    const at = await serve()
    const fresh = await rotate('wallet', 5_000)
    await untilAnswered(at, fresh, null)
    expect((await call(at, old)).error).toBeNull()
    const [ofOld, ofFresh] = [await openStream(at, old), await openStream(at, fresh)]
    expect((await ofOld.end()).error).toBe('unauthorized')
    expect((await call(at, old)).error).toBe('unauthorized')
    expect((await call(at, fresh)).error).toBeNull()
    ofFresh.leave()
  })

  test.each(['grpc', 'connect', 'grpc-web'] as const)('ends the streams of a revoked key over %s', async (protocol) => {
    const key = await made('wallet')
    const other = await made('other')
    const at = await serve()
    const [stream, kept] = [await openStream(at, key, protocol), await openStream(at, other, protocol)]
    await revoke('wallet')
    const seen = await stream.end()
    expect([seen.error, seen.message]).toEqual(['unauthorized', 'the API key is no longer valid'])
    // Its stream was let in rightly: that is no guess.
    expect(await metric(at, 'mpc_auth_failures_total')).toBeNaN()
    expect(kept.isOver()).toBe(false)
    kept.leave()
  })

  test('ends the streams of a key that has lost a scope', async () => {
    const key = await made('wallet', ['sessions', 'audit'])
    const at = await serve()
    const stream = await openStream(at, key)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"sessions",', ''))
    expect((await stream.end()).error).toBe('unauthorized')
    expect((await call(at, key)).error).toBe('forbidden')
  })

  test('does not start with a file that any user may write', async () => {
    await made('wallet')
    chmodSync(file, 0o602)
    await expect(serve()).rejects.toThrow(/^MPC_API_KEYS_FILE: \S+ may be written by any user/)
  })
})

type Stream = Readonly<{ end: () => Promise<Seen>; isOver: () => boolean; leave: () => void }>

/** Resolves when the first item is there. */
async function openStream(at: Sample, key: string, protocol: 'grpc' | 'connect' | 'grpc-web' = 'grpc'): Promise<Stream> {
  const leaving = new AbortController()
  const options = { signal: leaving.signal, headers: bearer(key) }
  const items = createClient(SessionFeed, transportOf(protocol, at)).watchSession({ sessionId: 's1' }, options)
  const iterator = items[Symbol.asyncIterator]()
  await iterator.next()
  let over = false
  const end = iterator.next().then(() => Promise.reject(new Error('the stream went on')), seenOf)
  void end.catch(() => undefined).finally(() => (over = true))
  return { end: () => end, isOver: () => over, leave: () => leaving.abort() }
}
