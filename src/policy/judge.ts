/**
 * Whether a signature is one that the key's policy allows. Coordinators ask to refuse early, auditors to check
 * afterwards, and every party before it signs: only the party's answer counts. What only a party can know, which
 * approvals it has counted already and how often it has signed, is in src/party/store/approval-ledger.ts.
 */
import {
  isWellFormed,
  maxApprovals,
  maxApprovalSeconds,
  verifyApproval,
  type Approval,
  type SigningSubject,
} from './approval.ts'
import { sorted, type KeyPolicy } from './key-policy.ts'

export type PolicyRefusal = 'policy_forbids' | 'approvals_missing' | 'approval_invalid' | 'approval_expired'

export type PolicyVerdict =
  | Readonly<{ kind: 'allowed' }>
  /** `field` as requests name it. */
  | Readonly<{ kind: 'refused'; reason: PolicyRefusal; field: string; problem: string }>

/**
 * `policy` without faults, `nowSeconds` by the judge's own clock. Every approval given must be a good one: what is not
 * would have no business there.
 */
export async function judgeSigning(
  policy: KeyPolicy,
  subject: SigningSubject,
  approvals: readonly Approval[],
  nowSeconds: number,
): Promise<PolicyVerdict> {
  const { notBefore, notAfter, signerSets, approvers, requiredApprovals } = policy
  if (nowSeconds < notBefore) return forbidden('policy', `the key signs from ${timeOf(notBefore)} on`)
  if (notAfter !== 0 && nowSeconds >= notAfter) return forbidden('policy', `the key signed until ${timeOf(notAfter)}`)
  if (signerSets.length > 0) {
    const signers = sorted(subject.participants).join()
    const isAllowed = signerSets.some((set) => set.join() === signers)
    if (!isAllowed) return forbidden('participants', 'these parties may not sign together with this key')
  }
  if (approvals.length > maxApprovals) return refused('approval_invalid', 'approvals', `more than ${maxApprovals}`)
  for (const [index, approval] of approvals.entries()) {
    const verdict = await judgeApproval(policy, subject, approvals, index, approval, nowSeconds)
    if (verdict.kind === 'refused') return verdict
  }
  if (approvals.length >= requiredApprovals) return { kind: 'allowed' }
  const problem = `${approvals.length} of ${requiredApprovals} required, by ${approvers.length} approvers`
  return refused('approvals_missing', 'approvals', problem)
}

async function judgeApproval(
  policy: KeyPolicy,
  subject: SigningSubject,
  approvals: readonly Approval[],
  index: number,
  approval: Approval,
  nowSeconds: number,
): Promise<PolicyVerdict> {
  const bad = (field: string, problem: string, reason: PolicyRefusal = 'approval_invalid') =>
    refused(reason, `approvals[${index}].${field}`, problem)
  if (!isWellFormed(approval)) return refused('approval_invalid', `approvals[${index}]`, 'is malformed')
  const { approver, expiresAt } = approval
  if (!policy.approvers.includes(approver)) return bad('approver', 'is not one of the approvers of the key')
  if (approvals.findIndex((other) => other.approver === approver) !== index) return bad('approver', 'approves twice')
  if (expiresAt <= nowSeconds) return bad('expires_at', 'has passed', 'approval_expired')
  if (expiresAt > nowSeconds + maxApprovalSeconds) {
    return bad('expires_at', `is more than ${maxApprovalSeconds} seconds ahead`)
  }
  if (await verifyApproval(approval, subject, policy)) return { kind: 'allowed' }
  return bad('signature', 'is not by this approver for this key, hash or message, signers, nonce and expiry')
}

function forbidden(field: string, problem: string): PolicyVerdict {
  return refused('policy_forbids', field, problem)
}

function refused(reason: PolicyRefusal, field: string, problem: string): PolicyVerdict {
  return { kind: 'refused', reason, field, problem }
}

function timeOf(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString()
}
