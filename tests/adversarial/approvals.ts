/** The owner of the key with a policy, and what it signs. */
import { randomBytes } from 'node:crypto'
import { bytesToHex } from '@noble/hashes/utils.js'
import { signApproval, type Approval, type SigningSubject } from '../../src/policy/approval.ts'
import { canonicalPolicy, type KeyPolicy } from '../../src/policy/key-policy.ts'
import { identityOf } from '../unit/party/fixtures/parties.ts'
import { message, type MadeKey } from './arena.ts'

export const owner = await identityOf('the owner')
export const stranger = await identityOf('a stranger')

export const policy: KeyPolicy = canonicalPolicy({
  approvers: [bytesToHex(owner.publicKey)],
  requiredApprovals: 1,
  signerSets: [],
  notBefore: 0,
  notAfter: 0,
  maxSignatures: 0,
  rateSignatures: 0,
  rateWindowSeconds: 0,
})

export type ApprovalChange = Readonly<{
  subject?: Partial<SigningSubject>
  by?: typeof owner
  under?: KeyPolicy
  secondsLeft?: number
}>

/** Of the signature that the parties are to make with the Ed25519 key, or of one that differs from it. */
export function approval(key: MadeKey, participants: readonly string[], change: ApprovalChange = {}): Promise<Approval> {
  const { subject = {}, by = owner, under = policy, secondsLeft = 300 } = change
  const { keyId, keyType, publicKey } = key
  const expiresAt = Math.floor(Date.now() / 1_000) + secondsLeft
  const whole = { keyId, keyType, publicKey, derivationPath: '', message, participants, ...subject }
  return signApproval(by, whole, under, { nonce: new Uint8Array(randomBytes(32)), expiresAt })
}
