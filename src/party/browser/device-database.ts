/** The IndexedDB database of one device. Whatever goes wrong with it is a StorageError. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { StorageError } from '../store/records.ts'
import type { DeviceKeys } from './device-keys.ts'

type SealedRecords = { key: string; value: Uint8Array }

interface DeviceSchema extends DBSchema {
  /** One entry. */
  keys: { key: 'device'; value: DeviceKeys }
  shares: SealedRecords
  ledgers: SealedRecords
  approvals: SealedRecords
  sessions: SealedRecords
}

export type DeviceDatabase = IDBPDatabase<DeviceSchema>
export type RecordStoreName = 'shares' | 'ledgers' | 'approvals' | 'sessions'
export const recordStoreNames: readonly RecordStoreName[] = ['shares', 'ledgers', 'approvals', 'sessions']

/** 2: with `approvals`. */
const version = 2

/**
 * Resolved writes are on the disk, not only in the browser's hands, and happen whole or not at all.
 * https://w3c.github.io/IndexedDB/#transaction-durability-hint
 */
export const durably = { durability: 'strict' } as const

/** @throws StorageError */
export function openDeviceDatabase(name: string): Promise<DeviceDatabase> {
  return storageAttempt(`the database ${name} cannot be opened`, async () => {
    const database = await openDB<DeviceSchema>(name, version, {
      upgrade: (database) => {
        for (const store of ['keys', ...recordStoreNames] as const) {
          if (!database.objectStoreNames.contains(store)) database.createObjectStore(store)
        }
      },
      // Somebody deletes the database, or a later version of the page wants to change it: we do not stand in the way.
      blocking: () => database.close(),
    })
    return database
  })
}

export async function storageAttempt<T>(problem: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // A DOMException's name says what happened: QuotaExceededError, InvalidStateError (it is closed) …
    const name = error instanceof Error ? ` (${error.name})` : ''
    throw new StorageError(`${problem}${name}`, { cause: error })
  }
}
