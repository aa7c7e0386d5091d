/** Tells a real server party, on its own runtime, every lie about invitations: one after the other, as it is one device. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { expect, test, vi } from 'vitest'
import { connectService } from '../../src/edge/service-client.ts'
import type { Invitation } from '../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { identityFromSeed, type OpeningIdentity } from '../../src/identity/identity-key.ts'
import { open, unpackSealed } from '../../src/identity/seal.ts'
import { statement } from '../../src/identity/statement.ts'
import { allowAllSigning, approveKeygen } from '../../src/party/approval.ts'
import { systemClock } from '../../src/party/clock.ts'
import { sessionIdOfToken } from '../../src/party/join-token.ts'
import { openPartyStore } from '../../src/party/node/party-store.ts'
import { startServerParty } from '../../src/party/server/server-party.ts'
import { createConnectTransport } from '../../src/party/transport/connect-transport.ts'
import { kek, temporaryFolder, testParty } from '../unit/party/fixtures/parties.ts'
import type { Arena } from './arena.ts'
import { invitationLies, invitedDevice, type InvitationLie, type Invited } from './invitation-lies.ts'
import type { LyingServices } from './lying-services.ts'
import { nothingSeen, recordedCalls, recordingLog, type Seen } from './recorded.ts'
import { count, type Tally } from './tally.ts'
import { shownSecrets } from './verdict.ts'

const keyType = 'schnorr-secp256k1'
const waitMs = { timeout: 60_000, interval: 20 }

export function tellInvited(arena: () => Arena, tally: Tally): void {
  test.each(invitationLies.map((lie) => [lie.name, lie] as const))('invites a server party: %s', async (_name, lie) => {
    const { told, ...verdict } = await tell(arena(), lie)
    count(tally, told, verdict)
    expect({ told, ...verdict }).toEqual({ told: true, signatures: [], shares: [], blames: [], secrets: [], joins: [] })
  })
}

async function tell(arena: Arena, lie: InvitationLie) {
  const { services, lying, host } = arena
  const seed = services.longTermSecrets['server identity']
  if (seed === undefined) throw new Error('the server party has no identity')
  const identity = await identityFromSeed(seed)
  const seen = nothingSeen()
  const { log, text } = recordingLog()
  const folder = await temporaryFolder()
  const store = await openPartyStore(folder, kek, invitedDevice)
  const shareOf = async (sessionId: string) => (await store.shares.get(sessionId))?.share ?? null
  const parts = { store, identity, seen, log, host }
  let told = false
  let server = await startInvited(arena, parts)
  try {
    const first = await session(arena, identity, async (invited) => {
      told = true
      return lie.first(invited)
    })
    if (lie.makesKey) await makeKey(arena, first)
    const before = await shareOf(first.sessionId)
    if (lie.restarts) {
      await vi.waitFor(() => expect(server.runningSessions()).toBe(0), waitMs)
      await server.close()
      server = await startInvited(arena, parts)
    }
    const invitedFirst = await first.invited
    const next = await session(arena, identity, async (invited) => lie.next(invited, invitedFirst))
    await makeKey(arena, next)
    await vi.waitFor(() => expect(server.runningSessions()).toBe(0), waitMs)
    const stored = await store.shares.get(next.sessionId)
    const isKept = same(before, await shareOf(first.sessionId)) && (before !== null) === lie.makesKey
    const shares = (await store.shares.count()) - (lie.makesKey ? 2 : 1)
    const joins = seen.joins.map((token) => sessionIdOfToken(token) ?? 'none').sort()
    const expected = [...Array.from({ length: lie.joins }, () => first.sessionId), next.sessionId].sort()
    return {
      told,
      signatures: seen.reports.filter(({ report }) => report.signature !== '').map(({ partyId }) => partyId),
      shares: isKept && shares === 0 && stored !== null ? [] : [`${shares} shares too many`],
      blames: [...store.guard.bans(), ...seen.reports.flatMap(({ report }) => report.failure?.culprits ?? [])].map(String),
      secrets: shownSecrets({ seen, key: null, honest: [{ partyId: 'alice', stored, log: text() }] }),
      joins: joins.join() === expected.join() ? [] : joins,
    }
  } finally {
    await server.close()
    lying.inviting(async () => [])
  }
}

type Parts = Readonly<{
  store: Awaited<ReturnType<typeof openPartyStore>>
  identity: OpeningIdentity
  seen: Seen
  log: ReturnType<typeof recordingLog>['log']
  host: Arena['host']
}>

async function startInvited({ services, lying }: Arena, { seen, ...parts }: Parts) {
  const connections = [connectService(lying.url), connectService(services.routerUrl)] as const
  const [coordinator, router] = connections.map(({ transport }) => recordedCalls(transport, 'alice', seen))
  if (coordinator === undefined || router === undefined) throw new Error('there are two services')
  const own = { deviceId: invitedDevice, peers: null, policy: allowAllSigning, clock: systemClock }
  const running = await startServerParty({ ...parts, ...own, coordinator, router })
  await vi.waitFor(() => expect(running.isConnected()).toBe(true), waitMs)
  return {
    ...running,
    close: async () => {
      await running.close()
      for (const connection of connections) connection.close()
    },
  }
}

type Session = Readonly<{ sessionId: string; tokenOfBob: string; invited: Promise<Invited> }>

/** A session of the server party, as alice, and a device, bob; `tell` says what becomes of the invitation to it. */
async function session(
  { services, lying }: Arena,
  identity: OpeningIdentity,
  tell: (invited: Invited) => ReturnType<Parameters<LyingServices['inviting']>[0]>,
): Promise<Session> {
  const bob = { partyId: 'bob', deviceType: 'test', deviceId: 'device-of-bob' }
  const alice = { partyId: 'alice', deviceType: 'server', deviceId: invitedDevice }
  const make = (participants: (typeof bob)[]) =>
    services.caller.createSession({ sessionType: 'keygen', thresholdT: 2, thresholdN: 2, keyType, participants })
  const other = await make([bob, { ...bob, partyId: 'carol' }])
  const elsewhere = { sessionId: other.sessionId, joinToken: other.joinTokens['bob'] ?? '' }
  const created = Promise.withResolvers<string>()
  const invited = new Promise<Invited>((resolve) =>
    lying.inviting(async (invitation) => {
      // Another one is of an earlier lie.
      if (invitation.sessionId !== (await created.promise)) return []
      const joinToken = await tokenIn(invitation, identity)
      const one = { invitation, joinToken, identityKey: identity.publicKey, elsewhere }
      const sent = await tell(one)
      resolve(one)
      return sent
    }),
  )
  const made = await make([alice, bob])
  created.resolve(made.sessionId)
  return { sessionId: made.sessionId, tokenOfBob: made.joinTokens['bob'] ?? '', invited }
}

