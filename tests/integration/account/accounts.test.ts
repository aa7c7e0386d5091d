import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { ed25519 } from '@noble/curves/ed25519.js'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../../../src/account/main.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { AccountService } from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import { startAccountService, type RunningAccountService } from './running-account-service.ts'

const point = secp256k1.Point.BASE.multiply(7n)
const publicKey = point.toHex(false)
let service: RunningAccountService
let names = 0
const freshName = () => `user-${++names}`

beforeAll(async () => void (service = await startAccountService()))
afterAll(() => service.close())

const create = (change: object = {}) =>
  service.call('POST', '/api/v1/accounts', { username: freshName(), publicKey, ...change })

describe('creating an account', () => {
  test('answers as documented', async () => {
    const account = { username: 'alice', email: 'alice@example.com', phone: '+1234567890', publicKey }
    const { status, body } = await service.call('POST', '/api/v1/accounts', account)
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(/^acc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      username: 'alice',
      email: 'alice@example.com',
      status: 'active',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
  })

  test('needs neither e-mail nor phone', async () => {
    expect(await create()).toMatchObject({ status: 201, body: { email: '' } })
  })

  test.each([
    ['a taken username', 'username', 409, 'conflict', { username: 'Taken' }],
    ['no username', 'username', 400, 'invalid_request', { username: '' }],
    ['a username with a space', 'username', 400, 'invalid_request', { username: 'a b' }],
    ['a username of the wrong type', 'username', 400, 'invalid_request', { username: 7 }],
    ['an e-mail that is none', 'email', 400, 'invalid_request', { email: 'nobody' }],
    ['a phone number that is none', 'phone', 400, 'invalid_request', { phone: '12' }],
    ['no public key', 'publicKey', 400, 'invalid_request', { publicKey: '' }],
    ['a public key that is no hex', 'publicKey', 400, 'invalid_request', { publicKey: '04a1b2c3...' }],
    ['a point that is not on the curve', 'publicKey', 400, 'invalid_request', { publicKey: `04${'11'.repeat(64)}` }],
    ['32 bytes that are no key', 'publicKey', 400, 'invalid_request', { publicKey: 'ff'.repeat(32) }],
    ['31 bytes', 'publicKey', 400, 'invalid_request', { publicKey: '11'.repeat(31) }],
    ['a point of a wrong form', 'publicKey', 400, 'invalid_request', { publicKey: publicKey.replace(/^04/, '06') }],
  ])('with %s names %s', async (_, field, status, error, change) => {
    await create({ username: 'taken' })
    expect(await create(change)).toMatchObject({ status, body: { error, details: { [field]: expect.any(String) } } })
  })

  test('twice at once under one name succeeds once', async () => {
    const username = freshName()
    const answers = await Promise.all(Array.from({ length: 8 }, () => create({ username })))
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, ...Array(7).fill(409)])
  })
})

describe('reading an account', () => {
  test('gives what was stored; the public key uncompressed, however it was written', async () => {
    const created = await create({
      email: 'b@example.com',
      phone: '+4930123456',
      publicKey: point.toHex(true).toUpperCase(),
    })
    const { id, username, createdAt } = created.body
    expect(await service.call('GET', `/api/v1/accounts/${id}`)).toMatchObject({
      status: 200,
      body: { id, username, email: 'b@example.com', phone: '+4930123456', publicKey, status: 'active', createdAt },
    })
  })

  test.each([
    ['Ed25519', bytesToHex(ed25519.getPublicKey(new Uint8Array(32).fill(7)))],
    ['BIP-340', bytesToHex(schnorr.getPublicKey(new Uint8Array(32).fill(7)))],
  ])('gives a public key of %s as it was written', async (_, key) => {
    const { body } = await create({ publicKey: key.toUpperCase() })
    expect(await service.call('GET', `/api/v1/accounts/${body['id']}`)).toMatchObject({ body: { publicKey: key } })
  })

  test('that does not exist is not_found, naming the field', async () => {
    expect(await service.call('GET', '/api/v1/accounts/acc-0')).toMatchObject({
      status: 404,
      body: { error: 'not_found', details: { id: expect.any(String) } },
    })
  })
})

