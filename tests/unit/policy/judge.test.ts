import { bytesToHex } from '@noble/hashes/utils.js'
import { createHash, createPublicKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { approvalStatement, type Approval, type SigningSubject } from '../../../src/policy/approval.ts'
import { judgeSigning } from '../../../src/policy/judge.ts'
import type { KeyPolicy } from '../../../src/policy/key-policy.ts'
import { approvalBy, alice, bob, hexOf, mallory, nowSeconds, policy, subject } from './fixtures.ts'

const judge = (
  approvals: readonly Approval[],
  { under = policy(), what = subject, now = nowSeconds }: { under?: KeyPolicy; what?: SigningSubject; now?: number } = {},
) => judgeSigning(under, what, approvals, now)

const genuine = await approvalBy(alice)

test('a signature that enough approvers approved is allowed', async () => {
  expect(await judge([genuine])).toEqual({ kind: 'allowed' })
  const both = policy({ requiredApprovals: 2 })
  const approvals = [await approvalBy(bob, subject, both), await approvalBy(alice, subject, both)]
  expect(await judge(approvals, { under: both })).toEqual({ kind: 'allowed' })
})

test('the order of the signers does not matter', async () => {
  const what = { ...subject, participants: [...subject.participants].reverse() }
  expect(await judge([genuine], { what })).toEqual({ kind: 'allowed' })
})

test('OpenSSL verifies an approval over the documented bytes', () => {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(genuine.approver, 'hex')])
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  const signed = approvalStatement(subject, policy(), genuine)
  expect(verify(null, signed, key, Buffer.from(genuine.signature, 'hex'))).toBe(true)
})

const otherSubjects: Readonly<Record<keyof SigningSubject, SigningSubject>> = {
  keyId: { ...subject, keyId: 'key-2' },
  publicKey: { ...subject, publicKey: new Uint8Array(33).fill(3) },
  keyType: { ...subject, keyType: 'schnorr-secp256k1' },
  derivationPath: { ...subject, derivationPath: 'm/0' },
  message: { ...subject, message: new Uint8Array(32).fill(9) },
  participants: { ...subject, participants: ['device', 'recovery'] },
}
test.each(Object.entries(otherSubjects))('an approval of another %s is refused', async (_field, what) => {
  expect(await judge([genuine], { what })).toMatchObject({
    kind: 'refused',
    reason: 'approval_invalid',
    field: 'approvals[0].signature',
  })
})

test('an approval of a hash is none of a message of the same bytes', async () => {
  const what: SigningSubject = { ...subject, publicKey: new Uint8Array(32).fill(2), keyType: 'eddsa-ed25519' }
  const hash: SigningSubject = { ...what, keyType: 'schnorr-secp256k1' }
  expect(await judge([await approvalBy(alice, hash)], { what })).toMatchObject({ reason: 'approval_invalid' })
})

test.each<[string, string, Partial<Approval>]>([
  ['approver', 'approvals[0].signature', { approver: hexOf(bob) }],
  ['nonce', 'approvals[0].signature', { nonce: '11'.repeat(32) }],
  ['expiry', 'approvals[0].signature', { expiresAt: genuine.expiresAt + 1 }],
  ['signature', 'approvals[0].signature', { signature: `00${genuine.signature.slice(2)}` }],
  ['unknown approver', 'approvals[0].approver', { approver: hexOf(mallory) }],
  ['nonce of another length', 'approvals[0]', { nonce: '11' }],
  ['signature that is no hex', 'approvals[0]', { signature: 'g'.repeat(128) }],
  ['expiry that is no number', 'approvals[0]', { expiresAt: Number.NaN }],
])('an approval with another %s is refused', async (_what, field, change) => {
  expect(await judge([{ ...genuine, ...change }])).toMatchObject({ reason: 'approval_invalid', field })
})

test("an approval counts for the key's own policy only", async () => {
  expect(await judge([genuine], { under: policy({ maxSignatures: 5 }) })).toMatchObject({ reason: 'approval_invalid' })
})

test('a stranger approves nothing, not even beside an approver', async () => {
  const approvals = [genuine, await approvalBy(mallory)]
  expect(await judge(approvals)).toMatchObject({ reason: 'approval_invalid', field: 'approvals[1].approver' })
})

