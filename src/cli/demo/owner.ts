/** The owner of the demo's device, who approves each signature with a key of their own. */
import { randomBytes } from 'node:crypto'
import { identityFromSeed } from '../../identity/identity-key.ts'
import { makeApproval, type ApprovalOrder } from '../../policy/approver.ts'
import type { KeyPolicy } from '../../policy/key-policy.ts'
import type { ApprovalBody, PolicyBody } from './account-client.ts'

export type Owner = Readonly<{
  /** Ed25519, 32 bytes. */
  publicKey: Uint8Array
  /** The policy of the key to make: nothing is signed without the owner's approval. */
  policy: KeyPolicy
  policyBody: PolicyBody
  /** For one signature. */
  approve(what: Omit<ApprovalOrder, 'policy' | 'expiresInSeconds'>): Promise<ApprovalBody>
}>

const approvalSeconds = 300

export async function makeOwner(): Promise<Owner> {
  const identity = await identityFromSeed(randomBytes(32))
  const approvers = [Buffer.from(identity.publicKey).toString('hex')]
  const unlimited = { notBefore: 0, notAfter: 0, maxSignatures: 0, rateSignatures: 0, rateWindowSeconds: 0 }
  const policy = { approvers, requiredApprovals: 1, signerSets: [], ...unlimited }
  return {
    publicKey: identity.publicKey,
    policy,
    policyBody: { approvers, required_approvals: 1 },
    approve: async (what) => {
      const order = { ...what, policy, expiresInSeconds: approvalSeconds }
      const { approver, nonce, expiresAt, signature } = await makeApproval(
        identity,
        order,
        randomBytes(32),
        Date.now(),
      )
      return { approver, nonce, expires_at: expiresAt, signature }
    },
  }
}
