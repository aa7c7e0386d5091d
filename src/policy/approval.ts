/**
 * An approval: one approver's signed word for one signature. It names everything that matters of that signature, so
 * that nobody can use it for another; its nonce makes it count once.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { KeyType } from '../crypto/key-type.ts'
import { verifyIdentity, type Identity } from '../identity/identity-key.ts'
import { statement } from '../identity/statement.ts'
import { policyHash, sorted, type KeyPolicy } from './key-policy.ts'

/** Hex in lower case. */
export type Approval = Readonly<{
  approver: string
  /** 32 bytes. */
  nonce: string
  /** Unix seconds. */
  expiresAt: number
  signature: string
}>

/** The signature to be made. */
export type SigningSubject = Readonly<{
  keyId: string
  /** In the form of its type: 33 bytes (compressed) or 32. */
  publicKey: Uint8Array
  keyType: KeyType
  /** Empty: the key itself. */
  derivationPath: string
  /** With an Ed25519 key the message, else the hash of 32 bytes. */
  message: Uint8Array
  /** Who signs; their order does not matter. */
  participants: readonly string[]
}>

/** What an approval lives at most. */
export const maxApprovalSeconds = 86_400
export const maxApprovals = 40

const formatVersion = 1

/** What an approver signs. */
export function approvalStatement(
  subject: SigningSubject,
  policy: KeyPolicy,
  { approver, nonce, expiresAt }: Omit<Approval, 'signature'>,
): Uint8Array<ArrayBuffer> {
  const { keyId, publicKey, keyType, derivationPath, message, participants } = subject
  // A hash and a message of 32 bytes must not stand for one another.
  const kind = keyType === 'eddsa-ed25519' ? 'message' : 'hash'
  return statement('approval', [
    formatVersion,
    keyId,
    publicKey,
    keyType,
    derivationPath,
    kind,
    message,
    participants.length,
    ...sorted(participants),
    policyHash(policy),
    hexToBytes(approver),
    hexToBytes(nonce),
    expiresAt,
  ])
}

/** `nonce`: 32 fresh random bytes. `expiresAt`: unix seconds. */
export async function signApproval(
  identity: Identity,
  subject: SigningSubject,
  policy: KeyPolicy,
  { nonce, expiresAt }: Readonly<{ nonce: Uint8Array; expiresAt: number }>,
): Promise<Approval> {
  const approval = { approver: bytesToHex(identity.publicKey), nonce: bytesToHex(nonce), expiresAt }
  const signature = await identity.sign(approvalStatement(subject, policy, approval))
  return { ...approval, signature: bytesToHex(signature) }
}

/** Whether it has the form of an approval: nothing else may be verified. */
export function isWellFormed({ approver, nonce, expiresAt, signature }: Approval): boolean {
  const isHex = (text: string, bytes: number) => text.length === 2 * bytes && /^[0-9a-f]*$/.test(text)
  const hasTime = Number.isSafeInteger(expiresAt) && expiresAt > 0
  return hasTime && isHex(approver, 32) && isHex(nonce, 32) && isHex(signature, 64)
}

/** `approval` is well-formed. */
export function verifyApproval(approval: Approval, subject: SigningSubject, policy: KeyPolicy): Promise<boolean> {
  const { approver, signature } = approval
  return verifyIdentity(hexToBytes(approver), approvalStatement(subject, policy, approval), hexToBytes(signature))
}
