/** Bans and freezes across restarts and restores of older copies. */
import { describe, expect, test } from 'vitest'
import { decodeKeyShare, encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { peerState } from '../../../src/crypto/key-share.ts'
import { secureRandom } from '../../../src/party/clock.ts'
import type { PartyStore } from '../../../src/party/party-parts.ts'
import { acceptGuard, GuardMissing } from '../../../src/party/store/store-keys.ts'
import { makeKey } from '../crypto/fixtures.ts'
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
const partyIds = ['device', 'server']
const ban = { keyId, partyId: 'server', reason: 'rvole_check_failed', sessionId: 'session-1', bannedAtMs: 1_000 }
const [deviceShare] = makeKey(2, 2)
if (deviceShare === undefined) throw new Error('no share')
const encodedShare = encodeKeyShare(deviceShare)
const kek = localKey(1)
const nothing = async () => {}

/** A store with one key, in the hands of the device. */
async function storeWithKey(): Promise<Disk> {
  const disk = emptyDisk()
  await giveToyKey({ partyId: 'device', store: await openOn(disk, kek) }, partyIds, keyId, {}, encodedShare.slice())
  return disk
}

async function otStateOf({ shares }: PartyStore) {
  const stored = await shares.get(keyId)
  if (stored === null) throw new Error('no share')
  return { ot: peerState(decodeKeyShare(stored.share), 1).ot, erasedPeers: stored.key.erasedPeers }
}

async function freeze({ guard }: PartyStore): Promise<void> {
  for (const sessionId of ['s-1', 's-2', 's-3']) {
    await guard.countUnattributed(keyId, { sessionId, reason: 'signature_invalid', atMs: 2_000 })
  }
}

const erased = { ot: null, erasedPeers: [1] }
const frozenKey = {
  keyId,
  reason: 'signature_invalid',
  sessionId: 's-3',
  frozenAtMs: 2_000,
  sessions: ['s-1', 's-2', 's-3'],
}

function restore(disk: Disk, from: Disk, kinds: readonly (keyof Disk)[]): void {
  for (const kind of kinds) {
    disk[kind].clear()
    for (const [name, bytes] of from[kind]) disk[kind].set(name, bytes.slice())
  }
}

const shareKinds = ['shareKeys', 'shares', 'sessions', 'formerLedgers'] as const
const guardKinds = ['guardKeys', 'ledgers', 'approvals'] as const

describe('an older copy of the shares, restored over newer guard records,', () => {
  test('lifts no ban: the OT state that it brings back is erased at the start', async () => {
    const disk = await storeWithKey()
    const before = copyOf(disk)
    await (await openOn(disk, kek)).guard.ban(ban)
    restore(disk, before, shareKinds)
    expect(peerState(decodeKeyShare(encodedShare), 1).ot).not.toBeNull()
    const reopened = await openOn(disk, kek)
    expect(reopened.guard.bans()).toEqual([ban])
    expect(await otStateOf(reopened)).toEqual(erased)
  })

  test('thaws no key', async () => {
    const disk = await storeWithKey()
    const before = copyOf(disk)
    await freeze(await openOn(disk, kek))
    restore(disk, before, shareKinds)
    const { guard, shares } = await openOn(disk, kek)
    expect(guard.frozenKeys()).toEqual([frozenKey])
    expect((await shares.get(keyId))?.key.frozen).toEqual({
      reason: 'signature_invalid',
      sessionId: 's-3',
      frozenAtMs: 2_000,
    })
  })
})

describe('an older guard, restored under newer shares,', () => {
  test('lifts no ban: the share knows whose OT state was erased, and the ban is pronounced again', async () => {
    const disk = await storeWithKey()
    const before = copyOf(disk)
    await (await openOn(disk, kek)).guard.ban(ban)
    restore(disk, before, guardKinds)
    const reopened = await openOn(disk, kek)
    const again = { keyId, partyId: 'server', reason: 'recovered_from_share', sessionId: '' }
    expect(reopened.guard.bans()).toEqual([{ ...again, bannedAtMs: expect.any(Number) }])
    expect(await otStateOf(reopened)).toEqual(erased)
    // Written, not only remembered.
    expect((await openOn(disk, kek)).guard.bans()).toEqual(reopened.guard.bans())
    expect(disk.ledgers.size).toBe(1)
  })

  test('thaws no key', async () => {
    const disk = await storeWithKey()
    const before = copyOf(disk)
    await freeze(await openOn(disk, kek))
    restore(disk, before, guardKinds)
    expect((await openOn(disk, kek)).guard.frozenKeys()).toMatchObject([{ keyId, sessionId: 's-3' }])
  })
})

describe('a guard that is not the one of these shares', () => {
  test('keeps the party from starting, whether it is empty or belongs to others', async () => {
    const disk = await storeWithKey()
    const other = await storeWithKey()
    restore(disk, emptyDisk(), guardKinds)
    await expect(openOn(disk, kek)).rejects.toThrow(GuardMissing)
    await expect(openOn(disk, kek)).rejects.toThrow(/^is empty, but bans and freezes of these shares are in the guard/)
    restore(disk, other, guardKinds)
    await expect(openOn(disk, kek)).rejects.toThrow(/^is the guard [0-9a-f]{32}, but bans and freezes of these shares/)
    expect([disk.guardKeys.size, disk.ledgers.size]).toEqual([1, 0])
  })

  test('is accepted when somebody says so, and what the shares know is taken up', async () => {
    const disk = await storeWithKey()
    const store = await openOn(disk, kek)
    await store.guard.ban(ban)
    await freeze(store)
    restore(disk, emptyDisk(), guardKinds)
    expect(await acceptGuard(recordsOn(disk), kek, deviceId, secureRandom, nothing)).toMatchObject({ guard: 'new' })
    const { guard } = await openOn(disk, kek)
    expect(guard.isBanned(keyId, 'server')).toBe(true)
    expect(guard.isFrozen(keyId)).toBe(true)
    expect(await acceptGuard(recordsOn(disk), kek, deviceId, secureRandom, nothing)).toMatchObject({ guard: 'its own' })
  })

  test('is not accepted before it knows what it has to: killed on the way, the party still does not start', async () => {
    const disk = await storeWithKey()
    const older = emptyDisk()
    await openOn(older, kek)
    restore(disk, older, guardKinds)
    const killed = async () => Promise.reject(new Error('killed'))
    await expect(acceptGuard(recordsOn(disk), kek, deviceId, secureRandom, killed)).rejects.toThrow('killed')
    await expect(openOn(disk, kek)).rejects.toThrow(GuardMissing)
    expect(await acceptGuard(recordsOn(disk), kek, deviceId, secureRandom, nothing)).toMatchObject({ guard: 'another' })
    await openOn(disk, kek)
  })

  test('is refused for another device, and its records without a key file are not overwritten', async () => {
    const disk = await storeWithKey()
    const foreign = emptyDisk()
    const { guard } = await openOn(foreign, kek)
    await guard.ban(ban)
    const text = new TextDecoder().decode(foreign.guardKeys.get('store'))
    foreign.guardKeys.set('store', new TextEncoder().encode(text.replace(deviceId, 'server_002')))
    restore(disk, foreign, guardKinds)
    await expect(openOn(disk, kek)).rejects.toThrow('key file of the guard: belongs to the device server_002')
    disk.guardKeys.clear()
    await expect(openOn(disk, kek)).rejects.toThrow('key file of the guard: is missing, though the guard has records')
    await expect(acceptGuard(recordsOn(disk), kek, deviceId, secureRandom, nothing)).rejects.toThrow('is missing, though the guard')
  })
})

test('a ban that was written before the process was killed is whole after the next start', async () => {
  const disk = await storeWithKey()
  const outcomes = new Set<boolean>()
  await killedAtEveryWrite(async (writes) => {
    const killed = copyOf(disk)
    const running = await openOn(killed, kek, writes)
    await running.guard.ban(ban).catch(() => undefined)
    const reopened = await openOn(killed, kek)
    const isBanned = reopened.guard.isBanned(keyId, 'server')
    outcomes.add(isBanned)
    expect((await otStateOf(reopened)).erasedPeers).toEqual(isBanned ? [1] : [])
    await (await openOn(copyOf(disk), kek, writes)).guard.ban(ban)
  })
  expect([...outcomes]).toEqual([false, true])
})

test('the party does not start when a record of its guard is damaged, and the error names it', async () => {
  const disk = await storeWithKey()
  await (await openOn(disk, kek)).guard.ban(ban)
  const record = disk.ledgers.get(keyId) ?? new Uint8Array(0)
  for (let i = 0; i < record.length; i += 5) {
    const damaged = record.slice()
    damaged[i] = (record[i] ?? 0) ^ 1
    disk.ledgers.set(keyId, damaged)
    await expect(openOn(disk, kek), `byte ${i}`).rejects.toThrow(/^key-ledger key-1: /)
  }
})
