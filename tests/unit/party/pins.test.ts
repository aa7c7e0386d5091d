/** Which identities a party computes with: what it knows by itself, what it was told, and what it shows to people. */
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../../src/edge/refusal.ts'
import { fingerprint } from '../../../src/identity/identity-key.ts'
import { approveKeygen } from '../../../src/party/approval.ts'
import type { JoinOrder, PeerIdentity } from '../../../src/party/session/run.ts'
import type { SessionSnapshot } from '../../../src/party/transport/party-transport.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { giveToyKey, identityOf, orderOf, partiesOf, runAll, testParty, type PartyChanges } from './fixtures/parties.ts'

const group = ['device', 'server', 'recovery']
const keygenPlan: SessionPlan = { sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: group }
const keyId = 'key-1'
const signPlan: SessionPlan = {
  sessionType: 'sign',
  thresholdT: 2,
  thresholdN: 3,
  partyIds: ['device', 'server'],
  messageHash: new Uint8Array(32).fill(5),
  keyId,
}
const keyOf = async (name: string) => (await identityOf(name)).publicKey
const mallory = await keyOf('mallory')
const serverKey = await keyOf('server')
const recoveryKey = await keyOf('recovery')

/** What became of `device` among honest parties, who are told of no pins, and whether anything was computed. */
async function deviceAmong(
  plan: SessionPlan,
  changes: PartyChanges = {},
  order: Partial<JoinOrder> = {},
  show: (session: SessionSnapshot) => SessionSnapshot = (session) => session,
) {
  const services = new MemoryServices(plan)
  services.hooks.show = (partyId, session) => (partyId === 'device' ? show(session) : withoutPins(session))
  const parties = await partiesOf(services, plan.partyIds, (partyId) => (partyId === 'device' ? changes : {}))
  if (plan.keyId !== undefined) for (const party of parties) await giveToyKey(party, group, plan.keyId)
  const [outcome] = await Promise.all(
    parties.map((party) => party.party.run(orderOf(services, party, party.partyId === 'device' ? order : {}))),
  )
  return { outcome, sent: services.routed.filter(({ from }) => from === 'device'), events: parties[0]?.events ?? [] }
}

const withoutPins = (session: SessionSnapshot): SessionSnapshot => {
  const participants = session.participants.map((party) => ({ ...party, identityKey: null }))
  return { ...session, participants }
}

const refusedBefore = (reason: string, detail: RegExp) => ({
  outcome: { kind: 'failed', reason, culprits: [], detail: expect.stringMatching(detail) },
  sent: [],
})

describe('what the creator of the session fixed', () => {
  test('is what honest parties make a key under', async () => {
    const pins = { device: await keyOf('device'), server: serverKey, recovery: recoveryKey }
    const services = new MemoryServices({ ...keygenPlan, pins })
    const outcomes = await runAll(services, await partiesOf(services, group))
    expect(outcomes.map(({ kind }) => kind)).toEqual(['key-made', 'key-made', 'key-made'])
  })

  test('binds every honest party, also where the coordinator lets somebody else in', async () => {
    const services = new MemoryServices({ ...keygenPlan, pins: { server: serverKey } })
    services.hooks.show = (partyId, session) => (partyId === 'server' ? withoutPins(session) : session)
    // Nobody hears of the other's refusal: each comes to its own.
    services.hooks.beforeReport = () => Promise.reject(new Refusal('unavailable', 'the coordinator hears nothing'))
    const impostor = { identity: await identityOf('mallory') }
    const parties = await partiesOf(services, group, (partyId) => (partyId === 'server' ? impostor : {}))
    const honest = parties.filter(({ partyId }) => partyId !== 'server')
    const stop = new AbortController()
    const lying = parties.filter((party) => !honest.includes(party))
    const lies = lying.map((party) => party.party.run(orderOf(services, party, { signal: stop.signal })))
    for (const outcome of await runAll(services, honest)) {
      expect(outcome).toMatchObject({
        reason: 'roster_identity_unexpected',
        culprits: [],
        detail: 'another identity key than the known one: server',
      })
    }
    stop.abort()
    await Promise.all(lies)
    expect(services.routed.filter(({ from }) => from !== 'server')).toEqual([])
  })

  test('is remembered when the coordinator no longer shows it, and not changed', async () => {
    const plan = { ...keygenPlan, pins: { server: mallory } }
    const late = (identityKey: Uint8Array | null) => (session: SessionSnapshot) => ({
      ...session,
      participants: session.participants.map((party) =>
        session.status === 'in_progress' && party.partyId === 'server' ? { ...party, identityKey } : party,
      ),
    })
    expect(await deviceAmong(plan, {}, {}, late(null))).toMatchObject(
      refusedBefore('roster_identity_unexpected', /: server$/),
    )
    expect(await deviceAmong(plan, {}, {}, late(serverKey))).toMatchObject(
      refusedBefore('identity_pins_contradict', /server \(the session's creator against the session's creator\)/),
    )
  })

  test('that nobody can have is not taken for nothing', async () => {
    const pins = { server: new Uint8Array(0) }
    expect(await deviceAmong({ ...keygenPlan, pins })).toMatchObject(
      refusedBefore('roster_identity_unexpected', /: server$/),
    )
  })
})

