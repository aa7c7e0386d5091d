import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { maxSpentApprovals, type ApprovalLedger } from '../../../src/party/store/approval-ledger.ts'
import type { Approval } from '../../../src/policy/approval.ts'
import { policy } from '../policy/fixtures.ts'
import { kek, temporaryFolder } from './fixtures/parties.ts'

const keyId = 'key-1'
const startMs = 1_700_000_000_000
const second = 1_000
let folder: string
let ledger: ApprovalLedger

async function reopened(): Promise<ApprovalLedger> {
  return (await openPartyStore(folder, kek, 'server_001')).approvals
}

beforeEach(async () => {
  folder = await temporaryFolder()
  ledger = await reopened()
  await ledger.create(keyId)
})

/** Expires this many seconds after the start. */
function approval(number: number, expiresIn = 600): Approval {
  const nonce = number.toString(16).padStart(64, '0')
  return { approver: 'aa'.repeat(32), nonce, expiresAt: startMs / second + expiresIn, signature: 'bb'.repeat(64) }
}

const spend = (approvals: readonly Approval[], nowMs = startMs, under = policy()) =>
  ledger.spend(keyId, under, approvals, nowMs)
const replayed = { reason: 'approval_replayed' }
const expired = { reason: 'approval_expired' }
const limited = { reason: 'policy_limit_reached' }

test('an approval counts once, a restart later too, whatever else comes with it', async () => {
  expect(await spend([approval(1)])).toBeNull()
  expect(await spend([approval(1)])).toMatchObject(replayed)
  ledger = await reopened()
  expect(await spend([approval(2), approval(1)])).toMatchObject(replayed)
  // What was refused together with it has not counted.
  expect(await spend([approval(2)])).toBeNull()
})

test('of many at once exactly one counts', async () => {
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => spend([approval(1)])))
  expect(outcomes.filter((objection) => objection === null)).toHaveLength(1)
})

test('asking counts nothing', async () => {
  for (let i = 0; i < 3; i++) expect(await ledger.objection(keyId, policy(), [approval(1)], startMs)).toBeNull()
  expect(await spend([approval(1)])).toBeNull()
  expect(await ledger.objection(keyId, policy(), [approval(1)], startMs)).toMatchObject(replayed)
})

test('an approval that was forgotten because it expired does not come to life when the clock is set back', async () => {
  expect(await spend([approval(1, 10)])).toBeNull()
  // Now the first has expired and is forgotten.
  expect(await spend([approval(2, 600)], startMs + 20 * second)).toBeNull()
  ledger = await reopened()
  expect(await spend([approval(1, 10)], startMs)).toMatchObject(expired)
  expect(await ledger.timeMs(keyId, startMs)).toBe(startMs + 20 * second)
})

test('what has expired is forgotten, so the record does not grow', async () => {
  const size = async () => (await readFile(join(folder, 'guard', `${keyId}.approvals`))).length
  await spend([approval(0, 1)])
  const first = await size()
  for (let i = 1; i < 9; i++) expect(await spend([approval(i, i + 1)], startMs + i * second)).toBeNull()
  expect(await size()).toBe(first)
})

test('the policy counts signatures, whatever became of their sessions', async () => {
  const twice = policy({ maxSignatures: 2 })
  expect(await spend([approval(1)], startMs, twice)).toBeNull()
  ledger = await reopened()
  expect(await spend([approval(2)], startMs, twice)).toBeNull()
  expect(await spend([approval(3)], startMs, twice)).toMatchObject(limited)
  expect(await spend([approval(3, 80_000)], startMs + 70_000 * second, twice)).toMatchObject(limited)
})

test('the policy limits signatures in any window of time', async () => {
  const rated = policy({ rateSignatures: 2, rateWindowSeconds: 60 })
  expect(await spend([approval(1)], startMs, rated)).toBeNull()
  expect(await spend([approval(2)], startMs + 30 * second, rated)).toBeNull()
  expect(await spend([approval(3)], startMs + 59 * second, rated)).toMatchObject(limited)
  ledger = await reopened()
  expect(await spend([approval(3)], startMs + 60 * second, rated)).toBeNull()
  expect(await spend([approval(4)], startMs + 89 * second, rated)).toMatchObject(limited)
  expect(await spend([approval(4)], startMs + 90 * second, rated)).toBeNull()
})

test('a clock set back does not make room for more signatures', async () => {
  const rated = policy({ rateSignatures: 1, rateWindowSeconds: 60 })
  expect(await spend([approval(1)], startMs + 100 * second, rated)).toBeNull()
  expect(await spend([approval(2)], startMs, rated)).toMatchObject(limited)
})

test('approvals that are spent and not expired are bounded', async () => {
  const many = Array.from({ length: maxSpentApprovals }, (_, i) => approval(i, 10))
  expect(await spend(many)).toBeNull()
  expect(await spend([approval(maxSpentApprovals)])).toMatchObject(limited)
  expect(await spend([approval(maxSpentApprovals)], startMs + 10 * second)).toBeNull()
})

test('a record that is missing, damaged or of another device is an error', async () => {
  const path = join(folder, 'guard', `${keyId}.approvals`)
  await spend([approval(1)])
  const other = await temporaryFolder()
  const foreign = (await openPartyStore(other, kek, 'server_002')).approvals
  await copyFile(path, join(other, 'guard', `${keyId}.approvals`))
  await expect(foreign.spend(keyId, policy(), [], startMs)).rejects.toThrow(/^approval-ledger key-1: /)
  const bytes = await readFile(path)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  await writeFile(path, bytes)
  await expect(spend([approval(2)])).rejects.toThrow(/cannot be decrypted/)
  await rm(path)
  await expect(spend([approval(2)])).rejects.toThrow(/is missing, so the key signs nothing/)
})

test('making the record of a key again keeps what has counted', async () => {
  await spend([approval(1)])
  await ledger.create(keyId)
  expect(await spend([approval(1)])).toMatchObject(replayed)
})
