/** Ready-made answers to the question whether a party takes part in a session. */
import { equalBytes } from '../crypto/bytes.ts'
import { defaultKeyType, type KeyType } from '../crypto/key-type.ts'
import { canonicalPolicy, samePolicy, type KeyPolicy } from '../policy/key-policy.ts'
import type { Approve, Decision, SignTerms } from './session/terms.ts'

export type ExpectedKeygen = Readonly<{
  thresholdT?: number
  thresholdN?: number
  /** For ECDSA where absent. */
  keyType?: KeyType
  /** Identity keys the others must have, by party id. Without them whoever creates the session chooses who is in it. */
  identities?: ReadonlyMap<string, Uint8Array>
  /** The policy that the key must have; null: none. Without it whoever creates the session chooses. */
  policy?: KeyPolicy | null
}>

/** Takes part in making a key, of exactly this kind where one is given, and in nothing else. */
export function approveKeygen(expected: ExpectedKeygen = {}): Approve {
  return async (terms) => {
    const { thresholdT = terms.thresholdT, thresholdN = terms.thresholdN } = expected
    const { keyType = defaultKeyType, identities, policy } = expected
    if (terms.kind !== 'keygen') return unexpected('expected a key generation session')
    if (terms.thresholdT !== thresholdT || terms.thresholdN !== thresholdN) {
      return unexpected(`expected ${thresholdT} of ${thresholdN}, not ${terms.thresholdT} of ${terms.thresholdN}`)
    }
    if (terms.keyType !== keyType) return unexpected(`expected a key of type ${keyType}, not ${terms.keyType}`)
    if (policy !== undefined && !samePolicy(terms.policy, policy === null ? null : canonicalPolicy(policy))) {
      return unexpected(terms.policy === null ? 'expected a key with a policy' : 'expected a key with another policy')
    }
    const missing = [...(identities?.keys() ?? [])].filter((partyId) => !terms.partyIds.includes(partyId))
    if (missing.length > 0) return unexpected(`expected parties are missing: ${missing.join(', ')}`)
    return identities === undefined ? { kind: 'approve' } : { kind: 'approve', identities }
  }
}

/** A hash of 32 bytes, or with an Ed25519 key a message. */
export type ExpectedSigning = Readonly<{ messageHash: Uint8Array } | { message: Uint8Array }> &
  Readonly<{ keyId?: string }>

/** Signs this one hash or message, with this key where one is given, and nothing else. */
export function approveSigning(expected: ExpectedSigning): Approve {
  const { keyId } = expected
  return async (terms) => {
    if (terms.kind !== 'sign') return unexpected('expected a signing session')
    // A hash and a message of 32 bytes must not stand for one another.
    const signsMessage = terms.keyType === 'eddsa-ed25519'
    if ('message' in expected) {
      if (!signsMessage || !equalBytes(terms.message, expected.message)) {
        return { kind: 'decline', reason: 'message_mismatch', detail: 'the session is to sign something else' }
      }
    } else if (signsMessage || !equalBytes(terms.message, expected.messageHash)) {
      return { kind: 'decline', reason: 'message_hash_mismatch', detail: 'the session is to sign another hash' }
    }
    return keyId === undefined || keyId === terms.keyId ? { kind: 'approve' } : unexpected('expected another key')
  }
}

/** What an unattended party asks before it signs. */
export interface SigningPolicy {
  decide(terms: SignTerms, signal: AbortSignal): Promise<Readonly<{ allow: boolean; detail: string }>>
}

export const denyAllSigning: SigningPolicy = {
  decide: async () => ({ allow: false, detail: 'this party signs nothing with keys that have no policy' }),
}

export const allowAllSigning: SigningPolicy = {
  decide: async () => ({ allow: true, detail: 'this party signs everything with keys that have no policy' }),
}

/**
 * Makes every key. A key with a policy has been judged by it when this is asked; `withoutPolicy` is about the others.
 * `hook`, where there is one, has the last word on every signature.
 */
export function approveByPolicy(withoutPolicy: SigningPolicy, hook?: SigningPolicy): Approve {
  return async (terms, signal) => {
    if (terms.kind === 'keygen') return { kind: 'approve' }
    const asked = [...(terms.policy === null ? [withoutPolicy] : []), ...(hook === undefined ? [] : [hook])]
    for (const policy of asked) {
      const { allow, detail } = await policy.decide(terms, signal)
      if (!allow) return { kind: 'decline', reason: 'declined', detail }
    }
    return { kind: 'approve' }
  }
}

function unexpected(detail: string): Decision {
  return { kind: 'decline', reason: 'terms_unexpected', detail }
}
