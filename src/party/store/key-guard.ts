/**
 * What a party holds against its keys: peers banned for them, and aborts that nobody can be blamed for. Both survive
 * restarts, and the restore of older shares or of an older guard as far as the other of the two knows better. A ban
 * counts from the moment it is pronounced, for every running session too; writing it comes right after, and nobody is
 * told before that is done. Only a new set of shares lifts one.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { decodeKeyShare, encodeKeyShare } from '../../crypto/key-share-codec.ts'
import { eraseOtState, wipeKeyShare } from '../../crypto/key-share.ts'
import {
  decodeLedger,
  emptyLedger,
  encodeLedger,
  isBanned,
  peersToErase,
  recovered,
  union,
  withBan,
  withUnattributed,
  type Ban,
  type Ledger,
  type Unattributed,
} from './ledger.ts'
import type { Records } from './records.ts'
import { openRecord, sealRecord, type RecordKey } from './sealed-record.ts'
import type { KeyFreeze, ShareStore, StoredKey } from './share-store.ts'

export type { Ban } from './ledger.ts'

export type FrozenKey = KeyFreeze & Readonly<{ keyId: string; /** All that counted. */ sessions: readonly string[] }>

/** Ledgers where they are kept, with what opens them. */
export type LedgerRecords = Readonly<{ records: Records; key: RecordKey }>

export class KeyGuard {
  readonly #kept: LedgerRecords
  readonly #shares: ShareStore
  readonly #ledgers: Map<string, Ledger>
  /** The last write of each key: one at a time, in order. */
  readonly #writes = new Map<string, Promise<void>>()

  /**
   * Reads everything: a party that cannot read its bans must not start. What shares and ledgers know of each other is
   * made true of both again. `former`: ledgers of an earlier release, which are moved. @throws StorageError
   */
  static async open(
    kept: LedgerRecords,
    shares: ShareStore,
    former: LedgerRecords | null,
    nowMs: number,
  ): Promise<KeyGuard> {
    const guard = new KeyGuard(kept, shares, await readLedgers(kept))
    if (former !== null) await guard.#adopt(former)
    for (const keyId of await shares.keyIds()) {
      const key = await shares.bringUpToDate(keyId)
      if (key !== null) await guard.#reconcile(key, nowMs)
    }
    return guard
  }

  private constructor(kept: LedgerRecords, shares: ShareStore, ledgers: Map<string, Ledger>) {
    this.#kept = kept
    this.#shares = shares
    this.#ledgers = ledgers
  }

  /** In no particular order. */
  bans(): readonly Ban[] {
    return [...this.#ledgers.values()].flatMap(({ bans }) => bans)
  }

  /** In no particular order. */
  frozenKeys(): readonly FrozenKey[] {
    return [...this.#ledgers].flatMap(([keyId, ledger]) => frozenKey(keyId, ledger) ?? [])
  }

  isBanned(keyId: string, partyId: string): boolean {
    return isBanned(this.#ledger(keyId), partyId)
  }

  isFrozen(keyId: string): boolean {
    return this.#ledger(keyId).frozen !== null
  }

  /** Counts at once; resolves when ban and erasure of the pair's OT state are on disk. @throws StorageError */
  ban(ban: Ban): Promise<void> {
    this.#ledgers.set(ban.keyId, withBan(this.#ledger(ban.keyId), ban))
    return this.#inTurn(ban.keyId, () => this.#store(ban.keyId))
  }

  /** Resolves when the count is on disk. A session counts once. @throws StorageError */
  countUnattributed(keyId: string, abort: Unattributed): Promise<void> {
    this.#ledgers.set(keyId, withUnattributed(this.#ledger(keyId), abort))
    return this.#inTurn(keyId, () => this.#store(keyId))
  }

  /** Resolves when nothing said about this key is waiting to be written. @throws StorageError */
  settled(keyId: string): Promise<void> {
    return this.#writes.get(keyId) ?? Promise.resolve()
  }

  #ledger(keyId: string): Ledger {
    return this.#ledgers.get(keyId) ?? emptyLedger
  }

  #inTurn(keyId: string, write: () => Promise<void>): Promise<void> {
    const before = this.#writes.get(keyId) ?? Promise.resolve()
    const turn = before.then(write, write) // a failed write is its own caller's matter; this one tries again
    this.#writes.set(keyId, turn)
    turn.catch(() => undefined)
    return turn
  }

  /** The ledger first: whatever stops us before the share has changed, the next start changes it. */
  async #store(keyId: string): Promise<void> {
    await this.#write(keyId)
    const stored = await this.#shares.get(keyId)
    stored?.share.fill(0)
    if (stored !== null) await this.#markShare(stored.key)
  }

