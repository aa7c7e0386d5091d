/** A key with a policy, its approvers, and the signature they approve. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { identityFromSeed, type Identity } from '../../../src/identity/identity-key.ts'
import { signApproval, type Approval, type SigningSubject } from '../../../src/policy/approval.ts'
import { canonicalPolicy, type KeyPolicy } from '../../../src/policy/key-policy.ts'

export const nowSeconds = 1_700_000_000

const hashOf = (text: string) => sha256(utf8ToBytes(text))

export const alice = await identityFromSeed(hashOf('approver alice'))
export const bob = await identityFromSeed(hashOf('approver bob'))
export const mallory = await identityFromSeed(hashOf('approver mallory'))

export const hexOf = ({ publicKey }: Identity) => bytesToHex(publicKey)

/** One of alice and bob must approve. */
export function policy(change: Partial<KeyPolicy> = {}): KeyPolicy {
  return canonicalPolicy({
    approvers: [hexOf(alice), hexOf(bob)],
    requiredApprovals: 1,
    signerSets: [],
    notBefore: 0,
    notAfter: 0,
    maxSignatures: 0,
    rateSignatures: 0,
    rateWindowSeconds: 0,
    ...change,
  })
}

export const subject: SigningSubject = {
  keyId: 'key-1',
  publicKey: new Uint8Array(33).fill(2),
  keyType: 'ecdsa-secp256k1',
  derivationPath: '',
  message: hashOf('message'),
  participants: ['device', 'server'],
}

export function approvalBy(
  approver: Identity,
  what: SigningSubject = subject,
  under: KeyPolicy = policy(),
  { nonce = 'nonce', expiresAt = nowSeconds + 600 }: Readonly<{ nonce?: string; expiresAt?: number }> = {},
): Promise<Approval> {
  return signApproval(approver, what, under, { nonce: hashOf(nonce), expiresAt })
}
