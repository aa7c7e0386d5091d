import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import { beforeAll, expect, test } from 'vitest'
import { main } from '../../../src/party/main.ts'
import { identityOf, temporaryFolder } from './fixtures/parties.ts'

const hex = '5a'.repeat(32)
let env: Record<string, string>
let folder: string

beforeAll(async () => {
  folder = await temporaryFolder()
  for (const name of ['identity', 'kek']) await writeFile(join(folder, name), `${hex}\n`, { mode: 0o600 })
  env = {
    MPC_OPEN_MODE: 'true',
    MPC_LOG_LEVEL: 'silent',
    MPC_DEVICE_ID: 'server_001',
    MPC_COORDINATOR_URL: 'http://127.0.0.1:1',
    MPC_ROUTER_URL: 'http://127.0.0.1:1',
    MPC_IDENTITY_FILE: join(folder, 'identity'),
    MPC_KEK_FILE: join(folder, 'kek'),
    MPC_SHARE_DIR: join(folder, 'shares'),
  }
})

test.each([
  'MPC_DEVICE_ID',
  'MPC_COORDINATOR_URL',
  'MPC_ROUTER_URL',
  'MPC_IDENTITY_FILE',
  'MPC_KEK_FILE',
  'MPC_SHARE_DIR',
])('a party does not start without %s', async (variable) => {
  await expect(main({ ...env, [variable]: '' })).rejects.toThrow(`${variable}: must be set`)
})

test.each([
  ['MPC_SIGNING_POLICY', 'sometimes'],
  ['MPC_DEVICE_ID', '../server'],
  ['MPC_COORDINATOR_URL', 'nats://127.0.0.1:4222'],
  ['MPC_PARTY_WORKERS', '0'],
  ['MPC_POLICY_HOOK_URL', 'http://hook.example.com/sign'],
  ['MPC_POLICY_HOOK_URL', 'https://user:password@hook.example.com/sign'],
  ['MPC_POLICY_HOOK_TIMEOUT_MS', '0'],
])('a party does not start with %s=%s', async (variable, value) => {
  await expect(main({ ...env, [variable]: value })).rejects.toThrow(`${variable}: `)
})

test('a party does not start with authorities of its hook that are none, or are of no use', async () => {
  const path = join(folder, 'hook-ca')
  const MPC_POLICY_HOOK_CA_FILE = path
  const needs = 'MPC_POLICY_HOOK_CA_FILE: needs MPC_POLICY_HOOK_URL'
  await expect(main({ ...env, MPC_POLICY_HOOK_CA_FILE })).rejects.toThrow(needs)
  const plain = 'http://127.0.0.1:9/sign'
  await expect(main({ ...env, MPC_POLICY_HOOK_CA_FILE, MPC_POLICY_HOOK_URL: plain })).rejects.toThrow(needs)
  const MPC_POLICY_HOOK_URL = 'https://hook.example.com/sign'
  const problem = `MPC_POLICY_HOOK_CA_FILE: ${path} cannot be read`
  await expect(main({ ...env, MPC_POLICY_HOOK_CA_FILE, MPC_POLICY_HOOK_URL })).rejects.toThrow(problem)
})

test('a party does not start with a key file that is missing, malformed or readable by others', async () => {
  for (const variable of ['MPC_IDENTITY_FILE', 'MPC_KEK_FILE']) {
    const path = join(folder, `bad-${variable}`)
    await expect(main({ ...env, [variable]: path })).rejects.toThrow(`${variable}: ${path} cannot be read`)
    await writeFile(path, hex.slice(1), { mode: 0o600 })
    await expect(main({ ...env, [variable]: path })).rejects.toThrow(`${variable}: ${path} must hold 64 hex digits`)
    await writeFile(path, hex)
    await chmod(path, 0o640)
    await expect(main({ ...env, [variable]: path })).rejects.toThrow(`${variable}: ${path} may be read by other users`)
  }
})

test('a party does not start with a list of peers that is none, or that lists it with another identity', async () => {
  const path = join(folder, 'peers.json')
  const MPC_PEER_IDENTITIES_FILE = path
  await expect(main({ ...env, MPC_PEER_IDENTITIES_FILE })).rejects.toThrow(`MPC_PEER_IDENTITIES_FILE: ${path} cannot be`)
  const other = bytesToHex((await identityOf('somebody else')).publicKey)
  await writeFile(path, JSON.stringify([{ device_id: 'server_001', identity_key: other }]))
  const problem = `MPC_PEER_IDENTITIES_FILE: ${path}: server_001, this party, is listed with another identity_key`
  await expect(main({ ...env, MPC_PEER_IDENTITIES_FILE })).rejects.toThrow(problem)
})

test('a party does not start with a share folder that cannot be used', async () => {
  const path = join(folder, 'not-a-folder')
  await mkdir(folder, { recursive: true })
  await writeFile(path, '')
  await expect(main({ ...env, MPC_SHARE_DIR: path })).rejects.toThrow(`MPC_SHARE_DIR: ${path} cannot be used`)
})