  async #write(keyId: string): Promise<void> {
    const { records, key } = this.#kept
    await records.put(keyId, sealRecord(key, keyId, {}, utf8ToBytes(encodeLedger(this.#ledger(keyId)))))
  }

  /** A ledger is removed from its old place only when it is in the new one. */
  async #adopt(former: LedgerRecords): Promise<void> {
    for (const [keyId, ledger] of await readLedgers(former)) {
      this.#ledgers.set(keyId, union(this.#ledger(keyId), ledger))
      await this.#write(keyId)
      await former.records.remove(keyId)
    }
  }

  async #reconcile(key: StoredKey, nowMs: number): Promise<void> {
    const before = this.#ledger(key.keyId)
    const after = recovered(before, key, nowMs)
    if (after !== before) {
      this.#ledgers.set(key.keyId, after)
      await this.#write(key.keyId)
    }
    await this.#markShare(key)
  }

  /** What the ledger says is also true of the share: OT state erased, frozen. */
  async #markShare(key: StoredKey): Promise<void> {
    const ledger = this.#ledger(key.keyId)
    const peers = peersToErase(ledger, key)
    const freezes = ledger.frozen !== null && key.frozen === undefined
    if (peers.length === 0 && !freezes) return
    const stored = await this.#shares.get(key.keyId)
    if (stored === null) return
    const share = withoutOtState(stored.share, peers)
    try {
      const erasedPeers = [...stored.key.erasedPeers, ...peers]
      const frozen = ledger.frozen === null ? {} : { frozen: ledger.frozen }
      await this.#shares.put({ key: { ...stored.key, erasedPeers, ...frozen }, share })
    } finally {
      stored.share.fill(0)
      share.fill(0)
    }
  }
}

/** Everything that either ledgers or shares know, without writing anything. @throws StorageError */
export async function readGuard(
  kept: LedgerRecords,
  shares: ShareStore,
  nowMs: number,
): Promise<Readonly<{ bans: readonly Ban[]; frozenKeys: readonly FrozenKey[] }>> {
  const ledgers = await readLedgers(kept)
  for (const keyId of await shares.keyIds()) {
    const stored = await shares.get(keyId)
    stored?.share.fill(0)
    if (stored !== null) ledgers.set(keyId, recovered(ledgers.get(keyId) ?? emptyLedger, stored.key, nowMs))
  }
  const bans = [...ledgers.values()].flatMap((ledger) => ledger.bans)
  return { bans, frozenKeys: [...ledgers].flatMap(([keyId, ledger]) => frozenKey(keyId, ledger) ?? []) }
}

async function readLedgers({ records, key }: LedgerRecords): Promise<Map<string, Ledger>> {
  const ledgers = new Map<string, Ledger>()
  for (const keyId of await records.list()) {
    const bytes = await records.get(keyId)
    if (bytes === null) continue
    ledgers.set(keyId, decodeLedger(new TextDecoder().decode(openRecord(key, keyId, bytes).body)))
  }
  return ledgers
}

function frozenKey(keyId: string, { frozen, unattributed }: Ledger): FrozenKey | null {
  return frozen === null ? null : { keyId, ...frozen, sessions: unattributed.map(({ sessionId }) => sessionId) }
}

function withoutOtState(encoded: Uint8Array, peers: readonly number[]): Uint8Array {
  if (peers.length === 0) return Uint8Array.from(encoded)
  const share = decodeKeyShare(encoded)
  try {
    return encodeKeyShare(peers.reduce(eraseOtState, share))
  } finally {
    wipeKeyShare(share)
  }
}
