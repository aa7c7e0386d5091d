/** A running server party: its key-encryption key is rotated under it, its bans and freezes are seen from outside. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bans } from '../../../src/cli/party/bans.ts'
import { rewrap } from '../../../src/cli/party/rewrap.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { approveKeygen, approveSigning } from '../../../src/party/approval.ts'
import { keyEncryptionFromEnv } from '../../../src/party/node/key-encryption-from-env.ts'
import { openPartyFolders, openPartyStore } from '../../../src/party/node/party-store.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import { createParty, type Party } from '../../../src/party/party.ts'
import { createConnectTransport } from '../../../src/party/transport/connect-transport.ts'
import { startServices, type Services } from './services.ts'

const participants = [
  { partyId: 'device', deviceType: 'iOS', deviceId: 'device_001' },
  { partyId: 'server', deviceType: 'server', deviceId: 'server_001' },
]
const messageHash = new Uint8Array(32).fill(5)
const oldKek = randomBytes(32)
const newKek = randomBytes(32)
const host = createWorkerHost({ workers: 1 })
let folder: string
let services: Services
let device: Party
let keyId: string
let env: Readonly<Record<string, string>>
const connections: ReturnType<typeof connectService>[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-stored-shares-'))
  for (const [name, kek] of [['kek', oldKek], ['new-kek', newKek]] as const) {
    await writeFile(join(folder, name), kek.toString('hex'), { mode: 0o600 })
  }
  const MPC_SHARE_DIR = join(folder, 'server')
  env = { MPC_KEK_FILE: join(folder, 'kek'), MPC_SHARE_DIR, MPC_GUARD_DIR: join(folder, 'server-guard') }
  services = await startServices('allow', { partyEnv: env })
  const [coordinator, router] = [connectService(services.coordinatorUrl), connectService(services.routerUrl)]
  connections.push(coordinator, router)
  device = createParty({
    identity: await identityFromSeed(randomBytes(32)),
    device: { deviceType: 'iOS', deviceId: 'device_001' },
    transport: createConnectTransport(coordinator.transport, router.transport),
    ...(await openPartyStore(join(folder, 'device'), randomBytes(32), 'device_001')),
    host,
  })
  const request = { sessionType: 'keygen', thresholdT: 2, thresholdN: 2, participants }
  const { joinTokens } = await services.caller.createSession(request)
  const made = await device.run({ joinToken: joinTokens['device'] ?? '', partyId: 'device', approve: approveKeygen() })
  if (made.kind !== 'key-made') throw new Error(JSON.stringify(made))
  keyId = made.keyId
})
afterAll(async () => {
  connections.forEach((connection) => connection.close())
  await services.close()
  await host.close()
  await rm(folder, { recursive: true, force: true })
})

async function sign() {
  const request = { sessionType: 'sign', keyId, messageHash: bytesToHex(messageHash), participants }
  const { joinTokens, sessionId } = await services.caller.createSession(request)
  const approve = approveSigning({ messageHash, keyId })
  const { kind } = await device.run({ joinToken: joinTokens['device'] ?? '', partyId: 'device', approve })
  const { failure } = await services.caller.getSessionStatus({ sessionId })
  return { kind, reason: failure?.reason }
}

/** What a command prints. */
async function printed(command: () => Promise<void>): Promise<string> {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  await command().finally(() => log.mockRestore())
  return lines.join('\n')
}

test('the key-encryption key is rotated while the party signs, and the party comes back under the new one', async () => {
  const command = { ...env, MPC_DEVICE_ID: 'server_001', MPC_NEW_KEK_FILE: join(folder, 'new-kek') }
  const [signed, said] = await Promise.all([sign(), printed(() => rewrap(false, command))])
  expect(said).toMatch(/^shares: local:[0-9a-f]{16} version 1 → local:[0-9a-f]{16} version 1\nguard: /)
  expect(signed.kind).toBe('signed')
  expect((await sign()).kind).toBe('signed')
  await services.stop('party')
  await expect(services.start('party')).rejects.toThrow(/^MPC_SHARE_DIR: key file of the shares: encrypted under the key/)
  await writeFile(join(folder, 'kek'), newKek.toString('hex'))
  await services.start('party')
  expect((await sign()).kind).toBe('signed')
})

