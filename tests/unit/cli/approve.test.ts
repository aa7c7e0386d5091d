import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { approve, type ApproveOptions } from '../../../src/cli/approve/approve.ts'
import { newApproverKey, showApproverKey } from '../../../src/cli/approve/approver-key.ts'
import { uncompressedPublicKey } from '../../../src/crypto/public-key.ts'
import type { Approval } from '../../../src/policy/approval.ts'
import { judgeSigning } from '../../../src/policy/judge.ts'
import { policy } from '../policy/fixtures.ts'

const compressed = Buffer.from('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798', 'hex')
let folder: string
let approver: string
let options: ApproveOptions

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-approve-'))
  approver = await newApproverKey(join(folder, 'key'))
  const written = { approvers: [approver.toUpperCase()], required_approvals: 1, not_after: 4_000_000_000 }
  await writeFile(join(folder, 'policy.json'), JSON.stringify(written))
  options = {
    approverKey: join(folder, 'key'),
    keyId: 'key-1',
    publicKey: Buffer.from(uncompressedPublicKey(compressed)).toString('hex'),
    keyType: 'ecdsa-secp256k1',
    policy: join(folder, 'policy.json'),
    participants: 'server, device',
    messageHash: 'ab'.repeat(32),
    expiresIn: '60',
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('an approval that was made from files counts for exactly that signature', async () => {
  const { expires_at: expiresAt, ...rest } = JSON.parse(await approve(options))
  const approval: Approval = { ...rest, expiresAt }
  expect(approval.approver).toBe(approver)
  const subject = {
    keyId: 'key-1',
    publicKey: Uint8Array.from(compressed),
    keyType: 'ecdsa-secp256k1',
    derivationPath: '',
    message: new Uint8Array(32).fill(0xab),
    participants: ['device', 'server'],
  } as const
  const under = policy({ approvers: [approver], notAfter: 4_000_000_000 })
  const now = Math.floor(Date.now() / 1_000)
  expect(await judgeSigning(under, subject, [approval], now)).toEqual({ kind: 'allowed' })
  expect(await judgeSigning(under, { ...subject, keyId: 'key-2' }, [approval], now)).toMatchObject({ kind: 'refused' })
})

test('of an Ed25519 key the content of a file is approved', async () => {
  const message = join(folder, 'message')
  await writeFile(message, 'a message')
  const { messageHash: _, ...asked } = options
  const what = { ...asked, keyType: 'eddsa-ed25519', publicKey: 'cd'.repeat(32), message } as const
  const { expires_at: expiresAt, ...rest } = JSON.parse(await approve(what))
  const subject = {
    keyId: 'key-1',
    publicKey: new Uint8Array(32).fill(0xcd),
    keyType: 'eddsa-ed25519',
    derivationPath: '',
    message: new TextEncoder().encode('a message'),
    participants: ['device', 'server'],
  } as const
  const under = policy({ approvers: [approver], notAfter: 4_000_000_000 })
  const verdict = await judgeSigning(under, subject, [{ ...rest, expiresAt }], Math.floor(Date.now() / 1_000))
  expect(verdict).toEqual({ kind: 'allowed' })
})

test('a key of an approver is readable by its owner alone, and never replaced', async () => {
  const file = join(folder, 'key')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const before = await readFile(file, 'utf8')
  await expect(newApproverKey(file)).rejects.toThrow('is there already')
  expect(await readFile(file, 'utf8')).toBe(before)
  expect(await showApproverKey(file)).toBe(approver)
})

test.each<[string, Partial<ApproveOptions>]>([
  ['--approver-key', { approverKey: '/nowhere' }],
  ['--key-id', { keyId: '../key' }],
  ['--public-key', { publicKey: '02ab' }],
  ['--public-key', { publicKey: `04${'11'.repeat(64)}` }],
  ['--policy', { policy: '/nowhere' }],
  ['--participants', { participants: 'server' }],
  ['--participants', { participants: 'server,server' }],
  ['--participants', { participants: 'server,,phone' }],
  ['--message-hash', { messageHash: 'ab' }],
  ['--message', { message: '/nowhere' }],
  ['--message', { keyType: 'eddsa-ed25519', publicKey: 'cd'.repeat(32) }],
  ['--expires-in', { expiresIn: '86401' }],
  ['--expires-in', { expiresIn: 'soon' }],
])('a wrong %s is named', async (option, change) => {
  await expect(approve({ ...options, ...change })).rejects.toThrow(new RegExp(`^${option}: `))
})

test('nobody approves for a policy that does not name them, or that is none', async () => {
  const [others, none] = [join(folder, 'others.json'), join(folder, 'none.json')]
  await writeFile(others, JSON.stringify({ approvers: policy().approvers, required_approvals: 1 }))
  await writeFile(none, '{"approver": "x"}')
  await expect(approve({ ...options, policy: others })).rejects.toThrow('policy.approvers: does not name this approver')
  await expect(approve({ ...options, policy: none })).rejects.toThrow('is not the JSON of a policy')
})
