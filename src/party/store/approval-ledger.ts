/**
 * What a party has counted for each key that has a policy: the approvals it has accepted, each good for one signature,
 * and the signatures that the policy limits. One sealed record a key, made with the share: where it is missing, the key
 * signs nothing. Read, judged and written in one turn per key, so that two sessions cannot both count one approval.
 *
 * Approvals expire, so those that have are forgotten; the time at which that was done is kept and stands in for a clock
 * that is set back, which would otherwise bring them to life again.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { concatBytes } from '../../crypto/bytes.ts'
import { maxApprovalSeconds, type Approval } from '../../policy/approval.ts'
import type { KeyPolicy } from '../../policy/key-policy.ts'
import { StorageError, type Records } from './records.ts'
import { openRecord, sealRecord, type RecordKey } from './sealed-record.ts'

/** What stands against a signature. */
export type Objection = Readonly<{
  reason: 'approval_replayed' | 'approval_expired' | 'policy_limit_reached'
  problem: string
}>

export interface ApprovalLedger {
  /** Comes before the share of a new key. Keeps what there is. Durable once resolved. @throws StorageError */
  create(keyId: string): Promise<void>
  /** `nowMs`, or the latest time at which this key signed, if that is later. @throws StorageError */
  timeMs(keyId: string, nowMs: number): Promise<number>
  /** Null where nothing stands against one more signature; counts nothing. @throws StorageError */
  objection(keyId: string, policy: KeyPolicy, approvals: readonly Approval[], nowMs: number): Promise<Objection | null>
  /** The same, and where there is none, approvals and signature count from now on: durable once resolved. */
  spend(keyId: string, policy: KeyPolicy, approvals: readonly Approval[], nowMs: number): Promise<Objection | null>
  /**
   * After a loss of what had counted: whatever it was, the key signs no more than its policy allows. Approvals that may
   * have counted are refused until they have expired, a limit is taken to be reached. Durable once resolved.
   */
  assumeSpent(keyId: string, policy: KeyPolicy, nowMs: number): Promise<void>
}

/** So many approvals of one key may be spent and not expired; then the key waits. Bounds the record to a megabyte. */
export const maxSpentApprovals = 20_000

type Ledger = Readonly<{
  /** When it signed last, by the clock that was furthest ahead. Approvals that expired before are no longer known. */
  latestMs: number
  signatures: number
  /** When, for the policy's rate; oldest first. */
  recentMs: readonly number[]
  /** Approvals by `approvalId`, with the unix second at which each expires. */
  spent: readonly (readonly [id: string, expiresAt: number])[]
}>

const emptyLedger: Ledger = { latestMs: 0, signatures: 0, recentMs: [], spent: [] }

/** `key`: for this ledger. */
export function createApprovalLedger(records: Records, key: RecordKey): ApprovalLedger {
  const turns = new Map<string, Promise<unknown>>()

  const inTurn = <T>(keyId: string, work: () => Promise<T>): Promise<T> => {
    const before = turns.get(keyId) ?? Promise.resolve()
    const turn = before.then(work, work) // what failed before is its own caller's matter
    turns.set(keyId, turn)
    const done = () => void (turns.get(keyId) === turn && turns.delete(keyId))
    turn.then(done, done)
    return turn
  }
  const read = async (keyId: string): Promise<Ledger> => {
    const bytes = await records.get(keyId)
    if (bytes === null) throw new StorageError(`approval-ledger ${keyId}: is missing, so the key signs nothing`)
    // Authenticated: written by `write`.
    return JSON.parse(new TextDecoder().decode(openRecord(key, keyId, bytes).body)) as Ledger
  }
  const readIfThere = async (keyId: string) => ((await records.get(keyId)) === null ? emptyLedger : read(keyId))
  const write = (keyId: string, ledger: Ledger) =>
    records.put(keyId, sealRecord(key, keyId, {}, utf8ToBytes(JSON.stringify(ledger))))

  return {
    create: (keyId) =>
      inTurn(keyId, async () => {
        if ((await records.get(keyId)) === null) await write(keyId, emptyLedger)
      }),
    timeMs: (keyId, nowMs) => inTurn(keyId, async () => Math.max(nowMs, (await read(keyId)).latestMs)),
    objection: (keyId, policy, approvals, nowMs) =>
      inTurn(keyId, async () => objectionTo(await read(keyId), policy, approvals, nowMs)),
    spend: (keyId, policy, approvals, nowMs) =>
      inTurn(keyId, async () => {
        const ledger = await read(keyId)
        const objection = objectionTo(ledger, policy, approvals, nowMs)
        if (objection === null) await write(keyId, afterSigning(ledger, policy, approvals, nowMs))
        return objection
      }),
    assumeSpent: (keyId, policy, nowMs) =>
      inTurn(keyId, async () => write(keyId, assumingTheWorst(await readIfThere(keyId), policy, nowMs))),
  }
}

