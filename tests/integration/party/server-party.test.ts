import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { recoverPublicKey } from '../../../src/crypto/ecdsa.ts'
import { uncompressedPublicKey } from '../../../src/crypto/public-key.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { approveKeygen, approveSigning } from '../../../src/party/approval.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import { createParty, type Party } from '../../../src/party/party.ts'
import type { OnProgress } from '../../../src/party/progress.ts'
import { createConnectTransport } from '../../../src/party/transport/connect-transport.ts'
import { startServices, type Services } from './services.ts'

let services: Services
const host = createWorkerHost({ workers: 1 })

beforeAll(async () => {
  services = await startServices()
})
afterAll(async () => {
  await services.close()
  await host.close()
})

const participants = [
  { partyId: 'device', deviceType: 'iOS', deviceId: 'device_001' },
  { partyId: 'server', deviceType: 'server', deviceId: 'server_001' },
]
const messageHash = new Uint8Array(32).fill(5)

async function openDevice(): Promise<Party> {
  const coordinator = connectService(services.coordinatorUrl)
  const router = connectService(services.routerUrl)
  onTestFinished(() => {
    coordinator.close()
    router.close()
  })
  const folder = await mkdtemp(join(tmpdir(), 'mpc-device-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return createParty({
    identity: await identityFromSeed(randomBytes(32)),
    device: { deviceType: 'iOS', deviceId: 'device_001' },
    transport: createConnectTransport(coordinator.transport, router.transport),
    ...(await openPartyStore(folder, randomBytes(32), 'device_001')),
    host,
  })
}

async function makeKey(device: Party, onProgress: OnProgress = () => {}) {
  const created = await services.caller.createSession({
    sessionType: 'keygen',
    thresholdT: 2,
    thresholdN: 2,
    participants,
  })
  const joinToken = created.joinTokens['device'] ?? ''
  const outcome = await device.run({
    joinToken,
    partyId: 'device',
    approve: approveKeygen({ thresholdT: 2, thresholdN: 2 }),
    onProgress,
  })
  return { sessionId: created.sessionId, outcome }
}

async function sign(device: Party, keyId: string, onProgress: OnProgress = () => {}) {
  const created = await services.caller.createSession({
    sessionType: 'sign',
    keyId,
    messageHash: bytesToHex(messageHash),
    participants,
  })
  const joinToken = created.joinTokens['device'] ?? ''
  const outcome = await device.run({
    joinToken,
    partyId: 'device',
    approve: approveSigning({ messageHash, keyId }),
    onProgress,
  })
  return { sessionId: created.sessionId, outcome }
}

test('a device and a server party that was only invited make a key and sign with it', async () => {
  const device = await openDevice()
  const made = await makeKey(device)
  if (made.outcome.kind !== 'key-made') throw new Error(JSON.stringify(made))
  const { keyId, publicKey } = made.outcome
  expect(keyId).toBe(made.sessionId)
  const signed = await sign(device, keyId)
  if (signed.outcome.kind !== 'signed') throw new Error(JSON.stringify(signed))
  expect(recoverPublicKey(signed.outcome, messageHash)).toEqual(publicKey)

  const { keys } = await services.serverParty.listKeyShares({ afterKeyId: '' })
  expect(keys).toContainEqual(
    expect.objectContaining({
      keyId,
      partyId: 'server',
      partyIndex: 1,
      publicKey: bytesToHex(uncompressedPublicKey(publicKey)),
    }),
  )
  const party = await services.serverParty.getParty({})
  expect(party).toMatchObject({ deviceId: 'server_001', keyShares: keys.length })
  expect((await services.serverParty.listBans({})).bans).toEqual([])
})

test('a session outlives the restart of the router and of the coordinator', async () => {
  const device = await openDevice()
  const restarts: Promise<void>[] = []
  const made = await makeKey(device, (event) => {
    if (event.type !== 'round' || event.phase !== 'sent') return
    if (event.round === 1) restarts.push(services.restart('router'))
    if (event.round === 2) restarts.push(services.restart('coordinator'))
  })
  await Promise.all(restarts)
  expect(made.outcome).toMatchObject({ kind: 'key-made' })
  const status = await services.caller.getSessionStatus({ sessionId: made.sessionId })
  expect(status.status).toBe('completed')
})

test('a server party that is stopped in mid-session fails it, and signs again once it is back', async () => {
  const device = await openDevice()
  const { outcome } = await makeKey(device)
  if (outcome.kind !== 'key-made') throw new Error(JSON.stringify(outcome))
  let restarted: Promise<void> | undefined
  const interrupted = await sign(device, outcome.keyId, (event) => {
    if (event.type === 'started') restarted = services.restart('party')
  })
  await restarted
  expect(interrupted.outcome).toMatchObject({ kind: 'failed', reason: 'session_over' })
  const { failure } = await services.caller.getSessionStatus({ sessionId: interrupted.sessionId })
  expect(failure).toMatchObject({ reason: 'party_stopped', reportedBy: 'server' })
  expect((await sign(device, outcome.keyId)).outcome).toMatchObject({ kind: 'signed' })
})

test('an invitation that was made while the server party was away is followed when it comes back', async () => {
  const device = await openDevice()
  await services.stop('party')
  const making = makeKey(device)
  await services.start('party')
  expect((await making).outcome).toMatchObject({ kind: 'key-made' })
})

test('a wrong join token is refused, and nothing is left open', async () => {
  const device = await openDevice()
  const created = await services.caller.createSession({
    sessionType: 'keygen',
    thresholdT: 2,
    thresholdN: 2,
    participants,
  })
  const token = (created.joinTokens['device'] ?? '').slice(0, -4) + 'AAAA'
  const outcome = await device.run({ joinToken: token, partyId: 'device', approve: approveKeygen() })
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'join_refused' })
  expect(device.runningSessions()).toBe(0)
})

test('a party that is configured to sign nothing says so', async () => {
  const denying = await startServices('deny')
  onTestFinished(() => denying.close())
  const before = services
  services = denying
  try {
    const device = await openDevice()
    const { outcome } = await makeKey(device)
    if (outcome.kind !== 'key-made') throw new Error(JSON.stringify(outcome))
    const declined = await sign(device, outcome.keyId)
    expect(declined.outcome).toMatchObject({ kind: 'failed', reason: 'session_over' })
    const { failure } = await denying.caller.getSessionStatus({ sessionId: declined.sessionId })
    expect(failure).toMatchObject({ reason: 'declined', reportedBy: 'server' })
  } finally {
    services = before
  }
})
