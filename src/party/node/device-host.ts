/** A device in a Node process: shares as encrypted files of one folder, cryptography in worker threads. */
import { identityFromSeed } from '../../identity/identity-key.ts'
import type { DeviceHost } from '../device-host.ts'
import type { ExecutionHost } from '../execution/execution-host.ts'
import type { WorkerPoolOptions } from '../execution/worker-pool.ts'
import { openPartyStore } from './party-store.ts'
import { createWorkerHost } from './worker-host.ts'

export type DeviceHostOptions = WorkerPoolOptions &
  Readonly<{
    deviceId: string
    /** Made if absent. One process at a time. */
    folder: string
    /** 32 secret bytes: the device's Ed25519 key. Lasts as long as the folder. */
    identitySeed: Uint8Array
    /** The 32-byte key-encryption key. Lasts as long as the folder, and is kept elsewhere. */
    kek: Uint8Array
    /** Where several devices share one. It stays open when the device is closed. */
    host?: ExecutionHost
  }>

/** @throws StorageError when the folder cannot be used or its records do not open under this key. */
export async function openDeviceHost(options: DeviceHostOptions): Promise<DeviceHost> {
  const { deviceId, folder, identitySeed, kek, host: shared } = options
  const identity = await identityFromSeed(identitySeed)
  const store = await openPartyStore(folder, kek, deviceId)
  const host = shared ?? createWorkerHost(options)
  return {
    identity,
    store,
    host,
    close: async () => {
      if (shared === undefined) await host.close()
    },
  }
}
