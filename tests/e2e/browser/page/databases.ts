/** The origin's databases as any of its scripts has them, without the code that wrote them. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { deleteDB, openDB } from 'idb'

export type Dump = Readonly<{
  /** Entries by object store. */
  counts: Readonly<Record<string, number>>
  texts: readonly string[]
  /** Hex. */
  binaries: readonly string[]
  keys: readonly Readonly<{ algorithm: string; type: string; extractable: boolean; exports: readonly string[] }>[]
}>

const exportFormats = ['raw', 'pkcs8', 'jwk'] as const

/** Everything in it that can be read. */
export async function dumpDatabase(name: string): Promise<Dump> {
  const database = await openDB(name)
  const counts: Record<string, number> = {}
  const found: unknown[] = []
  for (const store of database.objectStoreNames) {
    const [names, values] = [await database.getAllKeys(store), await database.getAll(store)]
    counts[store] = values.length
    found.push(...[...names, ...values].flatMap(leaves))
  }
  database.close()
  return {
    counts,
    texts: found.filter((leaf) => !(leaf instanceof CryptoKey || leaf instanceof Uint8Array)).map(String),
    binaries: found.filter((leaf) => leaf instanceof Uint8Array).map(bytesToHex),
    keys: await Promise.all(found.filter((leaf) => leaf instanceof CryptoKey).map(describe)),
  }
}

function leaves(value: unknown): readonly unknown[] {
  if (value instanceof CryptoKey || value instanceof Uint8Array) return [value]
  if (value instanceof ArrayBuffer) return [new Uint8Array(value)]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value]
}

/** `exports`: the formats in which the key gives itself away. */
async function describe(key: CryptoKey) {
  const exports: string[] = []
  for (const format of exportFormats) {
    await crypto.subtle.exportKey(format, key).then(
      () => exports.push(format),
      () => undefined,
    )
  }
  return { algorithm: key.algorithm.name, type: key.type, extractable: key.extractable, exports }
}

/** Resolves once it is gone: nobody has it open any more. */
export function deleteDatabase(name: string): Promise<void> {
  return deleteDB(name)
}

/** As if the entry of the keys alone had been deleted: the store holds a share and nothing to open it with. */
export async function loseKeys(name: string): Promise<void> {
  const database = await openDB(name)
  await database.clear('keys')
  await database.put('shares', new Uint8Array(1), 'some-key')
  database.close()
}

/** A database as the first release made it, with one record. */
export async function makeFormerDatabase(name: string): Promise<void> {
  const database = await openDB(name, 1, {
    upgrade: (fresh) => {
      for (const store of ['keys', 'shares', 'ledgers', 'sessions']) fresh.createObjectStore(store)
    },
  })
  await database.put('shares', Uint8Array.of(1), 'a')
  database.close()
}
