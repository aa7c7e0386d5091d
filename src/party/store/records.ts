/** A small durable key-value store: what the runtime needs of a disk, a browser's database or a key vault. */

export interface Records {
  /** Atomic; durable once resolved: after a crash the record is there whole, or the one before it is. */
  put(name: string, bytes: Uint8Array): Promise<void>
  /** Null where there is none. */
  get(name: string): Promise<Uint8Array | null>
  /** Sorted. */
  list(): Promise<readonly string[]>
  /** Durable once resolved. Nothing happens where there is none. */
  remove(name: string): Promise<void>
}

/** Names are ids of keys and sessions, and become file names. */
const nameForm = /^[A-Za-z0-9_-]{1,64}$/

export function isRecordName(name: string): boolean {
  return nameForm.test(name)
}

/** @throws StorageError */
export function requireRecordName(name: string): void {
  if (!isRecordName(name)) throw new StorageError('a record name may hold letters, digits, "_" and "-" only')
}

export class StorageError extends Error {
  override readonly name = 'StorageError'
}
