/** What a party holds against one key: as it is kept, and what shares and guard know of each other. Pure. */
import type { KeyFreeze, StoredKey } from './share-store.ts'

export type Ban = Readonly<{ keyId: string; partyId: string; reason: string; sessionId: string; bannedAtMs: number }>

/** A session with the key that aborted without anyone to blame. */
export type Unattributed = Readonly<{ sessionId: string; reason: string; atMs: number }>

export type Ledger = Readonly<{
  bans: readonly Ban[]
  unattributed: readonly Unattributed[]
  /** Null: the party signs with the key. */
  frozen: KeyFreeze | null
}>

/** So many aborts that nobody can be blamed for, then the key is frozen: each may have been somebody's probe. */
export const maxUnattributedAborts = 3

export const emptyLedger: Ledger = { bans: [], unattributed: [], frozen: null }

/** Of a ban that only the share knows of, because an older guard was restored. */
export const recoveredReason = 'recovered_from_share'

export function withBan(ledger: Ledger, ban: Ban): Ledger {
  if (isBanned(ledger, ban.partyId)) return ledger
  return { ...ledger, bans: [...ledger.bans, ban] }
}

/** A session counts once. */
export function withUnattributed(ledger: Ledger, abort: Unattributed): Ledger {
  const { unattributed, frozen } = ledger
  if (frozen !== null || unattributed.some(({ sessionId }) => sessionId === abort.sessionId)) return ledger
  const counted = [...unattributed, abort]
  const { reason, sessionId, atMs: frozenAtMs } = abort
  const reached = counted.length >= maxUnattributedAborts
  return { ...ledger, unattributed: counted, frozen: reached ? { reason, sessionId, frozenAtMs } : null }
}

export function isBanned({ bans }: Ledger, partyId: string): boolean {
  return bans.some((ban) => ban.partyId === partyId)
}

/** All that either knows. */
export function union(one: Ledger, other: Ledger): Ledger {
  const bans = other.bans.reduce(withBan, one).bans
  const unattributed = other.unattributed.reduce(withUnattributed, one)
  return { bans, unattributed: unattributed.unattributed, frozen: unattributed.frozen ?? other.frozen }
}

/**
 * A ledger that an older backup brought back learns again what the share knows. The same object where that is nothing.
 */
export function recovered(ledger: Ledger, key: StoredKey, nowMs: number): Ledger {
  const bans = key.erasedPeers.flatMap((peer) => key.members[peer]?.partyId ?? []).map((partyId) => {
    return { keyId: key.keyId, partyId, reason: recoveredReason, sessionId: '', bannedAtMs: nowMs }
  })
  const known = bans.reduce(withBan, ledger)
  return known.frozen === null && key.frozen !== undefined ? { ...known, frozen: key.frozen } : known
}

/** Numbers of banned peers whose state for this pair is still there, as an older backup of the share brings it back. */
export function peersToErase(ledger: Ledger, key: StoredKey): readonly number[] {
  // FROST keeps no state between pairs.
  if (key.keyType !== 'ecdsa-secp256k1') return []
  return key.members.flatMap(({ partyId }, peer) => {
    return peer !== key.partyIndex && isBanned(ledger, partyId) && !key.erasedPeers.includes(peer) ? [peer] : []
  })
}

type Kept = Readonly<{
  bans: readonly Ban[]
  unattributed?: readonly Unattributed[]
  frozen?: KeyFreeze | null
  /** Of earlier releases, which neither kept reasons nor times. */
  unattributedSessions?: readonly string[]
}>

export function encodeLedger(ledger: Ledger): string {
  return JSON.stringify(ledger)
}

/** `text`: written by `encodeLedger`, of this release or an earlier one. */
export function decodeLedger(text: string): Ledger {
  const { bans, unattributed, frozen = null, unattributedSessions = [] } = JSON.parse(text) as Kept // authenticated
  if (unattributed !== undefined) return { bans, unattributed, frozen }
  const former = unattributedSessions.map((sessionId) => ({ sessionId, reason: 'unknown', atMs: 0 }))
  return former.reduce(withUnattributed, { ...emptyLedger, bans })
}
