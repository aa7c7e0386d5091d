/** Keygen and sign through the account service, with the real coordinator on real NATS and Postgres behind it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../src/cli/processes/free-port.ts'
import { main as coordinatorMain } from '../../../src/coordinator/main.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { makeApproval } from '../../../src/policy/approver.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { startAccountService, type Answer, type RunningAccountService } from './running-account-service.ts'

const secretKey = new Uint8Array(32).fill(7)
const publicKey = bytesToHex(secp256k1.getPublicKey(secretKey, false))
const messageHash = '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81'

let folder: string
let nats: TestNats
let database: TestDatabase
let coordinator: { close(): Promise<void> }
let coordinatorUrl: string
let service: RunningAccountService

beforeAll(async () => {
  ;[nats, database] = await Promise.all([startNats(), createDatabase()])
  folder = mkdtempSync(join(tmpdir(), 'account-mpc-'))
  const credentialKeyFile = join(folder, 'credential.key')
  writeFileSync(credentialKeyFile, 'ab'.repeat(32), { mode: 0o600 })
  const identityFile = join(folder, 'identity.key')
  writeFileSync(identityFile, 'cd'.repeat(32), { mode: 0o600 })
  const [grpcPort, httpPort] = await Promise.all([freePort(), freePort()])
  coordinator = await coordinatorMain({
    MPC_OPEN_MODE: 'true',
    MPC_GRPC_PORT: String(grpcPort),
    MPC_HTTP_PORT: String(httpPort),
    MPC_CREDENTIAL_KEY_FILE: credentialKeyFile,
    MPC_COORDINATOR_IDENTITY_FILE: identityFile,
    MPC_LOG_LEVEL: 'silent',
    NATS_URL: nats.url,
    DATABASE_URL: database.url,
  })
  coordinatorUrl = `http://127.0.0.1:${httpPort}`
  service = await startAccountService({ MPC_COORDINATOR_URL: `http://127.0.0.1:${grpcPort}` })
})
afterAll(async () => {
  await service.close()
  await coordinator.close()
  await database.drop()
  await nats.stop()
  rmSync(folder, { recursive: true })
})

/** Documented form, but with types that invite no server party: none runs here. */
const participants = ['user_device', 'second_device', 'recovery_party'].map((party_id) => ({
  party_id,
  device_type: 'other',
}))
const keygen = { threshold_n: 3, threshold_t: 2, participants }

