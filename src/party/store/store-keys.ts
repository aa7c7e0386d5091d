/**
 * The data keys of a party's two stores: its shares, and its guard, which remembers what must not be forgotten. Each
 * has a key file of its own, so either can be restored alone; the file of the shares names the guard that belongs to
 * them.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Rng } from '../../crypto/protocol.ts'
import { newKeyFile, readKeyFile, unwrapDataKey, writeKeyFile, type KeyFile, type StoreKind } from './data-key-file.ts'
import type { KeyEncryption } from './key-encryption.ts'
import { StorageError, type Records } from './records.ts'
import { isOfFormerVersion, openRecord, recordKey, type Purpose, type StoreKey } from './sealed-record.ts'

/** Where everything is. `formerLedgers`: beside the shares, where earlier releases kept them. */
export type StoreRecords = Readonly<{
  shareKeys: Records
  shares: Records
  sessions: Records
  formerLedgers: Records
  guardKeys: Records
  ledgers: Records
  approvals: Records
}>

export type StoreKeys = Readonly<{ shares: StoreKey; guard: StoreKey }>

/** There are shares, and the guard that belongs to them is not here. */
export class GuardMissing extends StorageError {}

const dataKeyLength = 32
const guardIdLength = 16

/**
 * Makes what is missing in a new store, and in one of an earlier release. Wipe the keys after use.
 * @throws StorageError when a key file does not open, GuardMissing, or what `encryption` throws.
 */
export async function openStoreKeys(
  records: StoreRecords,
  encryption: KeyEncryption,
  deviceId: string,
  rng: Rng,
): Promise<StoreKeys> {
  const files = await readKeyFiles(records, deviceId)
  if (files.shares === null) await requireFormer(records, encryption, deviceId, rng)
  else requireSameGuard(files.shares, files.guard)
  const guardFile = files.guard ?? (await createGuard(records, encryption, deviceId, rng))
  const shareFile = files.shares ?? (await createShares(records, guardFile.guardId, encryption, deviceId, rng))
  return unwrapBoth(shareFile, guardFile, encryption)
}

/** As above, but changes nothing: for whoever looks while the party runs. */
export async function readStoreKeys(
  records: StoreRecords,
  encryption: KeyEncryption,
  deviceId: string,
): Promise<StoreKeys> {
  const shares = await readKeyFile(records.shareKeys, 'shares', deviceId)
  if (shares === null) throw new StorageError('key file of the shares: is missing: no party of this release was here')
  const guard = await readKeyFile(records.guardKeys, 'guard', deviceId)
  requireSameGuard(shares, guard)
  return unwrapBoth(shares, guard, encryption)
}

/**
 * The shares go on with the guard that is there, or with a new one, whatever the earlier one remembered. `takeUp`
 * writes into that guard what it has to know: before the shares name it, so that a crash leaves a party that does not
 * start.
 * @throws StorageError, or what `encryption` and `takeUp` throw.
 */
export async function acceptGuard(
  records: StoreRecords,
  encryption: KeyEncryption,
  deviceId: string,
  rng: Rng,
  takeUp: (keys: StoreKeys) => Promise<void>,
): Promise<Readonly<{ guardId: string; guard: 'its own' | 'another' | 'new' }>> {
  const { shares, guard } = await readKeyFiles(records, deviceId)
  if (shares === null) throw new StorageError('key file of the shares: is missing: there is no guard to replace')
  const accepted = guard ?? (await createGuard(records, encryption, deviceId, rng))
  const { guardId } = accepted
  const keys = await unwrapBoth(shares, accepted, encryption)
  try {
    await takeUp(keys)
    if (guardId === shares.guardId) return { guardId, guard: 'its own' }
    const header = { store: 'shares', deviceId, guardId } as const
    await writeKeyFile(records.shareKeys, await newKeyFile(header, keys.shares.dataKey, encryption))
  } finally {
    wipeStoreKeys(keys)
  }
  return { guardId, guard: guard === null ? 'new' : 'another' }
}

export function wipeStoreKeys({ shares, guard }: StoreKeys): void {
  shares.dataKey.fill(0)
  guard.dataKey.fill(0)
}

async function readKeyFiles(
  { shareKeys, guardKeys, ledgers, approvals }: StoreRecords,
  deviceId: string,
): Promise<Readonly<Record<StoreKind, KeyFile | null>>> {
  const shares = await readKeyFile(shareKeys, 'shares', deviceId)
  const guard = await readKeyFile(guardKeys, 'guard', deviceId)
  const remembered = [...(await ledgers.list()), ...(await approvals.list())]
  if (guard === null && remembered.length > 0) {
    throw new StorageError('key file of the guard: is missing, though the guard has records: restore it')
  }
  return { shares, guard }
}

function requireSameGuard(shares: KeyFile, guard: KeyFile | null): asserts guard is KeyFile {
  if (guard?.guardId === shares.guardId) return
  const found = guard === null ? 'is empty' : `is the guard ${guard.guardId}`
  throw new GuardMissing(
    `${found}, but bans and freezes of these shares are in the guard ${shares.guardId}: restore or name that folder, ` +
      'or go on without what it remembers by "mpc party accept-guard"',
  )
}

async function unwrapBoth(shareFile: KeyFile, guardFile: KeyFile, encryption: KeyEncryption): Promise<StoreKeys> {
  const former = encryption.directKey()
  const shares = await unwrapDataKey(shareFile, encryption)
  try {
    const guard = await unwrapDataKey(guardFile, encryption)
    return { shares: { dataKey: shares, former }, guard: { dataKey: guard, former } }
  } catch (error) {
    shares.fill(0)
    throw error
  }
}

async function createGuard({ guardKeys }: StoreRecords, encryption: KeyEncryption, deviceId: string, rng: Rng) {
  return create(guardKeys, { store: 'guard', deviceId, guardId: bytesToHex(rng(guardIdLength)) }, encryption, rng)
}

/** After the guard: shares that name a guard which was never written would not open. */
async function createShares(
  { shareKeys }: StoreRecords,
  guardId: string,
  encryption: KeyEncryption,
  deviceId: string,
  rng: Rng,
) {
  return create(shareKeys, { store: 'shares', deviceId, guardId }, encryption, rng)
}

async function create(
  records: Records,
  header: Parameters<typeof newKeyFile>[0],
  encryption: KeyEncryption,
  rng: Rng,
): Promise<KeyFile> {
  const dataKey = rng(dataKeyLength)
  try {
    const file = await newKeyFile(header, dataKey, encryption)
    await writeKeyFile(records, file)
    return file
  } finally {
    dataKey.fill(0)
  }
}

/** Without a key file there may only be records of an earlier release, all of which open under the given key. */
async function requireFormer(records: StoreRecords, encryption: KeyEncryption, deviceId: string, rng: Rng) {
  const direct = encryption.directKey()
  const kinds: readonly (readonly [Purpose, Records])[] = [
    ['key-share', records.shares],
    ['session-journal', records.sessions],
    ['key-ledger', records.formerLedgers],
  ]
  for (const [purpose, kept] of kinds) {
    const key = recordKey({ dataKey: new Uint8Array(dataKeyLength), former: direct }, purpose, deviceId, rng)
    for (const name of await kept.list()) {
      const bytes = await kept.get(name)
      if (bytes === null) continue
      if (!isOfFormerVersion(bytes)) {
        const problem = `is missing, but ${purpose} ${name} was sealed under its key: restore it`
        throw new StorageError(`key file of the shares: ${problem}`)
      }
      openRecord(key, name, bytes).body.fill(0)
    }
  }
}
