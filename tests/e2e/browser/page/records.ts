/** Records of a database of their own, and how they are written. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { openDeviceDatabase } from '../../../../src/party/browser/device-database.ts'
import { openIndexedDbRecords } from '../../../../src/party/browser/indexed-db-records.ts'
import type { Records } from '../../../../src/party/store/records.ts'

let records: Records | undefined
let closeDatabase = () => {}

const durabilities: string[] = []
const { transaction } = IDBDatabase.prototype
IDBDatabase.prototype.transaction = function (...parameters) {
  const made = transaction.apply(this, parameters)
  if (made.mode === 'readwrite') durabilities.push(made.durability)
  return made
}

export const recordCalls = {
  async openRecords(): Promise<void> {
    const database = await openDeviceDatabase('records')
    closeDatabase = () => database.close()
    records = openIndexedDbRecords(database, 'shares')
  },
  closeRecords: () => closeDatabase(),
  put: (name: string, hex: string) => opened().put(name, hexToBytes(hex)),
  async get(name: string): Promise<string | null> {
    const bytes = await opened().get(name)
    return bytes === null ? null : bytesToHex(bytes)
  },
  list: () => opened().list(),
  remove: (name: string) => opened().remove(name),

  /** How durable each transaction was that has written since the page was loaded. */
  durabilities: (): readonly string[] => durabilities,
}

function opened(): Records {
  if (records === undefined) throw new Error('no records are open')
  return records
}
