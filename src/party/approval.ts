/** Ready-made answers to the question whether a party takes part in a session. */
import { equalBytes } from '../crypto/bytes.ts'
import type { Approve, Decision, SignTerms } from './session/terms.ts'

export type ExpectedKeygen = Readonly<{
  thresholdT?: number
  thresholdN?: number
  /** Identity keys the others must have, by party id. Without them whoever creates the session chooses who is in it. */
  identities?: ReadonlyMap<string, Uint8Array>
}>

/** Takes part in making a key, of exactly this kind where one is given, and in nothing else. */
export function approveKeygen(expected: ExpectedKeygen = {}): Approve {
  return async (terms) => {
    const { thresholdT = terms.thresholdT, thresholdN = terms.thresholdN, identities } = expected
    if (terms.kind !== 'keygen') return unexpected('expected a key generation session')
    if (terms.thresholdT !== thresholdT || terms.thresholdN !== thresholdN) {
      return unexpected(`expected ${thresholdT} of ${thresholdN}, not ${terms.thresholdT} of ${terms.thresholdN}`)
    }
    const missing = [...(identities?.keys() ?? [])].filter((partyId) => !terms.partyIds.includes(partyId))
    if (missing.length > 0) return unexpected(`expected parties are missing: ${missing.join(', ')}`)
    return identities === undefined ? { kind: 'approve' } : { kind: 'approve', identities }
  }
}

export type ExpectedSigning = Readonly<{ /** 32 bytes. */ messageHash: Uint8Array; keyId?: string }>

/** Signs this one hash, with this key where one is given, and nothing else. */
export function approveSigning({ messageHash, keyId }: ExpectedSigning): Approve {
  return async (terms) => {
    if (terms.kind !== 'sign') return unexpected('expected a signing session')
    if (!equalBytes(terms.messageHash, messageHash)) {
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
  decide: async () => ({ allow: false, detail: 'this party is configured to sign nothing' }),
}

export const allowAllSigning: SigningPolicy = {
  decide: async () => ({ allow: true, detail: 'this party is configured to sign everything' }),
}

/** Makes every key, and signs what the policy allows. */
export function approveByPolicy(policy: SigningPolicy): Approve {
  return async (terms, signal) => {
    if (terms.kind === 'keygen') return { kind: 'approve' }
    const { allow, detail } = await policy.decide(terms, signal)
    return allow ? { kind: 'approve' } : { kind: 'decline', reason: 'declined', detail }
  }
}

function unexpected(detail: string): Decision {
  return { kind: 'decline', reason: 'terms_unexpected', detail }
}
