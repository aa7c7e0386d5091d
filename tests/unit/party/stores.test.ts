import { chmod, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { secureRandom } from '../../../src/party/clock.ts'
import { openFileRecords } from '../../../src/party/node/file-records.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { recordKey, type Purpose } from '../../../src/party/store/sealed-record.ts'
import { createSessionJournal } from '../../../src/party/store/session-journal.ts'
import { createShareStore, type StoredKey } from '../../../src/party/store/share-store.ts'
import { kek, temporaryFolder } from './fixtures/parties.ts'

const key: StoredKey = {
  keyId: 'key-1',
  keyType: 'ecdsa-secp256k1',
  epoch: 0,
  partyId: 'server',
  partyIndex: 1,
  thresholdT: 2,
  thresholdN: 2,
  publicKey: new Uint8Array(33).fill(2),
  members: [
    { partyId: 'device', identityKey: new Uint8Array(32).fill(5) },
    { partyId: 'server', identityKey: new Uint8Array(32).fill(6) },
  ],
  erasedPeers: [],
  policy: null,
}
const share = new TextEncoder().encode('the secret share of this party')
const undecryptable = /cannot be decrypted/

const keyFor = (purpose: Purpose, dataKey = kek, deviceId = 'server_001') =>
  recordKey({ dataKey, former: null }, purpose, deviceId, secureRandom)

async function storeIn(folder: string, dataKey = kek, deviceId = 'server_001') {
  return createShareStore(await openFileRecords(folder, '.share'), keyFor('key-share', dataKey, deviceId))
}

test('a share comes back as it was stored, after a restart too, and never lies in clear on disk', async () => {
  const folder = await temporaryFolder()
  await (await storeIn(folder)).put({ key, share })
  const reopened = await storeIn(folder)
  expect(await reopened.get('key-1')).toEqual({ key, share })
  expect(await reopened.list({ after: '', limit: 10 })).toEqual([key])
  expect(await reopened.has('key-1')).toBe(true)
  expect(await reopened.get('key-2')).toBeNull()
  const path = join(folder, 'key-1.share')
  expect((await readFile(path)).includes(Buffer.from(share))).toBe(false)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('listing goes on after a key id and stops at its limit', async () => {
  const store = await storeIn(await temporaryFolder())
  for (const keyId of ['c', 'a', 'b']) await store.put({ key: { ...key, keyId }, share })
  expect((await store.list({ after: 'a', limit: 1 })).map(({ keyId }) => keyId)).toEqual(['b'])
  expect(await store.count()).toBe(3)
})

test('a wrong data key is an error that says so, not a wrong share', async () => {
  const folder = await temporaryFolder()
  await (await storeIn(folder)).put({ key, share })
  const wrong = await storeIn(folder, new Uint8Array(32).fill(1))
  await expect(wrong.get('key-1')).rejects.toThrow(/^key-share key-1: sealed under the data key [0-9a-f]{16}, not under/)
})

test('a flipped bit anywhere in the file is an error', async () => {
  const folder = await temporaryFolder()
  const store = await storeIn(folder)
  await store.put({ key, share })
  const path = join(folder, 'key-1.share')
  const original = await readFile(path)
  for (let i = 0; i < original.length; i++) {
    const damaged = Buffer.from(original)
    damaged[i] = (original[i] ?? 0) ^ 0x10
    await writeFile(path, damaged)
    await expect(store.get('key-1'), `byte ${i}`).rejects.toThrow(/key-share key-1: /)
  }
})

test('a file cut short at any length is an error', async () => {
  const folder = await temporaryFolder()
  const store = await storeIn(folder)
  await store.put({ key, share })
  const path = join(folder, 'key-1.share')
  const original = await readFile(path)
  for (let length = 0; length < original.length; length += 7) {
    await writeFile(path, original.subarray(0, length))
    await expect(store.get('key-1'), `${length} bytes`).rejects.toThrow(/key-share key-1: /)
  }
})

test('the file of one key, device or kind cannot stand in for another', async () => {
  const folder = await temporaryFolder()
  const store = await storeIn(folder)
  await store.put({ key, share })
  await expect((await storeIn(folder, kek, 'server_002')).get('key-1')).rejects.toThrow(undecryptable)
  await rename(join(folder, 'key-1.share'), join(folder, 'key-2.share'))
  await expect(store.get('key-2')).rejects.toThrow(undecryptable)
  await rename(join(folder, 'key-2.share'), join(folder, 'key-1.session'))
  const journal = createSessionJournal(await openFileRecords(folder, '.session'), keyFor('session-journal'))
  await expect(journal.unfinished()).rejects.toThrow(undecryptable)
})

test('a crash in the middle of a write leaves the old share, and its remains are removed', async () => {
  const folder = await temporaryFolder()
  await (await storeIn(folder)).put({ key, share })
  await writeFile(join(folder, 'key-1.share.0b6c.tmp'), 'half a sha')
  const store = await storeIn(folder)
  expect(await store.get('key-1')).toEqual({ key, share })
  expect(await store.list({ after: '', limit: 10 })).toHaveLength(1)
  expect(await readdir(folder)).toEqual(['key-1.share'])
})

test('a write replaces the whole record and leaves nothing else behind', async () => {
  const folder = await temporaryFolder()
  const store = await storeIn(folder)
  await store.put({ key, share })
  await store.put({ key: { ...key, erasedPeers: [0] }, share: Uint8Array.of(1) })
  expect(await store.get('key-1')).toEqual({ key: { ...key, erasedPeers: [0] }, share: Uint8Array.of(1) })
  expect(await readdir(folder)).toEqual(['key-1.share'])
})

test('ids that could leave the folder reach no file', async () => {
  const folder = await temporaryFolder()
  const store = await storeIn(join(folder, 'shares'))
  await writeFile(join(folder, 'outside.share'), 'x')
  expect(await store.get('../outside')).toBeNull()
  await expect(store.put({ key: { ...key, keyId: '../outside' }, share })).rejects.toThrow(/record name/)
})

test('a store does not open in a folder that cannot be used', async () => {
  const file = join(await temporaryFolder(), 'a-file')
  await writeFile(file, '')
  await chmod(file, 0o600)
  await expect(openPartyStore(file, kek, 'server_001')).rejects.toThrow(/cannot be used/)
  // Where nobody makes folders: Node's own recursive mkdir never answers there.
  await expect(openPartyStore('/proc/no/folder', kek, 'server_001')).rejects.toThrow(/cannot be used/)
})
