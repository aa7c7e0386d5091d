import { describe, expect, test } from 'vitest'
import { rosterHash } from '../../../src/crypto/session-id.ts'
import { ephemeralKeyPair } from '../../../src/identity/seal.ts'
import { joinStatement } from '../../../src/identity/statement.ts'
import { checkRoster } from '../../../src/party/session/roster.ts'
import type { JoinKeys, SessionSnapshot } from '../../../src/party/transport/party-transport.ts'
import { MemoryServices } from './fixtures/memory-services.ts'
import { identityOf, orderOf, partiesOf } from './fixtures/parties.ts'

const partyIds = ['device', 'server', 'recovery']
const sessionId = 'session-1'

const seedOf = (partyId: string) => partyId.charCodeAt(0)

async function keysOf(partyId: string, identityName = partyId, seed = seedOf(partyId)): Promise<JoinKeys> {
  const identity = await identityOf(identityName)
  const contribution = {
    identityKey: identity.publicKey,
    ephemeralKey: ephemeralKeyPair(new Uint8Array(32).fill(seed)).publicKey,
    nonce: new Uint8Array(32).fill(seed),
  }
  return { ...contribution, signature: await identity.sign(joinStatement({ sessionId, partyId, ...contribution })) }
}

async function startedSession(replace: Readonly<Record<string, JoinKeys | null>> = {}): Promise<SessionSnapshot> {
  const participants = await Promise.all(
    partyIds.map(async (partyId, index) => {
      const replaced = replace[partyId]
      const keys = replaced === undefined ? await keysOf(partyId) : replaced
      return { partyId, index, status: 'computing', deviceType: '', deviceId: '', identityKey: null, keys }
    }),
  )
  const entries = participants.flatMap(({ partyId, index, keys }) =>
    keys === null ? [] : [{ partyId, index, ...keys }],
  )
  const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds })
  const hash = new Set(entries.map(({ nonce }) => nonce.length)).size === 1 ? rosterHash(entries) : null
  return { ...services.snapshot(), sessionId, status: 'in_progress', participants, rosterHash: hash }
}

const own = { partyId: 'device', index: 0, keys: await keysOf('device') }
const nobodyPinned = new Map<string, Uint8Array>()
const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte))

test('a roster of signed entries is accepted, with its hash', async () => {
  const session = await startedSession()
  const roster = await checkRoster(session, own, new Map([['server', (await identityOf('server')).publicKey]]))
  expect(roster.hash).toEqual(session.rosterHash)
  expect(roster.entries.map(({ partyId }) => partyId)).toEqual(partyIds)
})

/** Names the entries, and blames nobody for what the coordinator may have done. */
async function expectRefused(check: Promise<unknown>, reason: string, named: readonly string[]): Promise<void> {
  const message = named.length === 0 ? expect.anything() : expect.stringMatching(new RegExp(`: ${named.join(', ')}$`))
  await expect(check).rejects.toMatchObject({ reason, culprits: [], message })
}

describe('what was changed in a roster is refused and named', () => {
  const changes: [string, () => Promise<Record<string, JoinKeys | null>>, string, string[]][] = [
    [
      'another identity, unsigned',
      async () => ({ server: { ...(await keysOf('server')), identityKey: (await identityOf('mallory')).publicKey } }),
      'roster_signature_invalid',
      ['server'],
    ],
    [
      'a nonce',
      async () => ({ server: { ...(await keysOf('server')), nonce: flipped((await keysOf('server')).nonce) } }),
      'roster_signature_invalid',
      ['server'],
    ],
    [
      'an ephemeral key',
      async () => ({ server: { ...(await keysOf('server')), ephemeralKey: new Uint8Array(32).fill(77) } }),
      'roster_signature_invalid',
      ['server'],
    ],
    [
      'a signature',
      async () => ({
        recovery: { ...(await keysOf('recovery')), signature: flipped((await keysOf('recovery')).signature) },
      }),
      'roster_signature_invalid',
      ['recovery'],
    ],
    [
      'the join of another party',
      async () => ({ recovery: await keysOf('somebody', 'recovery', 50) }),
      'roster_signature_invalid',
      ['recovery'],
    ],
    ['own nonce', async () => ({ device: await keysOf('device', 'device', 9) }), 'roster_own_entry_changed', []],
    ['own identity', async () => ({ device: await keysOf('device', 'mallory') }), 'roster_own_entry_changed', []],
    [
      'one identity twice',
      async () => ({ recovery: await keysOf('recovery', 'server', 50) }),
      'roster_key_repeated',
      ['server', 'recovery'],
    ],
    [
      'one nonce twice',
      async () => ({ recovery: await keysOf('recovery', 'recovery', seedOf('server')) }),
      'roster_key_repeated',
      ['server', 'recovery'],
    ],
    ['keys left out', async () => ({ server: null }), 'roster_incomplete', ['server']],
    [
      'a short nonce',
      async () => ({ server: { ...(await keysOf('server')), nonce: new Uint8Array(31) } }),
      'roster_incomplete',
      ['server'],
    ],
  ]
  test.each(changes)('%s', async (_what, replace, reason, named) => {
    const session = await startedSession(await replace())
    await expectRefused(checkRoster(session, own, nobodyPinned), reason, named)
  })

  test('a properly signed identity that is not the known one', async () => {
    const session = await startedSession({ server: await keysOf('server', 'mallory') })
    const pinned = new Map([['server', (await identityOf('server')).publicKey]])
    await expectRefused(checkRoster(session, own, pinned), 'roster_identity_unexpected', ['server'])
  })

  test('another hash, or none', async () => {
    const session = await startedSession()
    for (const hash of [new Uint8Array(32), null]) {
      await expect(checkRoster({ ...session, rosterHash: hash }, own, nobodyPinned)).rejects.toMatchObject({
        reason: 'roster_hash_mismatch',
      })
    }
  })
})

test('a party that is shown another roster than its peers ends before it computes, and reports why', async () => {
  const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds })
  const swapped = (await identityOf('mallory')).publicKey
  services.hooks.show = (partyId, session) => {
    if (partyId !== 'device') return session
    const participants = session.participants.map((participant) =>
      participant.partyId === 'server' && participant.keys !== null
        ? { ...participant, keys: { ...participant.keys, identityKey: swapped } }
        : participant,
    )
    return { ...session, participants }
  }
  const parties = await partiesOf(services, partyIds)
  const [outcome] = await Promise.all(parties.map((party) => party.party.run(orderOf(services, party))))
  expect(outcome).toMatchObject({
    kind: 'failed',
    reason: 'roster_signature_invalid',
    culprits: [],
    detail: 'the join is not signed: server',
  })
  expect(services.routed.filter(({ from }) => from === 'device')).toEqual([])
  expect(services.reports).toContainEqual({
    partyId: 'device',
    report: { kind: 'failed', reason: 'roster_signature_invalid', culprits: [] },
  })
})
