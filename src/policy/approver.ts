/** Making approvals, in a few arguments: what `mpc approve` and the client have in common. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { maxMessageLength } from '../crypto/key-type.ts'
import { canonicalPublicKey } from '../crypto/public-key.ts'
import { maxParties } from '../crypto/session-id.ts'
import type { Identity } from '../identity/identity-key.ts'
import { maxApprovalSeconds, signApproval, type Approval, type SigningSubject } from './approval.ts'
import { canonicalPolicy, standaloneFaults, type KeyPolicy } from './key-policy.ts'

export type ApprovalOrder = Omit<SigningSubject, 'publicKey' | 'derivationPath'> &
  Readonly<{
    /** As hex, in any of its forms. */
    publicKey: string
    /** Of the key, in whatever order it is written. */
    policy: KeyPolicy
    /** From now on: 1 to 86400. */
    expiresInSeconds: number
  }>

/** Of keys and of parties, as in `proto`. */
const idForm = /^[A-Za-z0-9_-]{1,64}$/

/** What a party would refuse, found before anything is signed. `field` by its name in `ApprovalOrder`. */
export class UnapprovableError extends Error {
  override readonly name = 'UnapprovableError'
  readonly field: string
  readonly problem: string

  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`)
    this.field = field
    this.problem = problem
  }
}

/** `nonce`: 32 fresh random bytes. @throws UnapprovableError */
export async function makeApproval(
  approver: Identity,
  order: ApprovalOrder,
  nonce: Uint8Array,
  nowMs: number,
): Promise<Approval> {
  const { keyId, keyType, message, participants, expiresInSeconds } = order
  const publicKey = canonicalPublicKey(order.publicKey, keyType)
  if (publicKey === undefined) throw new UnapprovableError('publicKey', `is not a public key of type ${keyType}`)
  if (!idForm.test(keyId)) throw new UnapprovableError('keyId', 'is not the id of a key')
  const isSignable = keyType === 'eddsa-ed25519' ? message.length >= 1 : message.length === 32
  if (!isSignable || message.length > maxMessageLength) {
    const problem = keyType === 'eddsa-ed25519' ? `must be 1 to ${maxMessageLength} bytes` : 'must be 32 bytes'
    throw new UnapprovableError('message', problem)
  }
  const areSigners = participants.length >= 2 && participants.length <= maxParties
  if (!areSigners || new Set(participants).size !== participants.length) {
    throw new UnapprovableError('participants', `must be 2 to ${maxParties} different parties`)
  }
  const stranger = participants.find((partyId) => !idForm.test(partyId))
  if (stranger !== undefined) throw new UnapprovableError('participants', `"${stranger}" is not the id of a party`)
  const policy = canonicalPolicy(order.policy)
  const [fault] = standaloneFaults(policy)
  if (fault !== undefined) throw new UnapprovableError(`policy.${fault.field}`, fault.problem)
  if (!policy.approvers.includes(bytesToHex(approver.publicKey))) {
    throw new UnapprovableError('policy.approvers', 'does not name this approver')
  }
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > maxApprovalSeconds) {
    throw new UnapprovableError('expiresInSeconds', `must be a whole number from 1 to ${maxApprovalSeconds}`)
  }
  const subject = { keyId, publicKey, keyType, derivationPath: '', message, participants }
  const expiresAt = Math.floor(nowMs / 1_000) + expiresInSeconds
  return signApproval(approver, subject, policy, { nonce, expiresAt })
}
