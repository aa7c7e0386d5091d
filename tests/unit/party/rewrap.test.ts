/** Key files: which key opens them, and how they come under another one. */
import { describe, expect, test } from 'vitest'
import { StorageError } from '../../../src/party/store/records.ts'
import { rewrapKeyFiles } from '../../../src/party/store/rewrap.ts'
import {
  copyOf,
  deviceId,
  emptyDisk,
  killedAtEveryWrite,
  localKey,
  openOn,
  recordsOn,
  type Disk,
} from './fixtures/memory-store.ts'
import { giveToyKey } from './fixtures/parties.ts'

const keyId = 'key-1'
const share = new TextEncoder().encode('the secret share of this party')
const [oldKey, newKey, thirdKey] = [localKey(1), localKey(2), localKey(3)]

async function storeWithKey(): Promise<Disk> {
  const disk = emptyDisk()
  const store = await openOn(disk, oldKey)
  const key = { keyType: 'eddsa-ed25519', publicKey: new Uint8Array(32) } as const
  await giveToyKey({ partyId: 'device', store }, ['device', 'server'], keyId, key, share.slice())
  return disk
}

function rewrap(disk: Disk, from = oldKey, to = newKey, writes?: number) {
  const { shareKeys, guardKeys } = recordsOn(disk, writes)
  return rewrapKeyFiles({ shares: shareKeys, guard: guardKeys }, deviceId, from, to)
}

async function opensWith(disk: Disk, key = oldKey): Promise<boolean> {
  try {
    const { shares } = await openOn(copyOf(disk), key)
    expect((await shares.get(keyId))?.share).toEqual(share)
    return true
  } catch (error) {
    if (error instanceof StorageError) return false
    throw error
  }
}

describe('a rotation of the key-encryption key', () => {
  test('leaves a store that opens with the new key only, and no record but the key files changed', async () => {
    const disk = await storeWithKey()
    const before = copyOf(disk)
    expect(await rewrap(disk)).toEqual(
      (['shares', 'guard'] as const).map((store) => {
        return { store, before: [`${oldKey.keyId} version 1`], after: `${newKey.keyId} version 1`, changed: true }
      }),
    )
    expect([await opensWith(disk, oldKey), await opensWith(disk, newKey)]).toEqual([false, true])
    expect({ ...disk, shareKeys: before.shareKeys, guardKeys: before.guardKeys }).toEqual(before)
  })

  test('killed at any write leaves a store that opens whole with one of the two, and can be done again', async () => {
    const disk = await storeWithKey()
    const seen = new Set<string>()
    await killedAtEveryWrite(async (writes) => {
      const killed = copyOf(disk)
      await rewrap(killed, oldKey, newKey, writes).catch(() => undefined)
      const opens = [await opensWith(killed, oldKey), await opensWith(killed, newKey)]
      expect(opens, `${writes} writes`).toContain(true)
      seen.add(String(opens))
      await rewrap(killed)
      expect([await opensWith(killed, oldKey), await opensWith(killed, newKey)]).toEqual([false, true])
      await rewrap(copyOf(disk), oldKey, newKey, writes)
    })
    expect([...seen]).toEqual(['true,false', 'true,true', 'false,true'])
  })

  test('does not disturb the party that runs on the store, which goes on under the same data key', async () => {
    const disk = await storeWithKey()
    const running = await openOn(disk, oldKey)
    await rewrap(disk)
    expect((await running.shares.get(keyId))?.share).toEqual(share)
    await running.guard.ban({ keyId, partyId: 'server', reason: 'x', sessionId: 's', bannedAtMs: 1 })
    const restarted = await openOn(disk, newKey)
    expect((await restarted.shares.get(keyId))?.share).toEqual(share)
    expect(restarted.guard.isBanned(keyId, 'server')).toBe(true)
  })

  test('to the key that is in use changes nothing', async () => {
    const disk = await storeWithKey()
    const before = copyOf(disk)
    expect(await rewrap(disk, oldKey, oldKey)).toMatchObject([{ changed: false }, { changed: false }])
    expect(disk).toEqual(before)
  })

  test('does nothing under a key that opens neither file, and keeps no key that does not give back what it wrapped', async () => {
    const disk = await storeWithKey()
    const before = copyOf(disk)
    await expect(rewrap(disk, thirdKey, newKey)).rejects.toThrow(
      `key file of the shares: encrypted under the key ${oldKey.keyId}, but the key given is ${thirdKey.keyId}`,
    )
    const forgetful = { ...newKey, unwrap: async () => new Uint8Array(32) }
    await expect(rewrap(disk, oldKey, forgetful)).rejects.toThrow('does not give back what it has wrapped')
    expect(disk).toEqual(before)
  })

  test('of a store of an earlier release is refused', async () => {
    await expect(rewrap(emptyDisk())).rejects.toThrow('key file of the shares: is missing')
  })
})

describe('a key file', () => {
  test('names the key it needs when another is given', async () => {
    await expect(openOn(await storeWithKey(), newKey)).rejects.toThrow(
      `key file of the shares: encrypted under the key ${oldKey.keyId}, but the key given is ${newKey.keyId}`,
    )
  })

  test.each(['shareKeys', 'guardKeys'] as const)('with a flipped bit anywhere opens nothing (%s)', async (kind) => {
    const disk = await storeWithKey()
    const original = disk[kind].get('store') ?? new Uint8Array(0)
    const named = kind === 'shareKeys' ? /^key file of the shares: |^is the guard/ : /^key file of the guard: |^is the guard/
    for (let i = 0; i < original.length; i++) {
      for (const bit of [1, 0x20]) {
        const damaged = original.slice()
        damaged[i] = (original[i] ?? 0) ^ bit
        disk[kind].set('store', damaged)
        await expect(openOn(disk, oldKey), `byte ${i}, bit ${bit}`).rejects.toThrow(named)
      }
    }
  })

  test('that is cut short at any length, empty, or the other file, opens nothing', async () => {
    const disk = await storeWithKey()
    const [own, other] = [disk.shareKeys.get('store'), disk.guardKeys.get('store')]
    if (own === undefined || other === undefined) throw new Error('no key files')
    for (let length = 0; length < own.length; length += 3) {
      disk.shareKeys.set('store', own.slice(0, length))
      await expect(openOn(disk, oldKey)).rejects.toThrow('key file of the shares: the file is damaged')
    }
    disk.shareKeys.set('store', other)
    await expect(openOn(disk, oldKey)).rejects.toThrow('key file of the shares: this is the key file of the guard')
    disk.shareKeys.delete('store')
    await expect(openOn(disk, oldKey)).rejects.toThrow(/^key file of the shares: is missing, but key-share key-1 was sealed/)
  })

  test('of another store opens none of these records', async () => {
    const [disk, other] = [await storeWithKey(), await storeWithKey()]
    for (const kind of ['shareKeys', 'guardKeys'] as const) disk[kind].set('store', other[kind].get('store') ?? new Uint8Array(0))
    await expect(openOn(disk, oldKey)).rejects.toThrow(/^key-share key-1: sealed under the data key [0-9a-f]{16}, not under/)
  })
})