async function post(path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(coordinatorUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
}

/** Parties with a protocol of their own run the session to its end: all report the same result. */
async function runSession(created: Answer, result: object): Promise<void> {
  const { session_id: sessionId, join_tokens: tokens } = created.body as { session_id: string; join_tokens: object }
  for (const [party_id, join_token] of Object.entries(tokens))
    await post('/api/v1/sessions/join', { join_token, party_id })
  for (const party_id of Object.keys(tokens)) {
    await fetch(`${coordinatorUrl}/api/v1/sessions/${sessionId}/parties/${party_id}/ready`, { method: 'PUT' })
  }
  await post(`/api/v1/sessions/${sessionId}/start`, {})
  for (const party_id of Object.keys(tokens))
    await post(`/api/v1/sessions/${sessionId}/complete`, { party_id, ...result })
}

describe('key generation', () => {
  test('is answered as documented, and waits for its parties', async () => {
    const { status, body } = await service.call('POST', '/api/v1/mpc/keygen', keygen)
    expect(status).toBe(201)
    expect(body).toEqual({
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      session_type: 'keygen',
      threshold_n: 3,
      threshold_t: 2,
      join_tokens: {
        user_device: expect.stringMatching(/^mpc_join_/),
        second_device: expect.stringMatching(/^mpc_join_/),
        recovery_party: expect.stringMatching(/^mpc_join_/),
      },
      status: 'waiting',
      expires_at: expect.any(Number),
      key_type: 'ecdsa-secp256k1',
    })
    expect(await service.call('GET', `/api/v1/mpc/sessions/${body['session_id']}`)).toMatchObject({
      status: 200,
      body: { status: 'waiting', completed_parties: 0, total_parties: 3, session_type: 'keygen' },
    })
  })

  test('takes the identity keys of its participants', async () => {
    const [first, ...others] = participants
    const { publicKey } = await identityFromSeed(new Uint8Array(32).fill(5))
    const pinned = { ...first, identity_key: Buffer.from(publicKey).toString('hex') }
    const { body } = await service.call('POST', '/api/v1/mpc/keygen', { ...keygen, participants: [pinned, ...others] })
    // The documented shape, tested above.
    const tokens = body['join_tokens'] as Record<string, string>
    const join = { join_token: tokens['user_device'], party_id: 'user_device' }
    const response = await fetch(`${coordinatorUrl}/api/v1/sessions/join`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(join),
    })
    expect([response.status, await response.json()]).toMatchObject([401, { details: { 'keys.identity_key': expect.any(String) } }])
  })

  test('is the same again under the same Idempotency-Key, and no signing session', async () => {
    const headers = { 'idempotency-key': 'keygen-1' }
    const first = await service.call('POST', '/api/v1/mpc/keygen', keygen, headers)
    const again = await service.call('POST', '/api/v1/mpc/keygen', keygen, headers)
    expect([again.status, again.body]).toEqual([201, first.body])
    const other = await service.call('POST', '/api/v1/mpc/keygen', { ...keygen, expires_in_seconds: 60 }, headers)
    expect(other).toMatchObject({ status: 409, body: { details: { 'Idempotency-Key': expect.any(String) } } })
    // A caller of the coordinator itself may use the same words.
    const direct = await fetch(`${coordinatorUrl}/api/v1/sessions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ session_type: 'keygen', ...keygen }),
    })
    expect(direct.status).toBe(201)
    expect(await direct.json()).not.toMatchObject({ session_id: first.body['session_id'] })
  })

  test.each([
    ['too few participants', { participants: participants.slice(1) }, /participants|threshold_n/],
    ['more signers than parties', { threshold_t: 4 }, /threshold_t/],
    ['a participant twice', { participants: [participants[0], participants[0], participants[1]] }, /participants/],
    ['a reserved id', { participants: [...participants.slice(1), { party_id: 'all' }] }, /participants\[2\]\.party_id/],
  ])('with %s is refused by the coordinator, naming the field', async (_, change, field) => {
    const { status, body } = await service.call('POST', '/api/v1/mpc/keygen', { ...keygen, ...change })
    expect(status).toBe(400)
    expect(Object.keys(body['details'] as object).join()).toMatch(field)
  })
})

describe('signing', () => {
  let accountId: string
  beforeAll(async () => {
    const created = await service.call('POST', '/api/v1/mpc/keygen', keygen)
    const { body } = created
    await runSession(created, { public_key: publicKey })
    const session = await service.call('GET', `/api/v1/mpc/sessions/${body['session_id']}`)
    expect(session.body).toMatchObject({
      status: 'completed',
      completed_parties: 3,
      total_parties: 3,
      public_key: publicKey,
    })
    expect(session.body).not.toHaveProperty('signature')
    accountId = (await service.call('POST', '/api/v1/accounts', { username: 'alice', publicKey })).body['id'] as string
  })

  const sign = (change: object = {}) =>
    service.call('POST', '/api/v1/mpc/sign', {
      account_id: accountId,
      message_hash: messageHash,
      participants: participants.slice(0, 2),
      ...change,
    })

  test('finds the threshold through the account, and gives the signature at the end', async () => {
    const created = await sign()
    const { status, body } = created
    expect(status).toBe(201)
    expect(body).toMatchObject({
      session_type: 'sign',
      account_id: accountId,
      message_hash: messageHash,
      threshold_t: 2,
      status: 'waiting',
      join_tokens: { user_device: expect.any(String), second_device: expect.any(String) },
    })
    const { recovery, ...signature } = secp256k1.Signature.fromBytes(
      secp256k1.sign(hexToBytes(messageHash), secretKey, { prehash: false, format: 'recovered' }),
      'recovered',
    )
    const hex = [signature.r, signature.s].map((half) => half.toString(16).padStart(64, '0')).join('')
    await runSession(created, { signature: hex, recovery_id: recovery })
    const session = await service.call('GET', `/api/v1/mpc/sessions/${body['session_id']}`)
    expect(session.body).toMatchObject({
      status: 'completed',
      completed_parties: 2,
      signature: hex,
      recovery_id: recovery,
    })
    expect(session.body).not.toHaveProperty('public_key')
  })

  test('with too few signers is threshold_not_met', async () => {
    expect(await sign({ participants: participants.slice(0, 1) })).toMatchObject({
      status: 400,
      body: { error: 'threshold_not_met' },
    })
  })

  test('by somebody outside the group names the participant', async () => {
    expect(await sign({ participants: [participants[0], { party_id: 'stranger' }] })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', details: { 'participants[1].party_id': expect.any(String) } },
    })
  })

  test.each(['abc123...', messageHash.slice(1), `0x${messageHash.slice(2)}`])(
    'of the hash %s names message_hash',
    async (message_hash) => {
      expect(await sign({ message_hash })).toMatchObject({
        status: 400,
        body: { details: { message_hash: expect.any(String) } },
      })
    },
  )

  test('for an account that is unknown or erased is not_found, naming account_id', async () => {
    const missing = { status: 404, body: { error: 'not_found', details: { account_id: expect.any(String) } } }
    expect(await sign({ account_id: 'acc-0' })).toMatchObject(missing)
    const { body } = await service.call('POST', '/api/v1/accounts', { username: 'bob', publicKey })
    await service.call('DELETE', `/api/v1/accounts/${body['id']}`)
    expect(await sign({ account_id: body['id'] })).toMatchObject(missing)
  })

  test('for an account with a key from elsewhere says so', async () => {
    const foreign = secp256k1.Point.BASE.multiply(99n).toHex()
    const { body } = await service.call('POST', '/api/v1/accounts', { username: 'carol', publicKey: foreign })
    expect(await sign({ account_id: body['id'] })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', details: { account_id: expect.stringContaining('not made') } },
    })
  })
})

test('a session that does not exist is not_found', async () => {
  const path = '/api/v1/mpc/sessions/550e8400-e29b-41d4-a716-446655440000'
  expect(await service.call('GET', path)).toMatchObject({ status: 404, body: { error: 'not_found' } })
})

test('the service is ready while coordinator and database are', async () => {
  expect(await service.call('GET', '/readyz')).toMatchObject({
    status: 200,
    body: { dependencies: { coordinator: true, database: true } },
  })
})

describe('a key with a policy', () => {
  const owner = identityFromSeed(new Uint8Array(32).fill(9))
  const hexOf = (bytes: Uint8Array) => bytesToHex(bytes)
  const policySecret = new Uint8Array(32).fill(8)
  const policyKey = bytesToHex(secp256k1.getPublicKey(policySecret, false))
  const signers = participants.slice(0, 2)
  let policy: { approvers: string[]; required_approvals: number; max_signatures: number }
  let keyId: string
  let accountId: unknown

  async function approval() {
    const unlimited = { notBefore: 0, notAfter: 0, rateSignatures: 0, rateWindowSeconds: 0 }
    const order = {
      keyId,
      publicKey: policyKey,
      keyType: 'ecdsa-secp256k1',
      message: hexToBytes(messageHash),
      participants: signers.map(({ party_id }) => party_id),
      policy: { ...unlimited, approvers: policy.approvers, requiredApprovals: 1, signerSets: [], maxSignatures: 5 },
      expiresInSeconds: 60,
    } as const
    const { expiresAt, ...rest } = await makeApproval(await owner, order, crypto.getRandomValues(new Uint8Array(32)), Date.now())
    return { ...rest, expires_at: expiresAt }
  }
  const sign = (approvals: unknown, headers = {}) =>
    service.call(
      'POST',
      '/api/v1/mpc/sign',
      { account_id: accountId, message_hash: messageHash, participants: signers, approvals },
      headers,
    )

  beforeAll(async () => {
    policy = { approvers: [hexOf((await owner).publicKey).toUpperCase()], required_approvals: 1, max_signatures: 5 }
    const made = await service.call('POST', '/api/v1/mpc/keygen', { ...keygen, policy })
    keyId = String(made.body['session_id'])
    await runSession(made, { public_key: policyKey })
    const account = { username: 'owner', email: '', phone: '', publicKey: policyKey }
    accountId = (await service.call('POST', '/api/v1/accounts', account)).body['id']
  })

  test('shows it with every session of it', async () => {
    const shown = { approvers: [policy.approvers[0]?.toLowerCase()], required_approvals: 1, max_signatures: 5 }
    const opened = await sign([await approval()])
    expect(opened.status).toBe(201)
    for (const sessionId of [keyId, opened.body['session_id']]) {
      const response = await fetch(`${coordinatorUrl}/api/v1/sessions/${sessionId}`)
      expect(await response.json()).toMatchObject({ policy: shown })
    }
  })

  test('is not signed with without approvals: the caller is told, and not that something is out of order', async () => {
    const without = await sign([])
    expect(without).toMatchObject({ status: 403, body: { error: 'forbidden', details: { approvals: expect.any(String) } } })
    const forged = { ...(await approval()), nonce: 'ab'.repeat(32) }
    const field = 'approvals[0].signature'
    expect(await sign([forged])).toMatchObject({ status: 403, body: { details: { [field]: expect.any(String) } } })
  })

  test('what is no approval is named by its field', async () => {
    const wrong = { ...(await approval()), nonce: 'ab' }
    const field = 'approvals[1].nonce'
    const answer = await sign([await approval(), wrong])
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request', details: { [field]: expect.any(String) } } })
    const many = await sign(Array.from({ length: 41 }, () => wrong))
    expect(many).toMatchObject({ status: 400, body: { details: { approvals: expect.any(String) } } })
  })

  test.each<[string, object]>([
    ['policy.approvers', { approvers: [], required_approvals: 1 }],
    ['policy.approvers[0]', { approvers: ['ab'], required_approvals: 1 }],
    ['policy.approvers[1]', { approvers: ['same', 'same'], required_approvals: 1 }],
    ['policy.required_approvals', { approvers: ['same'], required_approvals: 2 }],
    ['policy.signer_sets[0].party_ids[1]', { approvers: ['same'], required_approvals: 1, signer_sets: [{ party_ids: ['user_device', 'x'] }] }],
    ['policy.rate_signatures', { approvers: ['same'], required_approvals: 1, rate_signatures: 1001 }],
    ['policy.not_after', { approvers: ['same'], required_approvals: 1, not_after: -1 }],
  ])('what is no policy is named by its field: %s', async (field, wrong) => {
    const approvers = JSON.stringify(wrong).replaceAll('"same"', JSON.stringify(policy.approvers[0]))
    const answer = await service.call('POST', '/api/v1/mpc/keygen', { ...keygen, policy: JSON.parse(approvers) })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request', details: { [field]: expect.any(String) } } })
  })

  test('is not made twice with two policies under one Idempotency-Key, nor signed with two approvals', async () => {
    const headers = { 'idempotency-key': 'with-a-policy' }
    const first = await service.call('POST', '/api/v1/mpc/keygen', { ...keygen, policy }, headers)
    expect((await service.call('POST', '/api/v1/mpc/keygen', { ...keygen, policy }, headers)).body).toEqual(first.body)
    const milder = { ...policy, max_signatures: 6 }
    for (const other of [{ ...keygen, policy: milder }, keygen]) {
      expect(await service.call('POST', '/api/v1/mpc/keygen', other, headers)).toMatchObject({ status: 409 })
    }
    const signing = { 'idempotency-key': 'with-an-approval' }
    expect(await sign([await approval()], signing)).toMatchObject({ status: 201 })
    expect(await sign([await approval()], signing)).toMatchObject({ status: 409 })
  })
})
