/** Where a device keeps its secrets: a folder in Node, the browser's database in a page. */

/** The page's Worker type; nothing where there is none. */
type PageWorker = typeof globalThis extends { Worker: { prototype: infer W } } ? W : never

type DeviceName = Readonly<{
  deviceId: string
  /** "iOS", "recovery" … */
  deviceType: string
  /** Most threads that its protocols use. */
  workers?: number
}>

export type NodeDeviceOptions = DeviceName &
  Readonly<{
    /** Holds the shares, encrypted. Made if absent; for one process at a time. */
    folder: string
    /** 32 secret bytes: who the device is. Kept elsewhere, as long as the folder. */
    identitySeed: Uint8Array
    /** 32 secret bytes: encrypt the folder. Kept elsewhere, as long as the folder. */
    kek: Uint8Array
  }>

type Unlock = Readonly<{ passphrase: string }> | Readonly<{ secret: Uint8Array }>

export type BrowserDeviceOptions = DeviceName &
  Readonly<{
    /** Of the database; `mpc-device` where absent. */
    name?: string
    /** What a person remembers, or at least 32 bytes that a passkey computes (WebAuthn PRF). */
    unlock?: Unlock | null
    /** From now on the device opens with this instead; null: with nothing. */
    nextUnlock?: Unlock | null
    /** How long to wait for another page to give the device up. */
    lockTimeoutMs?: number
    /** For bundlers that do not understand `new Worker(new URL(…))`. */
    startWorker?: () => PageWorker
  }>

export type DeviceOptions = NodeDeviceOptions | BrowserDeviceOptions
