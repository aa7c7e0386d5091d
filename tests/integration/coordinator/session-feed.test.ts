/** What parties follow: a session, and the invitations of a server party. */
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refusalOf } from '../../../src/edge/refusal-error.ts'
import type { WatchInvitationsResponse } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import type { Identity, OpeningIdentity } from '../../../src/identity/identity-key.ts'
import { open, unpackSealed } from '../../../src/identity/seal.ts'
import { invitationsStatement, statement } from '../../../src/identity/statement.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import {
  joinAll,
  newIdentity,
  partyKeys,
  refusal,
  startAll,
  startCoordinator,
  type TestCoordinator,
} from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let one: TestCoordinator
let other: TestCoordinator
let server: OpeningIdentity

beforeAll(async () => {
  nats = await startNats()
  database = await createDatabase()
  server = await newIdentity()
  const servers = new Map([['server_001', server.publicKey]])
  const options = { natsUrl: nats.url, databaseUrl: database.url, servers }
  ;[one, other] = await Promise.all([startCoordinator(options), startCoordinator(options)])
})

afterAll(async () => {
  await one?.close()
  await other?.close()
  await nats?.stop()
  await database?.drop()
})

const participants = [{ partyId: 'alice' }, { partyId: 'server', deviceType: 'server', deviceId: 'server_001' }]
const request = { sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants }

async function signedRequest(signer: Identity, signedAtMs = Date.now(), deviceId = 'server_001') {
  const signature = await signer.sign(invitationsStatement({ deviceId, signedAtMs }))
  return { deviceId, signedAtMs: BigInt(signedAtMs), signature }
}

async function nextInvitation(stream: AsyncIterator<WatchInvitationsResponse>) {
  const { value, done } = await stream.next()
  expect(done).toBe(false)
  return (value as WatchInvitationsResponse).invitation
}

describe('watching a session', () => {
  test('shows it as it is, then each change, and ends with it', async () => {
    const created = await one.client().createSession(request)
    const { sessionId } = created
    const shown: string[] = []
    const watching = (async () => {
      for await (const { session } of other.feed().watchSession({ sessionId })) {
        shown.push(`${session?.status} ${session?.version}`)
      }
    })()
    while (shown.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const parties = await joinAll(one, created, { server })
    await startAll(one, sessionId, parties)
    await one.client().closeSession({ sessionId })
    await watching
    expect(shown[0]).toBe('created 1')
    expect(shown.at(-1)).toBe('failed 7')
    expect(shown).toContain('in_progress 6')
    expect(new Set(shown).size).toBe(shown.length)
  })

  test('ends at once for a session that is over', async () => {
    const { sessionId } = await one.client().createSession(request)
    await one.client().closeSession({ sessionId })
    const shown: (string | undefined)[] = []
    for await (const { session } of one.feed().watchSession({ sessionId })) shown.push(session?.status)
    expect(shown).toEqual(['failed'])
  })

  test('is for the parties of the session and for callers only', async () => {
    const created = await one.client().createSession(request)
    const [alice] = await joinAll(one, created, { server })
    const strangers = await joinAll(one, await one.client().createSession(request), { server })
    const first = async (bearer: string) => {
      const stream = one.feed(bearer).watchSession({ sessionId: created.sessionId })
      for await (const { session } of stream) return session?.status
      return undefined
    }
    expect(await first(alice!.credential)).toBe('waiting')
    for (const bearer of ['', strangers[0]!.credential]) {
      expect((await refusal(first(bearer))).code).toBe('unauthorized')
    }
  })

  test('of an unknown session is not found', async () => {
    const watching = one.feed().watchSession({ sessionId: 'unknown' })[Symbol.asyncIterator]().next()
    expect((await refusal(watching)).code).toBe('not_found')
  })
})

describe('invitations', () => {
  test('begin with an empty item, then the open ones, then new ones from any coordinator', async () => {
    const before = await one.client().createSession(request)
    const closed = await one.client().createSession(request)
    await one.client().closeSession({ sessionId: closed.sessionId })
    const calls = new AbortController()
    const items = other.feed('').watchInvitations(await signedRequest(server), { signal: calls.signal })
    const stream = items[Symbol.asyncIterator]()
    expect(await nextInvitation(stream)).toBeUndefined()
    const seen = new Set<string>()
    while (!seen.has(before.sessionId)) seen.add((await nextInvitation(stream))?.sessionId ?? '')
    expect(seen).not.toContain(closed.sessionId)
    await one.client().createSession({ ...request, participants: [{ partyId: 'alice' }, { partyId: 'bob' }] })
    const after = await one.client().createSession(request)
    const live = await nextInvitation(stream)
    expect(live).toMatchObject({ sessionId: after.sessionId, partyId: 'server' })
    calls.abort()
    await expect(stream.next()).rejects.toSatisfy((error) => ConnectError.from(error).code === Code.Canceled)
  })

  test('hold the join token for the holder of the identity alone', async () => {
    const stream = one.feed('').watchInvitations(await signedRequest(server))[Symbol.asyncIterator]()
    await nextInvitation(stream)
    const created = await one.client().createSession(request)
    let invitation = await nextInvitation(stream)
    while (invitation?.sessionId !== created.sessionId) invitation = await nextInvitation(stream)
    const { sessionId } = created
    const info = statement('joinTokenSeal', [sessionId])
    const aad = statement('joinTokenSeal', [sessionId, 'server', 'server_001'])
    const sealed = unpackSealed(invitation.sealedJoinToken)
    const token = await open(server.openingSecret(), info, aad, sealed)
    expect(new TextDecoder().decode(token ?? undefined)).toBe(created.joinTokens['server'])
    expect(await open((await newIdentity()).openingSecret(), info, aad, sealed)).toBeNull()
    const joinToken = created.joinTokens['server'] ?? ''
    const foreign = await partyKeys(await newIdentity(), sessionId, 'server')
    const refused = await refusal(one.client('').joinSession({ joinToken, partyId: 'server', keys: foreign }))
    expect(refused.code).toBe('unauthorized')
    await stream.return?.()
  })

  test('are shown to nobody else', async () => {
    const foreign = await newIdentity()
    const requests = [
      await signedRequest(foreign),
      await signedRequest(server, Date.now() - 61_000),
      await signedRequest(server, Date.now() + 61_000),
      await signedRequest(server, Date.now(), 'server_002'),
      { ...(await signedRequest(server)), signedAtMs: BigInt(Date.now() - 1000) },
    ]
    for (const wrong of requests) {
      const stream = one.feed('').watchInvitations(wrong)[Symbol.asyncIterator]()
      await expect(stream.next()).rejects.toSatisfy((error) => refusalOf(error).code === 'unauthorized')
    }
  })
})
