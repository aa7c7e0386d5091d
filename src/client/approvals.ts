/**
 * Policies of keys, and the approvals that they ask for. Whoever approves needs neither a share nor a service, only the
 * key that the policy names.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { defaultKeyType, type KeyType } from '../crypto/key-type.ts'
import { identityFromKey, identityFromSeed, type Identity } from '../identity/identity-key.ts'
import { secureRandom, systemClock } from '../party/clock.ts'
import type { Approval } from '../policy/approval.ts'
import { makeApproval, UnapprovableError } from '../policy/approver.ts'
import { canonicalPolicy, standaloneFaults, type KeyPolicy } from '../policy/key-policy.ts'
import { approvalMessage, policyMessage } from '../policy/wire.ts'
import { hashBytes } from './hex.ts'
import { invalidArgument } from './mpc-error.ts'
import type { ToSign } from './to-sign.ts'

/** What is left out is not limited. Times in unix seconds. */
export type PolicyOptions = Readonly<{
  /** Public keys of those who approve, as hex. */
  approvers: readonly string[]
  /** How many of them must approve each signature. */
  requiredApprovals: number
}> &
  Partial<KeyPolicy>

/** The signature that is approved. */
export type ApprovalRequest = Readonly<{
  /** What `keygen` and `keys` of a device give, or the same from elsewhere: as hex, in any form. */
  key: Readonly<{ keyId: string; publicKey: string; keyType?: KeyType }>
  /** Of the key. */
  policy: PolicyOptions
  /** Party ids of those who will sign. */
  participants: readonly string[]
  /** Until when a session may begin that it is for: 1 to 86400; 600 where absent. */
  expiresInSeconds?: number
}> &
  ToSign

export type Approver = Readonly<{
  /** Ed25519, as hex: what a policy names. */
  publicKey: string
  /** Good for one signature. Nothing is sent anywhere. @throws MpcError 'invalid_request' */
  approve: (request: ApprovalRequest) => Promise<Approval>
}>

const defaultExpirySeconds = 600

/** `seed`: 32 secret bytes. */
export async function approverFromSeed(seed: Uint8Array): Promise<Approver> {
  if (seed.length !== 32) throw invalidArgument('seed', 'must be 32 bytes')
  return approverOf(await identityFromSeed(seed))
}

/** An Ed25519 key pair of WebCrypto, whose private half need not be extractable. */
export async function approverFromKey({ privateKey, publicKey }: CryptoKeyPair): Promise<Approver> {
  const bytes = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  return approverOf(identityFromKey(privateKey, bytes))
}

export function approverOf(identity: Identity): Approver {
  return {
    publicKey: bytesToHex(identity.publicKey),
    approve: async ({ key, policy, participants, expiresInSeconds = defaultExpirySeconds, ...what }) => {
      const { keyId, publicKey, keyType = defaultKeyType } = key
      const order = { keyId, publicKey, keyType, message: bytesToSign(what, keyType), participants, expiresInSeconds }
      try {
        const approved = { ...order, policy: fullPolicy(policy) }
        return await makeApproval(identity, approved, secureRandom(32), systemClock.nowMs())
      } catch (error) {
        if (error instanceof UnapprovableError) throw invalidArgument(error.field, error.problem)
        throw error
      }
    },
  }
}

/** @throws MpcError naming the field. */
export function fullPolicy(options: PolicyOptions): KeyPolicy {
  const policy = { ...unlimited, ...options }
  const [fault] = standaloneFaults(policy)
  if (fault !== undefined) throw invalidArgument(`policy.${fault.field}`, fault.problem)
  return canonicalPolicy(policy)
}

const unlimited = {
  signerSets: [],
  notBefore: 0,
  notAfter: 0,
  maxSignatures: 0,
  rateSignatures: 0,
  rateWindowSeconds: 0,
} as const

export function policyBody(policy: PolicyOptions | undefined) {
  return policy === undefined ? {} : { policy: policyMessage(fullPolicy(policy)) }
}

export function approvalMessages(approvals: readonly Approval[] = []) {
  return approvals.map(approvalMessage)
}

function bytesToSign({ messageHash, message }: ToSign, keyType: KeyType): Uint8Array {
  if (keyType === 'eddsa-ed25519') {
    if (message === undefined) throw invalidArgument('message', `keys of type ${keyType} sign a message`)
    return message
  }
  if (messageHash === undefined) throw invalidArgument('messageHash', `keys of type ${keyType} sign a hash`)
  return hashBytes(messageHash)
}
