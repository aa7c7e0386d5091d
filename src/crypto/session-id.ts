/**
 * What one protocol run is bound to. Every party computes it from what it knows itself; it enters every hash of the
 * run. Each party contributed a fresh nonce to the roster, so the value never repeats as long as one party is honest,
 * whatever the coordinator does: a repeated value would repeat OT pad streams and so reveal choice bits.
 */
import { uint64 } from './bytes.ts'
import { H, hashLength } from './hash.ts'
import { canSign, isKeyType, type KeyType } from './key-type.ts'
import { tag } from './tags.ts'

export const maxParties = 20
const maxTextLength = 256

export type RosterEntry = Readonly<{
  /** Number of the party, 0-based. */
  index: number
  partyId: string
  /** Ed25519 public key, 32 bytes. */
  identityKey: Uint8Array
  /** X25519 public key, 32 bytes, fresh for this session. */
  ephemeralKey: Uint8Array
  /** 32 fresh random bytes contributed at join. */
  nonce: Uint8Array
}>

export type SessionIdInput = Readonly<{
  purpose: 'keygen' | 'sign'
  keyType: KeyType
  sessionId: string
  keyId: string
  epoch: number
  derivationPath: string
  /** What is signed: a hash of 32 bytes, or with Ed25519 the message itself. Empty for key generation. */
  message: Uint8Array
  /** t: how many signers suffice. */
  threshold: number
  /** n of the key. */
  parties: number
  /** Everyone taking part, in the session's order. */
  roster: readonly RosterEntry[]
  /** 32 bytes: the hash of the key's policy. Empty for a key without one. */
  policyHash: Uint8Array
}>

/** 32 bytes. @throws RangeError naming the field that is out of bounds. */
export function sessionId(input: SessionIdInput): Uint8Array {
  check(input.purpose === 'keygen' || input.purpose === 'sign', 'purpose')
  check(isKeyType(input.keyType), 'keyType')
  checkText(input.sessionId, 'sessionId')
  checkText(input.keyId, 'keyId')
  checkText(input.derivationPath, 'derivationPath', 0)
  const { keyType, message } = input
  check(input.purpose === 'sign' ? canSign(keyType, message) : message.length === 0, 'message')
  check(Number.isInteger(input.parties) && input.parties >= 2 && input.parties <= maxParties, 'parties')
  check(Number.isInteger(input.threshold) && input.threshold >= 2 && input.threshold <= input.parties, 'threshold')
  const least = input.purpose === 'keygen' ? input.parties : input.threshold
  check(input.roster.length >= least && input.roster.length <= input.parties, 'roster')
  const { policyHash } = input
  check(policyHash.length === 0 || policyHash.length === hashLength, 'policyHash')
  return H(
    tag.sessionId,
    input.purpose,
    keyType,
    input.sessionId,
    input.keyId,
    uint64(input.epoch),
    input.derivationPath,
    message,
    input.threshold,
    input.parties,
    rosterHash(input.roster),
    // Items are framed, so a list with one more is never another list without; keys from before there were policies
    // keep their session ids.
    ...(policyHash.length === 0 ? [] : [policyHash]),
  )
}

/** 32 bytes over every entry, in the given order. @throws RangeError naming the field that is out of bounds. */
export function rosterHash(roster: readonly RosterEntry[]): Uint8Array {
  check(roster.length >= 1 && roster.length <= maxParties, 'roster')
  check(new Set(roster.map((entry) => entry.index)).size === roster.length, 'roster.index')
  check(new Set(roster.map((entry) => entry.partyId)).size === roster.length, 'roster.partyId')
  const items = roster.flatMap((entry) => {
    check(Number.isInteger(entry.index) && entry.index >= 0 && entry.index < maxParties, 'roster.index')
    checkText(entry.partyId, 'roster.partyId')
    check(entry.identityKey.length === 32, 'roster.identityKey')
    check(entry.ephemeralKey.length === 32, 'roster.ephemeralKey')
    check(entry.nonce.length === hashLength, 'roster.nonce')
    return [entry.index, entry.partyId, entry.identityKey, entry.ephemeralKey, entry.nonce]
  })
  return H(tag.roster, roster.length, ...items)
}

function checkText(text: string, field: string, least = 1): void {
  check(text.length >= least && text.length <= maxTextLength, field)
  check(text.isWellFormed(), field) // UTF-8 turns every lone surrogate into the same character
}

function check(condition: boolean, field: string): void {
  if (!condition) throw new RangeError(`session id input: ${field} is out of bounds`)
}
