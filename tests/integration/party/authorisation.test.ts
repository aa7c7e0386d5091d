/** A key with a policy on real services: what its owners did not approve two server parties do not sign, whoever asks. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { openLiveLog } from '../../../src/audit/live-log.ts'
import { freshSession } from '../../../src/coordinator/credentials.ts'
import type { KeyGroup } from '../../../src/coordinator/decide/command.ts'
import { decide } from '../../../src/coordinator/decide/decide.ts'
import { inviteAll } from '../../../src/coordinator/invite.ts'
import { evolve, initialState } from '../../../src/coordinator/session-state.ts'
import { recoverPublicKey } from '../../../src/crypto/ecdsa.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { createAggregateStore } from '../../../src/events/aggregate-store.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { ParticipantInfoSchema } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { identityFromSeed, type Identity } from '../../../src/identity/identity-key.ts'
import { approveKeygen } from '../../../src/party/approval.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import { createParty } from '../../../src/party/party.ts'
import { createConnectTransport } from '../../../src/party/transport/connect-transport.ts'
import type { Approval } from '../../../src/policy/approval.ts'
import { makeApproval } from '../../../src/policy/approver.ts'
import { canonicalPolicy, type KeyPolicy } from '../../../src/policy/key-policy.ts'
import { approvalMessage, policyMessage } from '../../../src/policy/wire.ts'
import { startServices, type Services } from './services.ts'

const host = createWorkerHost({ workers: 1 })
const owner = await identityFromSeed(randomBytes(32))
const stranger = await identityFromSeed(randomBytes(32))
const servers = [
  { partyId: 'server', deviceType: 'server', deviceId: 'server_001' },
  { partyId: 'backup', deviceType: 'server', deviceId: 'server_002' },
]
const device = { partyId: 'device', deviceType: 'iOS', deviceId: 'device_001' }
const signers = servers.map(({ partyId }) => partyId)
const policyOf = (approver: Identity): KeyPolicy =>
  canonicalPolicy({
    approvers: [bytesToHex(approver.publicKey)],
    requiredApprovals: 1,
    signerSets: [],
    notBefore: 0,
    notAfter: 0,
    maxSignatures: 0,
    rateSignatures: 0,
    rateWindowSeconds: 0,
  })
const policy = policyOf(owner)

let services: Services
let key: KeyGroup
let hook: Readonly<{ url: string; asked: string[]; close: () => void }>
let hookAllows = true

beforeAll(async () => {
  hook = await startHook()
  const partyEnv = { MPC_POLICY_HOOK_URL: hook.url }
  services = await startServices('deny', { second: true, partyEnv })
  key = await makeKey()
})
afterAll(async () => {
  await services.close()
  await host.close()
  hook.close()
})

/** Says yes to both server parties, unless it is told not to. */
async function startHook() {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { request_id, device_id } = JSON.parse(body)
    asked.push(device_id)
    response.end(JSON.stringify({ request_id, allow: hookAllows }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A listening TCP server's address is never a pipe name or null.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, asked, close: () => void server.close() }
}

/** 2 of 3 among a device and two server parties; from then on the device is not needed any more. */
async function makeKey(): Promise<KeyGroup> {
  const [coordinator, router] = [connectService(services.coordinatorUrl), connectService(services.routerUrl)]
  const folder = await mkdtemp(join(tmpdir(), 'mpc-device-'))
  try {
    const party = createParty({
      identity: await identityFromSeed(randomBytes(32)),
      device: { deviceType: 'iOS', deviceId: 'device_001' },
      transport: createConnectTransport(coordinator.transport, router.transport),
      ...(await openPartyStore(folder, randomBytes(32), 'device_001')),
      host,
    })
    const created = await services.caller.createSession({
      sessionType: 'keygen',
      thresholdT: 2,
      thresholdN: 3,
      participants: [...servers, device],
      policy: policyMessage(policy),
    })
    const joinToken = created.joinTokens['device'] ?? ''
    const outcome = await party.run({ joinToken, partyId: 'device', approve: approveKeygen({ policy }) })
    if (outcome.kind !== 'key-made') throw new Error(JSON.stringify(outcome))
    const { participants } = await services.caller.getSessionStatus({ sessionId: outcome.keyId })
    const { keyId, keyType, publicKey } = outcome
    const members = participants.map(({ partyId, deviceType, deviceId, keys }) => ({
      partyId,
      deviceType,
      deviceId,
      identityKey: keys?.identityKey ?? new Uint8Array(0),
    }))
    return { keyId, keyType, publicKey, thresholdT: 2, thresholdN: 3, policy, members }
  } finally {
    coordinator.close()
    router.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function approvalBy(approver: Identity, messageHash: Uint8Array, under = policy): Promise<Approval> {
  const { keyId, keyType, publicKey } = key
  const what = { keyId, keyType, publicKey: bytesToHex(publicKey), message: messageHash, participants: signers }
  return makeApproval(approver, { ...what, policy: under, expiresInSeconds: 300 }, randomBytes(32), Date.now())
}

function open(messageHash: Uint8Array, approvals: readonly Approval[]) {
  return services.caller.createSession({
    sessionType: 'sign',
    keyId: key.keyId,
    messageHash: bytesToHex(messageHash),
    participants: servers,
    approvals: approvals.map(approvalMessage),
  })
}

async function endOf(sessionId: string) {
  for (;;) {
    const session = await services.caller.getSessionStatus({ sessionId })
    if (['completed', 'failed', 'expired'].includes(session.status)) return session
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function audit() {
  const log = await openLogReader({ url: services.natsUrl, name: 'auditor' })
  try {
    return await checkLog(await openLiveLog(log, Date.now()))
  } finally {
    await log.close()
  }
}

/** A corrupted coordinator, or log: it opens the session without asking anybody, and shows the parties what it likes. */
async function lie(messageHash: Uint8Array, approvals: readonly Approval[], shown: KeyPolicy | null = policy) {
  const log = await openEventLog({ url: services.natsUrl, name: 'liar', replicas: 1 })
  try {
    const store = createAggregateStore({ log, fold: { initial: initialState, evolve } })
    const session = freshSession()
    const participants = servers.map((one) => create(ParticipantInfoSchema, one))
    const { invited } = await inviteAll(session, participants, key, services.registered)
    const nowMs = Date.now()
    const command = {
      type: 'create',
      nowMs,
      sessionType: 'sign',
      thresholdT: 0,
      thresholdN: 0,
      participants: invited,
      keyType: '',
      messageHash: bytesToHex(messageHash),
      message: new Uint8Array(0),
      expiresInSeconds: 60,
      key: { ...key, policy: shown },
      policy: null,
      approvals,
      verdict: null,
      requestHash: new Uint8Array(0),
    } as const
    const cause = { causationId: '', correlationId: '', timeMs: nowMs }
    await store.execute(session.sessionId, ({ state }) => decide(state, command, 'coordinator'), cause)
    return session.sessionId
  } finally {
    await log.close()
  }
}

test('two server parties sign what the owner approved, and their hooks were asked; then never again', async () => {
  const messageHash = randomBytes(32)
  hook.asked.length = 0
  const approval = await approvalBy(owner, messageHash)
  const session = await endOf((await open(messageHash, [approval])).sessionId)
  expect(session).toMatchObject({ status: 'completed', approvals: [approvalMessage(approval)] })
  const signature = hexToBytes(session.signature ?? '')
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
  expect(recoverPublicKey({ r, s, recoveryId: session.recoveryId ?? 0 }, messageHash)).toEqual(key.publicKey)
  expect([...hook.asked].sort()).toEqual(['server_001', 'server_002'])

  expect(await endOf((await open(messageHash, [approval])).sessionId)).toMatchObject({
    status: 'failed',
    failure: { reason: 'approval_replayed' },
  })
  await services.restart('party')
  await services.restart('party2')
  expect(await endOf((await open(messageHash, [approval])).sessionId)).toMatchObject({
    status: 'failed',
    failure: { reason: 'approval_replayed' },
  })
})

test('an audit of the log finds all of that in order', async () => {
  expect(await audit()).toMatchObject({ verdict: 'intact', findings: [] })
})

test('the coordinator refuses early what the parties would refuse', async () => {
  const messageHash = randomBytes(32)
  const refused = (field: string) => ({ message: expect.stringContaining(field) })
  await expect(open(messageHash, [])).rejects.toMatchObject(refused('approvals: 0 of 1 required'))
  const forged = { ...(await approvalBy(stranger, messageHash, policyOf(stranger))), approver: policy.approvers[0] ?? '' }
  await expect(open(messageHash, [forged])).rejects.toMatchObject(refused('approvals[0].signature'))
  const other = await approvalBy(owner, randomBytes(32))
  await expect(open(messageHash, [other])).rejects.toMatchObject(refused('approvals[0].signature'))
})

test('the coordinator alone gets nothing signed by two server parties, whatever it makes up', async () => {
  const messageHash = randomBytes(32)
  const byStranger = await approvalBy(stranger, messageHash, policyOf(stranger))
  const ofOther = await approvalBy(owner, randomBytes(32))
  const lies: readonly (readonly [string, () => Promise<string>])[] = [
    ['approvals_missing', () => lie(messageHash, [])],
    ['approval_invalid', () => lie(messageHash, [byStranger])],
    ['approval_invalid', () => lie(messageHash, [{ ...byStranger, approver: policy.approvers[0] ?? '' }])],
    ['approval_invalid', () => lie(messageHash, [ofOther])],
    ['key_mismatch', () => lie(messageHash, [byStranger], policyOf(stranger))],
    ['key_mismatch', () => lie(messageHash, [], null)],
  ]
  for (const [reason, tell] of lies) {
    expect(await endOf(await tell())).toMatchObject({ status: 'failed', failure: { reason } })
  }
  const { verdict, findings } = await audit()
  expect(verdict).toBe('tampered')
  const another = { reason: `it states another policy than session ${key.keyId} fixed` }
  expect(findings).toMatchObject([another, another])
})

test('what the hook of a server party denies it does not sign, and the approval is not lost', async () => {
  const messageHash = randomBytes(32)
  const approvals = [await approvalBy(owner, messageHash)]
  hookAllows = false
  const denied = await endOf((await open(messageHash, approvals)).sessionId)
  expect(denied).toMatchObject({ status: 'failed', failure: { reason: 'declined' } })
  hookAllows = true
  expect(await endOf((await open(messageHash, approvals)).sessionId)).toMatchObject({ status: 'completed' })
})
