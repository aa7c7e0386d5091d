/**
 * The key's policy, enforced by this party itself: against what is stored with the share, by its own clock, with its
 * own record of what has counted already. The coordinator's checks are a courtesy to callers.
 */
import { SessionFailure } from '../failure.ts'
import type { PartyParts } from '../party-parts.ts'
import { maxApprovalSeconds } from '../../policy/approval.ts'
import { judgeSigning } from '../../policy/judge.ts'
import type { StoredKey } from '../store/share-store.ts'
import type { SignTerms } from './terms.ts'

type Parts = Pick<PartyParts, 'approvals' | 'clock'>

/** Nothing for a key without a policy. @throws SessionFailure saying what the policy has against it, StorageError. */
export async function requireAllowed(parts: Parts, terms: SignTerms, key: StoredKey): Promise<void> {
  const { policy, keyId } = key
  if (policy === null) return
  const { approvals } = parts
  const nowMs = await requireInForce(parts, terms, key)
  const objection = await approvals.objection(keyId, policy, terms.approvals, nowMs)
  if (objection !== null) throw new SessionFailure(objection.reason, objection.problem)
}

/**
 * The approvals are spent and the signature is counted, durably, when this resolves: only then may this party say that
 * it is ready. A crash or a failed session after that costs the approvals. The policy is asked once more, because
 * whoever agreed in between may have taken long. @throws like `requireAllowed`
 */
export async function countSignature(parts: Parts, terms: SignTerms, key: StoredKey): Promise<void> {
  const { policy, keyId } = key
  if (policy === null) return
  await requireAllowed(parts, terms, key)
  const objection = await parts.approvals.spend(keyId, policy, terms.approvals, parts.clock.nowMs())
  if (objection !== null) throw new SessionFailure(objection.reason, objection.problem)
}

/**
 * That the policy allows it now, leaving aside what has counted. Asked for the last time when the session starts: a
 * coordinator that holds it back until the approvals have expired gets no signature for them. Resolves with the time.
 * @throws SessionFailure, StorageError
 */
export async function requireInForce({ approvals, clock }: Parts, terms: SignTerms, key: StoredKey): Promise<number> {
  const { policy, keyId } = key
  if (policy === null) return clock.nowMs()
  const clockMs = clock.nowMs()
  const nowMs = await approvals.timeMs(keyId, clockMs)
  // By the clock, even where the ledger stands for a later time (`assumeSpent`): that must not open a key early, and
  // what the ledger forgets must have expired.
  if (policy.notBefore > clockMs / 1_000) throw new SessionFailure('policy_forbids', 'policy.not_before: is to come')
  if (terms.approvals.some(({ expiresAt }) => expiresAt > clockMs / 1_000 + maxApprovalSeconds)) {
    throw new SessionFailure('approval_invalid', `approvals: one expires in more than ${maxApprovalSeconds} seconds`)
  }
  const subject = { ...key, derivationPath: '', message: terms.message, participants: terms.partyIds }
  const verdict = await judgeSigning(policy, subject, terms.approvals, Math.floor(nowMs / 1_000))
  if (verdict.kind === 'refused') throw new SessionFailure(verdict.reason, `${verdict.field}: ${verdict.problem}`)
  return nowMs
}
