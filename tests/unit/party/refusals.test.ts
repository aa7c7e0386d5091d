/** What a party does not take part in, however the coordinator puts it. */
import { expect, test } from 'vitest'
import { approveByPolicy, approveKeygen, approveSigning, denyAllSigning } from '../../../src/party/approval.ts'
import type { JoinOrder } from '../../../src/party/session/run.ts'
import type { StoredKey } from '../../../src/party/store/share-store.ts'
import type { SessionSnapshot } from '../../../src/party/transport/party-transport.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { giveToyKey, identityOf, orderOf, partiesOf, runAll, testParty } from './fixtures/parties.ts'

const group = ['device', 'server', 'recovery']
const messageHash = new Uint8Array(32).fill(5)
const keyId = 'key-1'
const signPlan: SessionPlan = {
  sessionType: 'sign',
  thresholdT: 2,
  thresholdN: 3,
  partyIds: ['device', 'server'],
  messageHash,
  keyId,
}
const keygenPlan: SessionPlan = { sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: group }

/** How a device that has its share of `key-1` ends, and what it said to the coordinator. */
async function deviceIn(
  plan: SessionPlan,
  {
    stored = {},
    order = {},
    show,
  }: {
    stored?: Partial<StoredKey>
    order?: Partial<JoinOrder>
    show?: (session: SessionSnapshot) => SessionSnapshot
  } = {},
) {
  const services = new MemoryServices(plan)
  if (show !== undefined) services.hooks.show = (_partyId, session) => show(session)
  const device = await testParty('device', services.transport())
  await giveToyKey(device, group, keyId, stored)
  const outcome = await device.party.run(orderOf(services, device, order))
  expect(services.routed).toEqual([])
  expect(await device.store.journal.unfinished()).toEqual([])
  return { outcome, report: services.reports[0]?.report }
}

const otherIdentity = (await identityOf('mallory')).publicKey
const members = await Promise.all(
  group.map(async (partyId) => ({ partyId, identityKey: (await identityOf(partyId)).publicKey })),
)

test.each<[string, string, SessionPlan, Parameters<typeof deviceIn>[1]]>([
  ['a key it has no share of', 'key_unknown', { ...signPlan, keyId: 'key-2' }, {}],
  ['a session that names no key', 'key_unknown', signPlan, { show: (session) => ({ ...session, keyId: null }) }],
  ['a signer who is no member of the key', 'not_a_member', { ...signPlan, partyIds: ['device', 'stranger'] }, {}],
  ['a key in which it is somebody else', 'not_a_member', signPlan, { stored: { partyId: 'recovery' } }],
  ['fewer signers than the key requires', 'threshold_not_met', signPlan, { stored: { thresholdT: 3 } }],
  [
    'a key made under another identity',
    'key_mismatch',
    signPlan,
    { stored: { members: members.map((m) => ({ ...m, identityKey: otherIdentity })) } },
  ],
  ['thresholds that are not those of the key', 'key_mismatch', { ...signPlan, thresholdN: 4 }, {}],
  [
    'a public key that is not that of the share',
    'key_mismatch',
    signPlan,
    { show: (session) => ({ ...session, publicKey: '04' + '11'.repeat(64) }) },
  ],
  [
    'another hash than it was asked to sign',
    'message_hash_mismatch',
    signPlan,
    { order: { approve: approveSigning({ messageHash: new Uint8Array(32) }) } },
  ],
  [
    'another key than it was asked to sign with',
    'terms_unexpected',
    signPlan,
    { order: { approve: approveSigning({ messageHash, keyId: 'key-9' }) } },
  ],
  ['signing against its policy', 'declined', signPlan, { order: { approve: approveByPolicy(denyAllSigning) } }],
  ['signing when it was to make a key', 'terms_unexpected', signPlan, { order: { approve: approveKeygen() } }],
  [
    'making a key when it was to sign',
    'terms_unexpected',
    keygenPlan,
    { order: { approve: approveSigning({ messageHash }) } },
  ],
  [
    'other thresholds than it was told',
    'terms_unexpected',
    keygenPlan,
    { order: { approve: approveKeygen({ thresholdT: 3 }) } },
  ],
  [
    'a key generation without the party it was told of',
    'terms_unexpected',
    keygenPlan,
    { order: { approve: approveKeygen({ identities: new Map([['bank', otherIdentity]]) }) } },
  ],
  ['a threshold of one', 'terms_unexpected', { ...keygenPlan, thresholdT: 1 }, {}],
  [
    'fewer participants than the key is to have',
    'terms_unexpected',
    { ...keygenPlan, partyIds: ['device', 'server'] },
    {},
  ],
  [
    'a participant whose id is none',
    'terms_unexpected',
    keygenPlan,
    {
      show: (session) => ({
        ...session,
        participants: session.participants.map((one) => (one.index === 2 ? { ...one, partyId: 'x'.repeat(300) } : one)),
      }),
    },
  ],
  ['a hash that is no hash', 'terms_unexpected', signPlan, { show: (session) => ({ ...session, messageHash: 'abc' }) }],
])('a party refuses %s', async (_what, reason, plan, changes) => {
  const { outcome, report } = await deviceIn(plan, changes)
  expect(outcome).toMatchObject({ kind: 'failed', reason })
  expect(report).toMatchObject({ kind: 'failed', reason })
})