/** The coordinator has made the token; here it is taken out of the seal. */
async function tokenIn({ sessionId, partyId, sealedJoinToken }: Invitation, identity: OpeningIdentity): Promise<string> {
  const [info, aad] = [[sessionId], [sessionId, partyId, invitedDevice]].map((parts) => statement('joinTokenSeal', parts))
  if (info === undefined || aad === undefined) throw new Error('there are two')
  const token = await open(identity.openingSecret(), info, aad, unpackSealed(sealedJoinToken))
  return new TextDecoder().decode(token ?? new Uint8Array(0))
}

/** @throws unless both parties have made it. */
async function makeKey({ services, host }: Arena, { tokenOfBob }: Session): Promise<void> {
  const connections = [connectService(services.coordinatorUrl), connectService(services.routerUrl)] as const
  try {
    const transport = createConnectTransport(connections[0].transport, connections[1].transport)
    const { party } = await testParty('bob', transport, { host })
    const approve = approveKeygen({ thresholdT: 2, thresholdN: 2, keyType })
    const signal = AbortSignal.timeout(60_000)
    const outcome = await party.run({ joinToken: tokenOfBob, partyId: 'bob', approve, signal })
    expect(outcome).toMatchObject({ kind: 'key-made' })
  } finally {
    for (const connection of connections) connection.close()
  }
}

function same(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return (a === null ? '' : bytesToHex(a)) === (b === null ? '' : bytesToHex(b))
}
