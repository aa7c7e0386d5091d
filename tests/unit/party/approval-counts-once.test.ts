/** What a party has counted of the approvals of a key, it counts no more. */
import { describe, expect, test } from 'vitest'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { StorageError } from '../../../src/party/store/records.ts'
import type { Approval } from '../../../src/policy/approval.ts'
import { alice, policy } from '../policy/fixtures.ts'
import { approval, group, keyId, plan, sign, signersOf } from './fixtures/governed-key.ts'
import { MemoryServices } from './fixtures/memory-services.ts'
import { giveToyKey, kek, orderOf, runAll, testParty, type TestParty } from './fixtures/parties.ts'

describe('an approval counts once', () => {
  const again = async (approvals: readonly Approval[], earlier: TestParty[]) => {
    const services = new MemoryServices({ ...plan, approvals })
    const outcomes = await runAll(services, await signersOf(services, policy(), earlier))
    return { services, outcomes }
  }

  test('in a second session it is refused, and signs nothing', async () => {
    const approvals = [await approval()]
    const { parties, ends } = await sign({ approvals })
    expect(ends).toEqual(['signed', 'signed'])
    const { services, outcomes } = await again(approvals, parties)
    expect(outcomes).toContainEqual(expect.objectContaining({ reason: 'approval_replayed' }))
    expect(services.routed).toEqual([])
    expect((await again([await approval(alice, {}, policy(), 'fresh')], parties)).outcomes).toContainEqual(
      expect.objectContaining({ kind: 'signed' }),
    )
  })

  test('also after the party was restarted', async () => {
    const approvals = [await approval()]
    const { parties } = await sign({ approvals })
    const restarted = await Promise.all(
      parties.map(async (party) => ({
        ...party,
        store: await openPartyStore(party.folder, kek, `device-of-${party.partyId}`),
      })),
    )
    const { services, outcomes } = await again(approvals, restarted)
    expect(outcomes).toContainEqual(expect.objectContaining({ reason: 'approval_replayed' }))
    expect(services.routed).toEqual([])
  })

  test('in two sessions at once at most one signs', async () => {
    const approvals = [await approval()]
    const [one, two] = [new MemoryServices({ ...plan, approvals }), new MemoryServices({ ...plan, approvals })]
    const parties = await signersOf(one)
    const twins = await signersOf(two, policy(), parties)
    const ends = await Promise.all([runAll(one, parties), runAll(two, twins)])
    for (const signer of [0, 1]) {
      const signed = ends.filter((outcomes) => outcomes[signer]?.kind === 'signed')
      expect(signed.length).toBeLessThanOrEqual(1)
    }
    const counted = await Promise.all(
      parties.map(({ store }) => store.approvals.objection(keyId, policy({ maxSignatures: 1 }), [], 0)),
    )
    expect(counted.map((objection) => objection?.reason)).toEqual(['policy_limit_reached', 'policy_limit_reached'])
    expect([one, two].filter(({ routed }) => routed.length > 0).length).toBeLessThanOrEqual(1)
  })

  test('before the party says that it is ready, all that it spent is on disk', async () => {
    const approvals = [await approval()]
    const services = new MemoryServices({ ...plan, approvals })
    const [device] = await signersOf(services)
    if (device === undefined) throw new Error('there is no device')
    const transport = services.transport()
    const found: unknown[] = []
    const checking = await testParty(
      'device',
      {
        ...transport,
        ready: async () => {
          const reopened = await openPartyStore(device.folder, kek, 'device-of-device')
          found.push(await reopened.approvals.objection(keyId, policy(), approvals, Date.now()))
          throw new Error('stop here')
        },
      },
      { folder: device.folder, storeChanges: () => device.store },
    )
    await expect(checking.party.run(orderOf(services, checking))).rejects.toThrow('stop here')
    expect(found).toMatchObject([{ reason: 'approval_replayed' }])
  })

  test('a party that cannot write down what it spends does not sign', async () => {
    const services = new MemoryServices({ ...plan, approvals: [await approval()] })
    const parties = await signersOf(services)
    const [device, server] = parties
    if (device === undefined || server === undefined) throw new Error('two signers')
    const broken = await testParty('device', services.transport(), {
      folder: device.folder,
      storeChanges: () => ({
        ...device.store,
        approvals: { ...device.store.approvals, spend: () => Promise.reject(new StorageError('the disk is full')) },
      }),
    })
    expect((await runAll(services, [broken, server]))[0]).toMatchObject({ reason: 'storage_failed' })
    expect(services.starts).toBe(0)
  })

  test('a key whose record of spent approvals is gone signs nothing', async () => {
    const services = new MemoryServices({ ...plan, approvals: [await approval()] })
    const device = await testParty('device', services.transport())
    await giveToyKey(device, group, keyId)
    const stored = await device.store.shares.get(keyId)
    if (stored === null) throw new Error('there is no share')
    await device.store.shares.put({ ...stored, key: { ...stored.key, policy: policy() } })
    expect(await device.party.run(orderOf(services, device))).toMatchObject({ reason: 'storage_failed' })
  })
})