describe('erasing an account', () => {
  test('leaves nothing of it behind, and its name can be used again', async () => {
    const username = freshName()
    const { body } = await create({ username, email: 'canary@example.com', phone: '+19998887777' })
    expect(await service.call('DELETE', `/api/v1/accounts/${body['id']}`)).toMatchObject({
      status: 200,
      body: { success: true },
    })
    expect(await service.call('GET', `/api/v1/accounts/${body['id']}`)).toMatchObject({ status: 404 })
    const client = new pg.Client({ connectionString: service.databaseUrl })
    await client.connect()
    const { rows } = await client.query('select * from account.accounts')
    await client.end()
    expect(JSON.stringify(rows)).not.toMatch(/canary|19998887777/)
    expect(await create({ username })).toMatchObject({ status: 201 })
  })

  test('that is not there is not_found, also the second time', async () => {
    const { body } = await create()
    await service.call('DELETE', `/api/v1/accounts/${body['id']}`)
    expect(await service.call('DELETE', `/api/v1/accounts/${body['id']}`)).toMatchObject({
      status: 404,
      body: { error: 'not_found' },
    })
  })
})

test('accounts outlive the service', async () => {
  const { body } = await create()
  const env = { MPC_OPEN_MODE: 'true', MPC_GRPC_PORT: '0', MPC_HTTP_PORT: '0', MPC_LOG_LEVEL: 'silent' }
  const second = await main({ ...env, DATABASE_URL: service.databaseUrl, MPC_COORDINATOR_URL: 'http://127.0.0.1:1' })
  const response = await fetch(`${second.httpUrl}/api/v1/accounts/${body['id']}`)
  expect(await response.json()).toMatchObject({ username: body['username'] })
  await second.close()
})

test('a refusal over gRPC names the field as JSON does', async () => {
  const connection = connectService(service.grpcUrl)
  const error = await connection
    .client(AccountService)
    .createAccount({ username: 'x', publicKey: `02${'ff'.repeat(32)}` })
    .catch(ConnectError.from)
  expect(error).toMatchObject({ code: Code.InvalidArgument, rawMessage: expect.stringContaining('publicKey') })
  connection.close()
})

test('several services may start on an empty database at once', async () => {
  const first = await startAccountService()
  await first.close()
  const others = await Promise.all([startAccountService(), startAccountService()])
  await Promise.all(others.map((other) => other.close()))
})

describe('outside open mode', () => {
  const keyFor = (scope: string) => `mpc_key_${scope.padEnd(43, 'x')}`
  let closed: RunningAccountService
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'account-keys-'))
    const path = join(folder, 'keys.json')
    const entry = (scope: string) => ({
      name: scope,
      sha256: createHash('sha256').update(keyFor(scope)).digest('hex'),
      scopes: [scope],
    })
    writeFileSync(path, JSON.stringify([entry('accounts'), entry('sessions')]))
    closed = await startAccountService({ MPC_OPEN_MODE: 'false', MPC_HOST: '127.0.0.1', MPC_API_KEYS_FILE: path })
  })
  afterAll(async () => {
    await closed.close()
    rmSync(folder, { recursive: true })
  })

  const everything: [method: string, path: string, body?: object][] = [
    ['POST', '/api/v1/accounts', { username: 'alice', publicKey }],
    ['GET', '/api/v1/accounts/acc-0'],
    ['DELETE', '/api/v1/accounts/acc-0'],
    [
      'POST',
      '/api/v1/mpc/keygen',
      { threshold_n: 2, threshold_t: 2, participants: [{ party_id: 'a' }, { party_id: 'b' }] },
    ],
    [
      'POST',
      '/api/v1/mpc/sign',
      { account_id: 'acc-0', message_hash: '0'.repeat(64), participants: [{ party_id: 'a' }] },
    ],
    ['GET', '/api/v1/mpc/sessions/s1'],
  ]
  test.each(everything)('%s %s needs an API key with the scope accounts', async (method, path, body) => {
    const as = (key: string) => closed.call(method, path, body, { authorization: `Bearer ${key}` })
    expect(await closed.call(method, path, body)).toMatchObject({ status: 401, body: { error: 'unauthorized' } })
    expect(await as('mpc_key_unknown')).toMatchObject({ status: 401, body: { error: 'unauthorized' } })
    expect(await as(keyFor('sessions'))).toMatchObject({ status: 403, body: { error: 'forbidden' } })
    expect((await as(keyFor('accounts'))).body['error'] ?? 'none').not.toMatch(/unauthorized|forbidden|internal_error/)
  })
})

test('a lost database is a 503, not a 500, and shows nothing', async () => {
  const lame = await startAccountService()
  await lame.loseDatabase()
  const { status, body } = await lame.call('GET', '/api/v1/accounts/acc-0')
  expect([status, body['error']]).toEqual([503, 'unavailable'])
  expect(JSON.stringify(body)).not.toMatch(/database|test_|postgres/i)
  expect((await lame.call('GET', '/readyz')).body).toMatchObject({ dependencies: { database: false } })
  await lame.close()
})