/** Whatever was approved until now expires within `maxApprovalSeconds`. */
function assumingTheWorst(ledger: Ledger, { maxSignatures, rateSignatures }: KeyPolicy, nowMs: number): Ledger {
  const latestMs = Math.max(ledger.latestMs, nowMs + maxApprovalSeconds * 1_000)
  return {
    latestMs,
    signatures: Math.max(ledger.signatures, maxSignatures),
    recentMs: Array.from({ length: rateSignatures }, () => latestMs),
    spent: ledger.spent,
  }
}

function objectionTo(
  ledger: Ledger,
  policy: KeyPolicy,
  approvals: readonly Approval[],
  clockMs: number,
): Objection | null {
  const nowMs = Math.max(clockMs, ledger.latestMs)
  const spent = new Map(ledger.spent)
  for (const [index, approval] of approvals.entries()) {
    if (spent.has(approvalId(approval))) {
      return { reason: 'approval_replayed', problem: `approvals[${index}]: has counted for an earlier session` }
    }
    if (approval.expiresAt * 1_000 <= nowMs) {
      return { reason: 'approval_expired', problem: `approvals[${index}].expires_at: has passed` }
    }
  }
  return limitReached(ledger, policy, approvals.length, nowMs)
}

function limitReached(ledger: Ledger, policy: KeyPolicy, count: number, nowMs: number): Objection | null {
  const reached = (problem: string): Objection => ({ reason: 'policy_limit_reached', problem })
  const { maxSignatures, rateSignatures, rateWindowSeconds } = policy
  if (maxSignatures > 0 && ledger.signatures >= maxSignatures) {
    return reached(`this party took part in ${ledger.signatures} signatures with the key, which is all it may`)
  }
  if (rateSignatures > 0 && within(ledger, policy, nowMs).length >= rateSignatures) {
    return reached(`this party took part in ${rateSignatures} signatures with the key in ${rateWindowSeconds} seconds`)
  }
  if (unexpired(ledger, nowMs).length + count > maxSpentApprovals) {
    return reached(`${maxSpentApprovals} approvals of the key have counted and not expired yet`)
  }
  return null
}

function afterSigning(
  ledger: Ledger,
  policy: KeyPolicy,
  approvals: readonly Approval[],
  clockMs: number,
): Ledger {
  const nowMs = Math.max(clockMs, ledger.latestMs)
  const added = approvals.map((approval) => [approvalId(approval), approval.expiresAt] as const)
  return {
    latestMs: nowMs,
    signatures: ledger.signatures + 1,
    recentMs: policy.rateSignatures > 0 ? [...within(ledger, policy, nowMs), nowMs] : [],
    spent: [...unexpired(ledger, nowMs), ...added],
  }
}

function within({ recentMs }: Ledger, { rateWindowSeconds }: KeyPolicy, nowMs: number): readonly number[] {
  return recentMs.filter((timeMs) => timeMs > nowMs - rateWindowSeconds * 1_000)
}

function unexpired({ spent }: Ledger, nowMs: number): Ledger['spent'] {
  return spent.filter(([, expiresAt]) => expiresAt * 1_000 > nowMs)
}

/** Half a SHA-256 of approver and nonce: who meets another's by chance is refused, not let in. */
function approvalId({ approver, nonce }: Approval): string {
  return bytesToHex(sha256(concatBytes(hexToBytes(approver), hexToBytes(nonce))).subarray(0, 16))
}
