/**
 * Key shares at rest. What must be known of a key without its secrets is the record's header; the share itself is the
 * encrypted body. Key id and type, device, party, epoch and everything else of the header are authenticated with it.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { defaultKeyType, isKeyType, type KeyType } from '../../crypto/key-type.ts'
import type { KeyPolicy } from '../../policy/key-policy.ts'
import { isRecordName, StorageError, type Records } from './records.ts'
import { openRecord, sealRecord, type RecordKey } from './sealed-record.ts'

export type KeyMember = Readonly<{ partyId: string; /** Ed25519, 32 bytes. */ identityKey: Uint8Array }>

/** Too many aborts that nobody can be blamed for; the last of them. */
export type KeyFreeze = Readonly<{ reason: string; sessionId: string; frozenAtMs: number }>

/** The public side of a stored share. */
export type StoredKey = Readonly<{
  keyId: string
  keyType: KeyType
  epoch: number
  /** Under which id this device takes part, and its number in the key. */
  partyId: string
  partyIndex: number
  thresholdT: number
  thresholdN: number
  /** In the form of its type: 33 bytes (compressed) or 32. */
  publicKey: Uint8Array
  /** Everyone, in the order of their numbers: the identities this key was made with. */
  members: readonly KeyMember[]
  /** Numbers of the peers whose OT state was erased: no signing with them. */
  erasedPeers: readonly number[]
  /** What its owners allow to be signed with it, as fixed when it was made; null for a key without a policy. */
  policy: KeyPolicy | null
  /** Absent: not frozen. Here too, lest an older guard brings a frozen key back. */
  frozen?: KeyFreeze
}>

export type StoredShare = Readonly<{
  key: StoredKey
  /** From `encodeKeyShare` or, by key type, `encodeFrostKeyShare`. Secret: wipe it after use. */
  share: Uint8Array
}>

export interface ShareStore {
  /** Durable once resolved. Replaces the share of the same key. @throws StorageError */
  put(stored: StoredShare): Promise<void>
  /** Null where there is none. @throws StorageError when it cannot be decrypted: never a wrong share. */
  get(keyId: string): Promise<StoredShare | null>
  /** As `get`, the public side only; a record of an earlier release is sealed again as this one does. */
  bringUpToDate(keyId: string): Promise<StoredKey | null>
  keyIds(): Promise<readonly string[]>
  /** The next keys after `after` in the order of key ids. @throws StorageError */
  list(page: Readonly<{ after: string; limit: number }>): Promise<readonly StoredKey[]>
  count(): Promise<number>
  has(keyId: string): Promise<boolean>
}

/** `key`: for shares. They are kept for one device and open for no other. */
export function createShareStore(records: Records, key: RecordKey): ShareStore {
  const open = async (keyId: string): Promise<(StoredShare & Readonly<{ outdated: boolean }>) | null> => {
    const bytes = isRecordName(keyId) ? await records.get(keyId) : null
    if (bytes === null) return null
    const { header, body, outdated } = openRecord(key, keyId, bytes)
    return { key: keyOf(header), share: body, outdated }
  }
  const put = ({ key: stored, share }: StoredShare): Promise<void> =>
    records.put(stored.keyId, sealRecord(key, stored.keyId, headerOf(stored), share))

  return {
    put,
    get: async (keyId) => {
      const opened = await open(keyId)
      return opened === null ? null : { key: opened.key, share: opened.share }
    },
    bringUpToDate: async (keyId) => {
      const opened = await open(keyId)
      if (opened === null) return null
      try {
        if (opened.outdated) await put(opened)
      } finally {
        opened.share.fill(0)
      }
      return opened.key
    },
    keyIds: () => records.list(),
    count: async () => (await records.list()).length,
    list: async ({ after, limit }) => {
      const keys: StoredKey[] = []
      const page = (await records.list()).filter((keyId) => keyId > after).slice(0, limit)
      for (const keyId of page) {
        const stored = await open(keyId)
        stored?.share.fill(0)
        if (stored !== null) keys.push(stored.key)
      }
      return keys
    },
    has: async (keyId) => isRecordName(keyId) && (await records.get(keyId)) !== null,
  }
}

type Header = Omit<StoredKey, 'publicKey' | 'members' | 'policy'> &
  Readonly<{
    publicKey: string
    members: readonly Readonly<{ partyId: string; identityKey: string }>[]
    /** Absent in shares from before there were policies. */
    policy?: KeyPolicy | null
  }>

function headerOf(key: StoredKey): Header {
  const members = key.members.map(({ partyId, identityKey }) => ({ partyId, identityKey: bytesToHex(identityKey) }))
  return { ...key, publicKey: bytesToHex(key.publicKey), members }
}

function keyOf(header: unknown): StoredKey {
  // Authenticated: written by `headerOf`, of this version or the one before, which knew ECDSA only and named its curve.
  const { curve, ...read } = header as Header & Readonly<{ curve?: string }>
  const keyType = curve === 'secp256k1' ? defaultKeyType : read.keyType
  if (!isKeyType(keyType)) throw new StorageError(`key-share ${read.keyId}: unknown key type`)
  const members = read.members.map(({ partyId, identityKey }) => ({ partyId, identityKey: hexToBytes(identityKey) }))
  return { ...read, keyType, publicKey: hexToBytes(read.publicKey), members, policy: read.policy ?? null }
}
