/** Stores that earlier releases left behind. */
import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import type { PartyStore } from '../../../src/party/party-parts.ts'
import {
  copyOf,
  deviceId,
  emptyDisk,
  Killed,
  killedAtEveryWrite,
  localKey,
  openOn,
  type Disk,
} from './fixtures/memory-store.ts'
import { kek, temporaryFolder } from './fixtures/parties.ts'

const formerFolder = new URL('../../vectors/stores/v1', import.meta.url)
const kekFill = 0x4b
const keyIds = ['key-1', 'key-2', 'key-3']

async function formerDisk(): Promise<Disk> {
  const disk = emptyDisk()
  const kinds = { share: disk.shares, ledger: disk.formerLedgers, session: disk.sessions }
  for (const file of await readdir(formerFolder)) {
    const [name = '', ending = ''] = file.split('.')
    // Only these three endings are there.
    kinds[ending as keyof typeof kinds].set(name, new Uint8Array(await readFile(new URL(`v1/${file}`, formerFolder))))
  }
  return disk
}

async function contentOf({ shares, guard, journal }: PartyStore) {
  const kept = await Promise.all(keyIds.map((keyId) => shares.get(keyId)))
  return { kept, bans: guard.bans(), frozen: guard.frozenKeys(), unfinished: await journal.unfinished() }
}

test('a share folder of the release before data keys opens with everything in it, and is brought up to date', async () => {
  const folder = await temporaryFolder()
  await cp(formerFolder, folder, { recursive: true })
  const store = await openPartyStore(folder, kek, deviceId)
  const [ecdsa, ed25519, first] = (await contentOf(store)).kept
  expect(decodeKeyShare(ecdsa?.share ?? new Uint8Array(0)).publicKey).toEqual(ecdsa?.key.publicKey)
  expect(ed25519?.key.keyType).toBe('eddsa-ed25519')
  expect(new TextDecoder().decode(ed25519?.share)).toBe('a FROST share')
  expect(first?.key.keyType).toBe('ecdsa-secp256k1')
  expect(store.guard.bans()).toEqual([
    {
      keyId: 'key-1',
      partyId: 'device',
      reason: 'gamma_check_failed',
      sessionId: 'session-1',
      bannedAtMs: 1_790_000_000_000,
    },
  ])
  expect(store.guard.isFrozen('key-3')).toBe(true)
  expect(store.guard.isFrozen('key-1')).toBe(false)
  expect(await store.journal.unfinished()).toMatchObject([
    { sessionId: 'session-9', request: { joinToken: 'mpc_join_token' } },
  ])
  expect((await readdir(folder)).filter((file) => file.endsWith('.ledger'))).toEqual([])
  for (const file of ['key-1.share', 'key-2.share', 'key-3.share', 'session-9.session', 'guard/key-1.ledger']) {
    expect((await readFile(join(folder, file)))[0], file).toBe(2)
  }
  expect(await contentOf(await openPartyStore(folder, kek, deviceId))).toEqual(await contentOf(store))
})

test('killed at any write of that, it opens the next time and nothing is lost', async () => {
  const disk = await formerDisk()
  const whole = await contentOf(await openOn(copyOf(disk), localKey(kekFill)))
  const writes = await killedAtEveryWrite(async (writes) => {
    const killed = copyOf(disk)
    await openOn(killed, localKey(kekFill), writes).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error
    })
    expect(await contentOf(await openOn(killed, localKey(kekFill))), `${writes} writes`).toEqual(whole)
    await openOn(copyOf(disk), localKey(kekFill), writes)
  })
  expect(writes).toBeGreaterThan(8)
})

test('under a wrong key-encryption key, or one that does not leave its service, nothing of it is changed', async () => {
  const disk = await formerDisk()
  const before = copyOf(disk)
  await expect(openOn(disk, localKey(1))).rejects.toThrow(/^key-share key-1: cannot be decrypted: wrong key-encryption/)
  const remote = { ...localKey(kekFill), directKey: () => null }
  await expect(openOn(disk, remote)).rejects.toThrow(/^key-share key-1: sealed by an earlier release: start once with/)
  expect(disk).toEqual(before)
})

test('its ledgers, brought back over newer ones, lift no ban', async () => {
  const disk = await formerDisk()
  const former = copyOf(disk)
  const store = await openOn(disk, localKey(kekFill))
  const ban = { keyId: 'key-2', partyId: 'device', reason: 'x', sessionId: 's', bannedAtMs: 1 }
  await store.guard.ban(ban)
  for (const kind of ['shares', 'formerLedgers', 'sessions'] as const) {
    for (const [name, bytes] of former[kind]) disk[kind].set(name, bytes)
  }
  const { guard } = await openOn(disk, localKey(kekFill))
  expect(guard.isBanned('key-2', 'device')).toBe(true)
  expect(guard.isBanned('key-1', 'device')).toBe(true)
  expect(disk.formerLedgers.size).toBe(0)
})
