/** A device in a web page: keys and shares in IndexedDB, cryptography in Web Workers. */
import type { Rng } from '../../crypto/protocol.ts'
import { secureRandom } from '../clock.ts'
import type { DeviceHost } from '../device-host.ts'
import { StorageError } from '../store/records.ts'
import { openDeviceDatabase, type DeviceDatabase } from './device-database.ts'
import { openDeviceKeys, rewrapDeviceKeys } from './device-keys.ts'
import { openBrowserPartyStore } from './party-store.ts'
import { lockStore } from './store-lock.ts'
import type { Unlock } from './unlock.ts'
import { createWorkerHost, type WebWorkerHostOptions } from './worker-host.ts'

export type DeviceHostOptions = WebWorkerHostOptions &
  Readonly<{
    deviceId: string
    /** Of the database. One origin may have several devices. */
    name?: string
    /** The application's own secret, which opens a store that was made with it. Default: none. */
    unlock?: Unlock | null
    /** From now on the store opens with this instead. Copies made earlier still open with what they were made with. */
    nextUnlock?: Unlock | null
    /** How long to wait for another page to give the store up. */
    lockTimeoutMs?: number
    rng?: Rng
  }>

export type BrowserDeviceHost = DeviceHost &
  Readonly<{
    /**
     * False: the browser may delete the store when the disk is full or the site is not visited. Resolves when the
     * browser has decided, which may mean that it has asked the person.
     */
    persisted: Promise<boolean>
  }>

const defaultName = 'mpc-device'
const defaultLockTimeoutMs = 3_000

/**
 * Opens the device's store, or makes it with a new identity.
 * @throws StorageError when another page has it open, when the secret is not its own, when it cannot be read.
 */
export async function openDeviceHost(options: DeviceHostOptions): Promise<BrowserDeviceHost> {
  const { database, release } = await claimStore(options)
  try {
    const kept = await openKept(database, options)
    const host = createWorkerHost(options)
    return {
      ...kept,
      host,
      persisted: navigator.storage.persist().catch(() => false),
      close: async () => {
        await host.close()
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}

async function openKept(database: DeviceDatabase, options: DeviceHostOptions) {
  const { deviceId, unlock = null, nextUnlock, rng = secureRandom } = options
  const { identity, kek } = await openDeviceKeys(database, deviceId, unlock, rng)
  try {
    if (nextUnlock !== undefined) await rewrapDeviceKeys(database, kek, nextUnlock, rng)
    return { identity, store: await openBrowserPartyStore(database, kek, deviceId, rng) }
  } finally {
    kek.fill(0)
  }
}

/** The store for this page alone, until released. */
async function claimStore(
  options: DeviceHostOptions,
): Promise<Readonly<{ database: DeviceDatabase; release: () => void }>> {
  const { name = defaultName, lockTimeoutMs = defaultLockTimeoutMs } = options
  if (!isSecureContext) throw new StorageError('a page needs https (or localhost) to keep keys')
  const lock = await lockStore(name, lockTimeoutMs)
  try {
    const database = await openDeviceDatabase(name)
    // Whoever took the lock away may write now; we must not any more.
    void lock.lost.then(() => database.close())
    const release = () => {
      database.close()
      lock.release()
    }
    return { database, release }
  } catch (error) {
    lock.release()
    throw error
  }
}
