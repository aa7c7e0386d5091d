/** Accounts that are created again because the answer was lost. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAccountService, type RunningAccountService } from './running-account-service.ts'

const publicKey = secp256k1.Point.BASE.multiply(7n).toHex(false)
const account = (username: string) => ({ username, email: 'somebody@example.com', publicKey })
const folder = mkdtempSync(join(tmpdir(), 'account-keys-'))
let one: RunningAccountService
let other: RunningAccountService

const entries = ['a', 'b'].map((name) => {
  const sha256 = createHash('sha256').update(`mpc_key_${name}`).digest('hex')
  return { name, sha256, scopes: ['accounts'] }
})

beforeAll(async () => {
  const keys = join(folder, 'keys.json')
  writeFileSync(keys, JSON.stringify(entries))
  const env = { MPC_OPEN_MODE: 'false', MPC_HOST: '127.0.0.1', MPC_API_KEYS_FILE: keys }
  one = await startAccountService(env)
  other = await startAccountService({ ...env, DATABASE_URL: one.databaseUrl })
})
afterAll(async () => {
  await other?.close()
  await one?.close()
  rmSync(folder, { recursive: true })
})

const create = (service: RunningAccountService, body: object, key: string, caller = 'a') =>
  service.call('POST', '/api/v1/accounts', body, {
    authorization: `Bearer mpc_key_${caller}`,
    'idempotency-key': key,
  })

describe('an account created with an Idempotency-Key', () => {
  test('is the same again from any instance', async () => {
    const first = await create(one, account('alice'), 'k1')
    expect(first.status).toBe(201)
    for (const service of [one, other]) {
      const { status, body } = await create(service, account('alice'), 'k1')
      expect([status, body]).toEqual([201, first.body])
    }
  })

  test('twenty times at once on two instances is one account', async () => {
    const calls = Array.from({ length: 20 }, (_, n) => create(n % 2 === 0 ? one : other, account('bob'), 'k2'))
    const answers = await Promise.all(calls)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1)
  })

  test('refuses another request under its key, and a taken name under another key', async () => {
    await create(one, account('carol'), 'k3')
    expect(await create(other, account('dave'), 'k3')).toMatchObject({
      status: 409,
      body: { error: 'conflict', details: { 'Idempotency-Key': 'was used for another request' } },
    })
    expect(await create(other, account('carol'), 'k4')).toMatchObject({
      status: 409,
      body: { error: 'conflict', details: { username: 'is taken' } },
    })
  })

  test("does not meet another caller's", async () => {
    const mine = await create(one, account('erin'), 'k5', 'a')
    const theirs = await create(one, account('frank'), 'k5', 'b')
    expect([mine.status, theirs.status]).toEqual([201, 201])
  })

  test('is erased with its key', async () => {
    const first = await create(one, account('grace'), 'k6')
    await one.call('DELETE', `/api/v1/accounts/${String(first.body['id'])}`, undefined, {
      authorization: 'Bearer mpc_key_a',
    })
    const again = await create(one, account('grace'), 'k6')
    expect(again.status).toBe(201)
    expect(again.body['id']).not.toBe(first.body['id'])
  })

  test('needs a key that is one', async () => {
    expect(await create(one, account('heidi'), 'a b')).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', details: { 'Idempotency-Key': expect.any(String) } },
    })
  })
})
