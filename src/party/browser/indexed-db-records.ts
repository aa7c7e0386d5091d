/** Records in one object store of the device's database. */
import { requireRecordName, type Records } from '../store/records.ts'
import { durably, storageAttempt, type DeviceDatabase, type RecordStoreName } from './device-database.ts'

export function openIndexedDbRecords(database: DeviceDatabase, store: RecordStoreName): Records {
  const attempt = <T>(problem: string, name: string, work: () => Promise<T>): Promise<T> => {
    requireRecordName(name)
    return storageAttempt(`${store} ${name} ${problem}`, work)
  }
  return {
    put: (name, bytes) =>
      attempt('cannot be written', name, async () => {
        const { store: records, done } = database.transaction(store, 'readwrite', durably)
        await Promise.all([records.put(bytes, name), done])
      }),
    get: (name) => attempt('cannot be read', name, async () => (await database.get(store, name)) ?? null),
    // IndexedDB orders strings as JavaScript does: by UTF-16 code units.
    list: () => storageAttempt(`${store} cannot be read`, () => database.getAllKeys(store)),
    remove: (name) =>
      attempt('cannot be removed', name, async () => {
        const { store: records, done } = database.transaction(store, 'readwrite', durably)
        await Promise.all([records.delete(name), done])
      }),
  }
}