test('bans and frozen keys are in the API, in metrics and in mpc party bans, with the party running or not', async () => {
  await services.stop('party')
  const { MPC_SHARE_DIR: shares = '', MPC_GUARD_DIR: guardFolder = '' } = env
  const { guard } = await openStore(shares, guardFolder)
  const ban = { keyId, partyId: 'device', reason: 'rvole_check_failed', sessionId: 'session-1' }
  await guard.ban({ ...ban, bannedAtMs: 1_700_000_000_000 })
  for (const sessionId of ['s-1', 's-2', 's-3']) {
    await guard.countUnattributed('other-key', { sessionId, reason: 'signature_invalid', atMs: 1_700_000_100_000 })
  }
  const offline = await printed(() => bans({ json: true }, { ...env, MPC_DEVICE_ID: 'server_001' }))
  await services.start('party')

  const listed = await services.serverParty.listBans({})
  expect(listed.bans).toMatchObject([{ ...ban, bannedAt: 1_700_000_000n }])
  expect(listed.frozenKeys).toMatchObject([
    {
      keyId: 'other-key',
      reason: 'signature_invalid',
      sessionId: 's-3',
      frozenAt: 1_700_000_100n,
      sessions: ['s-1', 's-2', 's-3'],
    },
  ])
  const metrics = await (await fetch(`${services.partyHttpUrl}/metrics`)).text()
  for (const line of ['mpc_party_bans', 'mpc_party_frozen_keys', 'mpc_party_key_shares']) {
    expect(metrics).toMatch(new RegExp(`^${line}\\{[^}]*\\} 1$`, 'm'))
  }
  const online = await printed(() => bans({ json: true, url: services.partyUrl }, {}))
  expect(online).toBe(offline)
  expect(JSON.parse(offline)).toEqual({
    bans: [{ key_id: keyId, party_id: 'device', reason: ban.reason, session_id: 'session-1', banned_at: 1_700_000_000 }],
    frozen_keys: [
      {
        key_id: 'other-key',
        reason: 'signature_invalid',
        session_id: 's-3',
        frozen_at: 1_700_000_100,
        sessions: ['s-1', 's-2', 's-3'],
      },
    ],
  })
  const text = await printed(() => bans({ url: services.partyUrl }, {}))
  expect(text.split('\n')).toEqual([
    `banned  2023-11-14T22:13:20.000Z  key ${keyId}  party device  rvole_check_failed  session session-1`,
    'frozen  2023-11-14T22:15:00.000Z  key other-key  signature_invalid  session s-3',
  ])
  expect(await sign()).toEqual({ kind: 'failed', reason: 'peer_banned' })
})

test('mpc party bans says which port it was meant for', async () => {
  const wrong = `${services.partyHttpUrl}: no gRPC is spoken there: --url takes the party's gRPC port`
  await expect(bans({ url: services.partyHttpUrl }, {})).rejects.toThrow(wrong)
  await expect(bans({ url: 'http://127.0.0.1:1' }, {})).rejects.toThrow(/^http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/)
  await expect(bans({ url: services.partyUrl }, { MPC_TLS_CA_FILE: '/nowhere' })).rejects.toThrow(/^MPC_TLS_CA_FILE: /)
})

test('a guard folder that is gone keeps the party from starting, in one line that says what to do', async () => {
  await services.stop('party')
  await rm(env['MPC_GUARD_DIR'] ?? '', { recursive: true })
  await expect(services.start('party')).rejects.toThrow(
    /^MPC_GUARD_DIR: \S+server-guard is empty, but bans and freezes of these shares are in the guard [0-9a-f]{32}: .*accept-guard"$/,
  )
})

async function openStore(shares: string, guard: string) {
  return openPartyFolders({ shares, guard }, keyEncryptionFromEnv({ ...env }, 'MPC_'), 'server_001')
}