test('a party keeps a key it has, whatever a session of the same id wants to make', async () => {
  const services = new MemoryServices(keygenPlan)
  const device = await testParty('device', services.transport())
  await giveToyKey(device, group, services.sessionId)
  expect(await device.party.run(orderOf(services, device))).toMatchObject({ kind: 'failed', reason: 'key_exists' })
})

test('a signer with another identity than the one stored with the key is refused by name', async () => {
  const services = new MemoryServices(signPlan)
  const device = await testParty('device', services.transport())
  const impostor = await testParty('server', services.transport(), { identity: await identityOf('mallory') })
  await giveToyKey(device, group, keyId)
  const asMallory = members.map((m) => (m.partyId === 'server' ? { ...m, identityKey: otherIdentity } : m))
  await giveToyKey(impostor, group, keyId, { members: asMallory })
  expect((await runAll(services, [device, impostor]))[0]).toMatchObject({
    reason: 'roster_identity_unexpected',
    culprits: [],
    detail: 'another identity key than the known one: server',
  })
})

test('a session that is changed after a party agreed to it does not go on', async () => {
  const services = new MemoryServices(signPlan)
  const parties = await partiesOf(services, ['device', 'server'])
  for (const party of parties) await giveToyKey(party, group, keyId)
  services.hooks.show = (partyId, session) =>
    partyId === 'device' && session.status === 'in_progress' ? { ...session, messageHash: '00'.repeat(32) } : session
  expect((await runAll(services, parties))[0]).toMatchObject({ kind: 'failed', reason: 'terms_changed' })
  expect(services.routed.filter(({ from }) => from === 'device')).toEqual([])
})

test('a session whose history shrinks or is rewritten ends', async () => {
  for (const rewrite of [{ version: 1 }, { chainHead: Uint8Array.of(99) }]) {
    const services = new MemoryServices(keygenPlan)
    const device = await testParty('device', services.transport())
    let shown = 0
    services.hooks.show = (_partyId, session) => (++shown < 2 ? session : { ...session, version: 2, ...rewrite })
    expect(await device.party.run(orderOf(services, device))).toMatchObject({ kind: 'failed', reason: 'history_lost' })
  }
})

test("a session that completes with another result than this party's own is not believed", async () => {
  const services = new MemoryServices(keygenPlan)
  services.hooks.show = (partyId, session) =>
    partyId === 'device' && session.status === 'completed' ? { ...session, publicKey: '04' + '11'.repeat(64) } : session
  const outcomes = await runAll(services, await partiesOf(services, group))
  expect(outcomes[0]).toMatchObject({ kind: 'failed', reason: 'result_disagrees' })
})
