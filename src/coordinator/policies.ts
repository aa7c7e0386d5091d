/**
 * Policies and approvals in requests. Refusing early is a courtesy to callers: every party checks again what it has
 * stored itself, and believes no coordinator.
 */
import { hexToBytes } from '@noble/hashes/utils.js'
import { invalidFields } from '../edge/validation.ts'
import { Refusal } from '../edge/refusal.ts'
import type { CreateSessionRequest } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { judgeSigning, type PolicyVerdict } from '../policy/judge.ts'
import { canonicalPolicy, policyFaults, type KeyPolicy } from '../policy/key-policy.ts'
import { readApproval } from '../policy/wire.ts'
import type { KeyGroup } from './decide/command.ts'

type SignRequest = Pick<CreateSessionRequest, 'messageHash' | 'message' | 'participants' | 'approvals'>

/** What the policy of the key says to the request; null where the key has none, or the request is no sound one. */
export async function verdictOn(
  key: KeyGroup | null,
  request: SignRequest,
  nowMs: number,
): Promise<PolicyVerdict | null> {
  if (key === null || key.policy === null) return null
  const { messageHash, message } = request
  const signsMessage = key.keyType === 'eddsa-ed25519'
  if (!signsMessage && !/^[0-9A-Fa-f]{64}$/.test(messageHash)) return null // refused for that
  const subject = {
    ...key,
    derivationPath: '',
    message: signsMessage ? message : hexToBytes(messageHash),
    participants: request.participants.map(({ partyId }) => partyId),
  }
  return judgeSigning(key.policy, subject, request.approvals.map(readApproval), Math.floor(nowMs / 1_000))
}

/** Throws Refusal 'forbidden' naming the field. */
export function requireAllowed(verdict: PolicyVerdict | null): void {
  if (verdict?.kind !== 'refused') return
  const { field, problem } = verdict
  throw new Refusal('forbidden', `the key's policy does not allow this: ${field}: ${problem}`, { [field]: problem })
}

/** The policy of a key to be made, in its canonical form. Throws Refusal 'invalid_request' naming its fields. */
export function soundPolicy(
  policy: KeyPolicy,
  group: Readonly<{ partyIds: readonly string[]; thresholdT: number }>,
): KeyPolicy {
  const faults = policyFaults(policy, group)
  if (faults.length > 0) throw invalidFields(faults.map(({ field, problem }) => [`policy.${field}`, problem] as const))
  return canonicalPolicy(policy)
}