test('too few approvals, none and one approver twice are refused', async () => {
  const under = policy({ requiredApprovals: 2 })
  const approvals = [await approvalBy(alice, subject, under), await approvalBy(alice, subject, under, { nonce: 'b' })]
  expect(await judge([])).toMatchObject({ reason: 'approvals_missing', field: 'approvals' })
  expect(await judge(approvals.slice(0, 1), { under })).toMatchObject({ reason: 'approvals_missing' })
  expect(await judge(approvals, { under })).toMatchObject({
    reason: 'approval_invalid',
    field: 'approvals[1].approver',
  })
})

test('more approvals than a session may carry are not even looked at', async () => {
  const approvals = Array.from({ length: 41 }, () => genuine)
  expect(await judge(approvals)).toMatchObject({ reason: 'approval_invalid', field: 'approvals' })
})

test('an approval counts until it expires, and its expiry is at most a day ahead', async () => {
  const at = (now: number) => judge([genuine], { now })
  expect(await at(genuine.expiresAt - 1)).toEqual({ kind: 'allowed' })
  expect(await at(genuine.expiresAt)).toMatchObject({ reason: 'approval_expired', field: 'approvals[0].expires_at' })
  expect(await at(genuine.expiresAt - 86_400)).toEqual({ kind: 'allowed' })
  expect(await at(genuine.expiresAt - 86_401)).toMatchObject({ reason: 'approval_invalid' })
})

test('a key signs within its validity only', async () => {
  const under = policy({ notBefore: nowSeconds, notAfter: nowSeconds + 10 })
  const approvals = [await approvalBy(alice, subject, under)]
  const at = (now: number) => judge(approvals, { under, now })
  expect(await at(nowSeconds - 1)).toMatchObject({ reason: 'policy_forbids', field: 'policy' })
  expect(await at(nowSeconds)).toEqual({ kind: 'allowed' })
  expect(await at(nowSeconds + 9)).toEqual({ kind: 'allowed' })
  expect(await at(nowSeconds + 10)).toMatchObject({ reason: 'policy_forbids', field: 'policy' })
})

test('parties that are not one of the allowed sets do not sign, however approved', async () => {
  const under = policy({
    signerSets: [
      ['device', 'server'],
      ['device', 'recovery', 'server'],
    ],
  })
  const signedBy = async (...participants: string[]) => {
    const what = { ...subject, participants }
    return judge([await approvalBy(alice, what, under)], { under, what })
  }
  expect(await signedBy('server', 'device')).toEqual({ kind: 'allowed' })
  expect(await signedBy('recovery', 'server', 'device')).toEqual({ kind: 'allowed' })
  expect(await signedBy('server', 'recovery')).toMatchObject({ reason: 'policy_forbids', field: 'participants' })
  expect(await signedBy('device', 'recovery')).toMatchObject({ reason: 'policy_forbids', field: 'participants' })
})

test('the bytes that are signed are those of the documentation', () => {
  // docs/protocol.md: each part behind its length in 4 bytes, numbers in 8 bytes.
  const part = (bytes: Uint8Array | string) => {
    const body = Buffer.from(bytes)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    return Buffer.concat([length, body])
  }
  const number = (value: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(BigInt(value))
    return part(bytes)
  }
  const approvers = [hexOf(alice), hexOf(bob)].sort().map((hex) => part(Buffer.from(hex, 'hex')))
  const ofPolicy = [part('mpc-system/v1/key-policy'), number(1), number(1), number(2), ...approvers, number(0)]
  const limits = [0, 0, 0, 0, 0].map(number)
  const policyHash = createHash('sha256').update(Buffer.concat([...ofPolicy, ...limits])).digest()
  const expected = Buffer.concat([
    part('mpc-system/v1/approval'),
    number(1),
    part('key-1'),
    part(subject.publicKey),
    part('ecdsa-secp256k1'),
    part(''),
    part('hash'),
    part(subject.message),
    number(2),
    part('device'),
    part('server'),
    part(policyHash),
    part(Buffer.from(genuine.approver, 'hex')),
    part(Buffer.from(genuine.nonce, 'hex')),
    number(genuine.expiresAt),
  ])
  expect(bytesToHex(approvalStatement(subject, policy(), genuine))).toBe(expected.toString('hex'))
})
