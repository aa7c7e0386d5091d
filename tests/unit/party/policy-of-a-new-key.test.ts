/** The policy that a key is made with. */
import { describe, expect, test } from 'vitest'
import { approveKeygen } from '../../../src/party/approval.ts'
import { defaultPartyLimits } from '../../../src/party/limits.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import type { KeyPolicy } from '../../../src/policy/key-policy.ts'
import { policy } from '../policy/fixtures.ts'
import { group } from './fixtures/governed-key.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { kek, orderOf, partiesOf, runAll, testParty } from './fixtures/parties.ts'

const keygenPlan: SessionPlan = { sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: group }

describe('making a key', () => {
  test('every party stores the policy with its share, and a restart does not lose it', async () => {
    const services = new MemoryServices({ ...keygenPlan, policy: policy({ maxSignatures: 7 }) })
    const parties = await partiesOf(services, group)
    expect((await runAll(services, parties)).map(({ kind }) => kind)).toEqual(['key-made', 'key-made', 'key-made'])
    for (const { partyId, folder } of parties) {
      const reopened = await openPartyStore(folder, kek, `device-of-${partyId}`)
      expect((await reopened.shares.get(services.sessionId))?.key.policy).toEqual(policy({ maxSignatures: 7 }))
      // It can be signed with: there is a record to count in.
      expect(await reopened.approvals.objection(services.sessionId, policy(), [], Date.now())).toBeNull()
    }
  })

  test.each<[string, KeyPolicy | undefined]>([
    ['none', undefined],
    ['another one', policy({ requiredApprovals: 2 })],
  ])('fails when the coordinator shows one party a policy and another %s', async (_what, other) => {
    const services = new MemoryServices({ ...keygenPlan, policy: policy() })
    services.hooks.show = (partyId, session) => (partyId === 'server' ? { ...session, policy: other ?? null } : session)
    const limits = { ...defaultPartyLimits, roundTimeoutMs: 500 }
    const parties = await partiesOf(services, group, () => ({ limits }))
    const outcomes = await runAll(services, parties)
    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'failed'])
    for (const { store } of parties) expect(await store.shares.count()).toBe(0)
  })

  test.each<[string, KeyPolicy | null, KeyPolicy | undefined]>([
    ['no policy, but was to have one', policy(), undefined],
    ['another policy than it was to have', policy(), policy({ requiredApprovals: 2 })],
    ['a policy, but was to have none', null, policy()],
  ])('a device refuses a key that is to have %s', async (_what, expected, shown) => {
    const services = new MemoryServices({ ...keygenPlan, ...(shown && { policy: shown }) })
    const device = await testParty('device', services.transport())
    const approve = approveKeygen({ policy: expected })
    const outcome = await device.party.run(orderOf(services, device, { approve }))
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'terms_unexpected' })
  })

  test('a device makes a key with the policy that it was told, however that is written', async () => {
    const services = new MemoryServices({ ...keygenPlan, policy: policy() })
    const parties = await partiesOf(services, group)
    const written = { ...policy(), approvers: [...policy().approvers].reverse().map((hex) => hex.toUpperCase()) }
    const approve = approveKeygen({ policy: written })
    const outcomes = await Promise.all(parties.map((party) => party.party.run(orderOf(services, party, { approve }))))
    expect(outcomes.map(({ kind }) => kind)).toEqual(['key-made', 'key-made', 'key-made'])
  })

  test.each<[string, Partial<KeyPolicy>]>([
    ['without approvers', { approvers: [] }],
    ['that nobody can fulfil', { requiredApprovals: 3 }],
    ['with a set of strangers', { signerSets: [['device', 'mallory']] }],
    ['with a number beyond all bounds', { notAfter: 2 ** 60 }],
  ])('a policy %s is refused by the parties themselves', async (_what, change) => {
    const services = new MemoryServices({ ...keygenPlan, policy: { ...policy(), ...change } })
    const device = await testParty('device', services.transport())
    expect(await device.party.run(orderOf(services, device))).toMatchObject({ reason: 'terms_unexpected' })
  })
})
