/**
 * What a party holds against a key: peers banned for it, and aborts that nobody can be blamed for. Both survive
 * restarts. A ban counts from the moment it is pronounced, for every running session too; writing it comes right after,
 * and nobody is told before that is done. Only a new set of shares lifts one.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { decodeKeyShare, encodeKeyShare } from '../../crypto/key-share-codec.ts'
import { eraseOtState } from '../../crypto/key-share.ts'
import type { Rng } from '../../crypto/protocol.ts'
import type { Records } from './records.ts'
import { openRecord, recordKey, sealRecord, type RecordKey } from './sealed-record.ts'
import type { ShareStore } from './share-store.ts'

export type Ban = Readonly<{ keyId: string; partyId: string; reason: string; sessionId: string; bannedAtMs: number }>

type Ledger = Readonly<{
  bans: readonly Ban[]
  /** Sessions with this key that aborted without anyone to blame. */
  unattributedSessions: readonly string[]
}>

/** So many aborts that nobody can be blamed for, then the key is frozen: each may have been somebody's probe. */
export const maxUnattributedAborts = 3

const emptyLedger: Ledger = { bans: [], unattributedSessions: [] }

export class KeyGuard {
  readonly #records: Records
  readonly #key: RecordKey
  readonly #shares: ShareStore
  readonly #ledgers: Map<string, Ledger>
  /** The last write of each key: one at a time, in order. */
  readonly #writes = new Map<string, Promise<void>>()

  /** Reads everything: a party that cannot read its bans must not start. @throws StorageError */
  static async open(
    records: Records,
    shares: ShareStore,
    kek: Uint8Array,
    deviceId: string,
    rng: Rng,
  ): Promise<KeyGuard> {
    const key = recordKey(kek, 'key-ledger', deviceId, rng)
    const ledgers = new Map<string, Ledger>()
    for (const keyId of await records.list()) {
      const bytes = await records.get(keyId)
      if (bytes === null) continue
      const { body } = openRecord(key, keyId, bytes)
      ledgers.set(keyId, JSON.parse(new TextDecoder().decode(body)) as Ledger) // authenticated: written by `#store`
    }
    return new KeyGuard(records, shares, key, ledgers)
  }

  private constructor(records: Records, shares: ShareStore, key: RecordKey, ledgers: Map<string, Ledger>) {
    this.#records = records
    this.#shares = shares
    this.#key = key
    this.#ledgers = ledgers
  }

  /** In no particular order. */
  bans(): readonly Ban[] {
    return [...this.#ledgers.values()].flatMap(({ bans }) => bans)
  }

  isBanned(keyId: string, partyId: string): boolean {
    return this.#ledger(keyId).bans.some((ban) => ban.partyId === partyId)
  }

  isFrozen(keyId: string): boolean {
    return this.#ledger(keyId).unattributedSessions.length >= maxUnattributedAborts
  }

  /** Counts at once; resolves when ban and erasure of the pair's OT state are on disk. @throws StorageError */
  ban(ban: Ban): Promise<void> {
    const ledger = this.#ledger(ban.keyId)
    if (!this.isBanned(ban.keyId, ban.partyId)) this.#ledgers.set(ban.keyId, { ...ledger, bans: [...ledger.bans, ban] })
    return this.#inTurn(ban.keyId, async () => {
      await this.#store(ban.keyId)
      await this.#eraseOtState(ban.keyId, ban.partyId)
    })
  }

  /** Resolves when the count is on disk. A session counts once. @throws StorageError */
  countUnattributed(keyId: string, sessionId: string): Promise<void> {
    const ledger = this.#ledger(keyId)
    if (!ledger.unattributedSessions.includes(sessionId) && !this.isFrozen(keyId)) {
      this.#ledgers.set(keyId, { ...ledger, unattributedSessions: [...ledger.unattributedSessions, sessionId] })
    }
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

  async #store(keyId: string): Promise<void> {
    const body = utf8ToBytes(JSON.stringify(this.#ledger(keyId)))
    await this.#records.put(keyId, sealRecord(this.#key, keyId, {}, body))
  }

  async #eraseOtState(keyId: string, partyId: string): Promise<void> {
    const stored = await this.#shares.get(keyId)
    if (stored === null) return
    // FROST keeps no state between pairs.
    if (stored.key.keyType !== 'ecdsa-secp256k1') return void stored.share.fill(0)
    const peer = stored.key.members.findIndex((member) => member.partyId === partyId)
    if (peer < 0) return
    const share = encodeKeyShare(eraseOtState(decodeKeyShare(stored.share), peer))
    const erasedPeers = [...new Set([...stored.key.erasedPeers, peer])]
    await this.#shares.put({ key: { ...stored.key, erasedPeers }, share })
    stored.share.fill(0)
    share.fill(0)
  }
}