describe('what a party knows by itself', () => {
  const peers = new Map([
    ['server_001', serverKey],
    ['server_002', recoveryKey],
  ])
  const asServer = (deviceId: string) => ({ server: { deviceType: 'server', deviceId } })

  test.each<[string, string, RegExp, SessionPlan, PartyChanges, Partial<JoinOrder>]>([
    [
      'the stored key contradicts the creator',
      'identity_pins_contradict',
      /server \(the stored key against the session's creator\)/,
      { ...signPlan, pins: { server: mallory } },
      {},
      {},
    ],
    [
      'its configuration contradicts the creator',
      'identity_pins_contradict',
      /server \(its configuration against the session's creator\)/,
      { ...keygenPlan, pins: { server: mallory }, devices: asServer('server_001') },
      { peers },
      {},
    ],
    [
      'its configuration contradicts the stored key',
      'identity_pins_contradict',
      /server \(the stored key against its configuration\)/,
      { ...signPlan, devices: asServer('server_002') },
      { peers },
      {},
    ],
    [
      'its owner contradicts the creator',
      'identity_pins_contradict',
      /server \(the session's creator against this party's owner\)/,
      { ...keygenPlan, pins: { server: serverKey } },
      {},
      { approve: approveKeygen({ identities: new Map([['server', mallory]]) }) },
    ],
    [
      'its own identity contradicts the creator',
      'identity_pins_contradict',
      /device \(this party itself against the session's creator\)/,
      { ...keygenPlan, pins: { device: mallory } },
      {},
      {},
    ],
    [
      'a server party is not the one it was configured with',
      'roster_identity_unexpected',
      /another identity key than the known one: server/,
      { ...keygenPlan, devices: asServer('server_001') },
      { peers: new Map([['server_001', mallory]]) },
      {},
    ],
    [
      'a server party is one it was not configured with',
      'server_party_unknown',
      /: server$/,
      { ...keygenPlan, devices: asServer('server_009') },
      { peers },
      {},
    ],
    [
      'a known server party is shown as another',
      'roster_identity_unexpected',
      /the identity of a known server party under another device: server/,
      keygenPlan,
      { peers },
      {},
    ],
  ])('wins: it refuses and names it where %s', async (_what, reason, detail, plan, changes, order) => {
    expect(await deviceAmong(plan, changes, order)).toMatchObject(refusedBefore(reason, detail))
  })

  test('lets a session with the configured server parties through, and with devices that are not in it', async () => {
    const devices = { ...asServer('server_001'), recovery: { deviceType: 'server', deviceId: 'server_002' } }
    expect((await deviceAmong({ ...keygenPlan, devices }, { peers })).outcome).toMatchObject({ kind: 'key-made' })
  })

  test('is asked before its owner is', async () => {
    let asked = 0
    const approve = approveKeygen()
    const counting: JoinOrder['approve'] = (...terms) => (asked++, approve(...terms))
    await deviceAmong({ ...keygenPlan, pins: { device: mallory } }, {}, { approve: counting })
    expect(asked).toBe(0)
  })
})

describe('people who compare', () => {
  test('are told the fingerprint of every party before anything is sent', async () => {
    const { events } = await deviceAmong(keygenPlan)
    const at = events.findIndex(({ type }) => type === 'started')
    expect(events.findIndex(({ type }) => type === 'round')).toBeGreaterThan(at)
    const expected = await Promise.all(group.map(async (name) => [name, fingerprint(await keyOf(name))]))
    expect(events[at]).toMatchObject({ fingerprints: Object.fromEntries(expected) })
  })

  test('are asked about the others, once, before this party is ready', async () => {
    const asked: (readonly PeerIdentity[])[] = []
    const confirm = (others: readonly PeerIdentity[]) => asked.push(others) > 0
    const { outcome, events } = await deviceAmong(keygenPlan, {}, { confirm })
    expect(outcome).toMatchObject({ kind: 'key-made' })
    const described = async (partyId: string) => {
      const identityKey = await keyOf(partyId)
      const device = { deviceType: 'test', deviceId: `device-of-${partyId}` }
      return { partyId, ...device, identityKey, fingerprint: fingerprint(identityKey) }
    }
    expect(asked).toEqual([[await described('server'), await described('recovery')]])
    expect(events.map(({ type }) => type).slice(0, 3)).toEqual(['joined', 'ready', 'started'])
  })

  test('who say no end the session before anything is computed', async () => {
    const result = await deviceAmong(keygenPlan, {}, { confirm: async () => false })
    expect(result).toMatchObject(refusedBefore('declined', /not confirmed/))
    expect(result.events.map(({ type }) => type)).toEqual(['joined', 'failed'])
  })

  test('are believed against the roster that the session starts with', async () => {
    const swap = (session: SessionSnapshot) => ({
      ...session,
      participants: session.participants.map((party) =>
        session.status !== 'in_progress' && party.partyId === 'server' && party.keys !== null
          ? { ...party, keys: { ...party.keys, identityKey: mallory } }
          : party,
      ),
    })
    expect(await deviceAmong(keygenPlan, {}, { confirm: () => true }, swap)).toMatchObject(
      refusedBefore('roster_identity_unexpected', /: server$/),
    )
  })

  test('are not asked about a party that has no identity', async () => {
    const bare = (session: SessionSnapshot) => ({
      ...session,
      participants: session.participants.map((party) =>
        party.partyId === 'server' ? { ...party, keys: null } : party,
      ),
    })
    const confirm = () => {
      throw new Error('nobody is to be asked')
    }
    expect(await deviceAmong(keygenPlan, {}, { confirm }, bare)).toMatchObject(
      refusedBefore('roster_incomplete', /: server$/),
    )
  })
})

test('a party alone with strangers tells nobody that it is ready', async () => {
  const services = new MemoryServices({ ...keygenPlan, pins: { device: mallory } })
  const device = await testParty('device', services.transport())
  await device.party.run(orderOf(services, device))
  expect(device.events.map(({ type }) => type)).toEqual(['joined', 'failed'])
})
