import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { approverFromKey, approverFromSeed, type ApprovalRequest } from '../../../src/client/node.ts'
import { MpcService, type CreateKeygenSessionRequest, type CreateSigningSessionRequest } from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import { judgeSigning } from '../../../src/policy/judge.ts'
import { approvalMessage, policyMessage } from '../../../src/policy/wire.ts'
import { policy } from '../policy/fixtures.ts'
import { servicesWith } from './services.ts'

const publicKey = secp256k1.getPublicKey(new Uint8Array(32).fill(1), false)
const approver = await approverFromSeed(new Uint8Array(32).fill(3))
const options = { approvers: [approver.publicKey], requiredApprovals: 1 }
const full = policy(options)
const request: ApprovalRequest = {
  key: { keyId: 'key-1', publicKey: bytesToHex(publicKey) },
  policy: options,
  messageHash: 'ab'.repeat(32),
  participants: ['server', 'phone'],
}
const subject = {
  keyId: 'key-1',
  publicKey: secp256k1.getPublicKey(new Uint8Array(32).fill(1)),
  keyType: 'ecdsa-secp256k1',
  derivationPath: '',
  message: new Uint8Array(32).fill(0xab),
  participants: ['phone', 'server'],
} as const
const nowSeconds = () => Math.floor(Date.now() / 1_000)

describe('an approval', () => {
  test('counts for what it was asked for, until it expires', async () => {
    const approval = await approver.approve(request)
    expect(await judgeSigning(full, subject, [approval], nowSeconds())).toEqual({ kind: 'allowed' })
    expect(approval.expiresAt - nowSeconds()).toBeGreaterThan(590)
    const other = { ...subject, participants: ['phone', 'backup'] }
    expect(await judgeSigning(full, other, [approval], nowSeconds())).toMatchObject({ kind: 'refused' })
  })

  test('is another one each time', async () => {
    const [first, second] = [await approver.approve(request), await approver.approve(request)]
    expect(first.nonce).not.toBe(second.nonce)
  })

  test('is made as well with a key of WebCrypto that cannot be extracted', async () => {
    const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
    const own = await approverFromKey(pair)
    const approvers = [own.publicKey, approver.publicKey]
    const approval = await own.approve({ ...request, policy: { ...options, approvers } })
    expect(await judgeSigning(policy({ approvers }), subject, [approval], nowSeconds())).toEqual({ kind: 'allowed' })
  })

  test.each<[string, Partial<ApprovalRequest>]>([
    ['publicKey', { key: { keyId: 'key-1', publicKey: '02' } }],
    ['keyId', { key: { keyId: '', publicKey: bytesToHex(publicKey) } }],
    ['message', { key: { keyId: 'key-1', publicKey: 'ab'.repeat(32), keyType: 'eddsa-ed25519' } }],
    ['participants', { participants: ['phone', 'phone'] }],
    ['expiresInSeconds', { expiresInSeconds: 86_401 }],
    ['policy.approvers', { policy: { ...options, approvers: policy().approvers } }],
    ['policy.required_approvals', { policy: { ...options, requiredApprovals: 2 } }],
  ])('that would count for nothing is not made: %s', async (field, change) => {
    // A request of another shape than types allow is what is tested here.
    const wrong = { ...request, ...change } as ApprovalRequest
    await expect(approver.approve(wrong)).rejects.toMatchObject({
      code: 'invalid_request',
      details: { [field]: expect.any(String) },
    })
  })
})

test('policy and approvals go with the requests', async () => {
  const keygens: CreateKeygenSessionRequest[] = []
  const signings: CreateSigningSessionRequest[] = []
  const session = { sessionId: 's', status: 'waiting', joinTokens: { a: 't', b: 't' }, expiresAt: 1n }
  const { mpc } = servicesWith((router) =>
    router.service(MpcService, {
      createKeygenSession: (asked) => (keygens.push(asked), session),
      createSigningSession: (asked) => (signings.push(asked), session),
    }),
  )
  const participants = [{ partyId: 'a' }, { partyId: 'b' }]
  await mpc.accounts.createKeygenSession({ thresholdT: 2, thresholdN: 2, participants, policy: options })
  expect(keygens[0]?.policy).toEqual(policyMessage(full))
  const approval = await approver.approve(request)
  const what = { accountId: 'acc', messageHash: 'ab'.repeat(32), participants, approvals: [approval] }
  await mpc.accounts.createSigningSession(what)
  expect(signings[0]?.approvals).toEqual([approvalMessage(approval)])
})

test('a policy that is no good is not sent', async () => {
  const { mpc, asked } = servicesWith(() => {})
  const participants = [{ partyId: 'a' }, { partyId: 'b' }]
  const opening = mpc.sessions.create({
    sessionType: 'keygen',
    thresholdT: 2,
    thresholdN: 2,
    participants,
    policy: { approvers: ['no key'], requiredApprovals: 1 },
  })
  await expect(opening).rejects.toMatchObject({ code: 'invalid_request', details: { 'policy.approvers[0]': expect.any(String) } })
  expect(asked).toEqual([])
})
