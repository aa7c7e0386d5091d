/** Policies and approvals from and to the messages of the contract. */
import { create } from '@bufbuild/protobuf'
import {
  ApprovalSchema,
  KeyPolicySchema,
  type Approval as ApprovalMessage,
  type KeyPolicy as KeyPolicyMessage,
} from '../gen/mpc/policy/v1/key_policy_pb.ts'
import type { Approval } from './approval.ts'
import type { KeyPolicy } from './key-policy.ts'

/** As it was written: not canonical, and nothing is checked. */
export function readPolicy(message: KeyPolicyMessage): KeyPolicy {
  const { approvers, requiredApprovals, signerSets, rateSignatures, rateWindowSeconds } = message
  return {
    approvers: [...approvers],
    requiredApprovals,
    signerSets: signerSets.map(({ partyIds }) => [...partyIds]),
    notBefore: Number(message.notBefore),
    notAfter: Number(message.notAfter),
    maxSignatures: Number(message.maxSignatures),
    rateSignatures,
    rateWindowSeconds,
  }
}

export function policyMessage(policy: KeyPolicy): KeyPolicyMessage {
  const { approvers, requiredApprovals, signerSets, rateSignatures, rateWindowSeconds } = policy
  return create(KeyPolicySchema, {
    approvers: [...approvers],
    requiredApprovals,
    signerSets: signerSets.map((partyIds) => ({ partyIds: [...partyIds] })),
    notBefore: BigInt(policy.notBefore),
    notAfter: BigInt(policy.notAfter),
    maxSignatures: BigInt(policy.maxSignatures),
    rateSignatures,
    rateWindowSeconds,
  })
}

export function readApproval({ approver, nonce, expiresAt, signature }: ApprovalMessage): Approval {
  return {
    approver: approver.toLowerCase(),
    nonce: nonce.toLowerCase(),
    expiresAt: Number(expiresAt),
    signature: signature.toLowerCase(),
  }
}

export function approvalMessage({ approver, nonce, expiresAt, signature }: Approval): ApprovalMessage {
  return create(ApprovalSchema, { approver, nonce, expiresAt: BigInt(expiresAt), signature })
}
