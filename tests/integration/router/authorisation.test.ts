import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import type { Credential } from '../../../src/router/membership.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { as, message, openLog, openTestRouter, send, subscribe } from './router-fixture.ts'
import { createSession, runningSession, type SessionFixture } from './session-fixture.ts'

let nats: TestNats
let log: EventLog
let router: Router

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  router = await openTestRouter(log)
})

afterAll(async () => {
  await router.close()
  await log.close()
  await nats.stop()
})

/** 'a' and 'b' joined with keys, 'bare' without; all have started. */
async function mixedSession(): Promise<SessionFixture> {
  const session = await createSession(log, ['a', 'b', 'bare'])
  await session.join('a')
  await session.join('b')
  await session.join('bare', { keys: false })
  await session.start()
  return session
}

/** What routing, subscribing and fetching say to a credential: 'ok' or the refusal's code. */
async function answers(session: SessionFixture, partyId: string, credential: Credential): Promise<string[]> {
  const code = (error: { code: string }): string => error.code
  const request = { sessionId: session.id, partyId, afterSequence: 0 }
  const signal = new AbortController().signal
  const to = partyId === 'a' ? ['b'] : ['a']
  return Promise.all([
    router.route(message(session, partyId, { to }), credential, 'trace').then(() => 'ok', code),
    router.subscribe(request, credential, signal, 'grpc').then((open) => (open.close(), 'ok'), code),
    router.pending({ ...request, limit: 0 }, credential).then(() => 'ok', code),
  ])
}

const allowed = ['ok', 'ok', 'ok']
const refused = ['unauthorized', 'unauthorized', 'unauthorized']

describe('who may speak for a party', () => {
  test.each([
    ['with keys, its credential', 'a', 'a', false, allowed],
    ['with keys, its credential, in open mode', 'a', 'a', true, allowed],
    ['with keys, no credential', 'a', null, false, refused],
    ['with keys, no credential, in open mode', 'a', null, true, refused],
    ['with keys, the credential of another', 'a', 'b', false, refused],
    ['with keys, the credential of another, in open mode', 'a', 'b', true, refused],
    ['without keys, its credential', 'bare', 'bare', false, allowed],
    ['without keys, no credential', 'bare', null, false, refused],
    ['without keys, no credential, in open mode', 'bare', null, true, allowed],
    ['without keys, the credential of another', 'bare', 'a', false, refused],
    ['not of the session, in open mode', 'stranger', null, true, refused],
    ['not of the session, the credential of another', 'stranger', 'a', false, refused],
  ] as const)('a party %s', async (_name, party, bearer, openMode, expected) => {
    const session = await mixedSession()
    const credential = { openMode, bearer: bearer === null ? null : session.credential(bearer) }
    expect(await answers(session, party, credential)).toEqual(expected)
  })

  test('a party that was invited but has not joined may do nothing', async () => {
    const session = await createSession(log, ['a', 'b'])
    await session.join('a')
    expect(await answers(session, 'b', { openMode: true, bearer: null })).toEqual(refused)
  })

  test('a credential of another session is none', async () => {
    const [session, other] = [await mixedSession(), await mixedSession()]
    expect(await answers(session, 'a', as(other, 'a'))).toEqual(refused)
  })
})

describe('where messages may go', () => {
  test('an unknown session is not found, and leaves nothing in memory', async () => {
    const session = { ...(await mixedSession()), id: randomUUID() }
    const before = router.usage().sessions
    expect(await answers(session, 'a', as(session, 'a'))).toEqual(['not_found', 'not_found', 'not_found'])
    expect(router.usage().sessions).toBe(before)
  })

  test('recipients must be other participants, each one named', async () => {
    const session = await mixedSession()
    await expect(send(router, session, 'a', { to: ['b', 'a', 'stranger'] })).rejects.toMatchObject({
      code: 'invalid_request',
      details: { 'to_parties[1]': 'is the sender itself', 'to_parties[2]': 'is not a participant of this session' },
    })
  })

  test('a broadcast with recipients is a contradiction', async () => {
    const session = await mixedSession()
    await expect(send(router, session, 'a', { to: ['b'], isBroadcast: true })).rejects.toMatchObject({
      code: 'invalid_request',
      details: { is_broadcast: expect.any(String) },
    })
  })

  test('no recipients means everyone, whatever is_broadcast says', async () => {
    const session = await mixedSession()
    const routed = await send(router, session, 'a', { isBroadcast: false })
    await expect(send(router, session, 'a', { isBroadcast: true })).resolves.toEqual({
      sequence: routed.sequence,
      duplicate: true,
    })
  })
})

describe('when messages may be sent', () => {
  test('not before the start, and at once after it', async () => {
    const session = await createSession(log, ['a', 'b'])
    await session.join('a')
    await session.join('b')
    await expect(send(router, session, 'a')).rejects.toMatchObject({
      code: 'conflict',
      details: { session_id: 'is not in progress yet' },
    })
    await session.start()
    await expect(send(router, session, 'a')).resolves.toMatchObject({ duplicate: false })
  })

  test('what happened a moment ago at the coordinator is seen: join, start, send, without waiting', async () => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const session = await createSession(log, ['a', 'b'])
      await session.join('b')
      const subscription = await subscribe(router, session, 'b')
      await session.join('a')
      await session.start()
      await expect(send(router, session, 'a')).resolves.toMatchObject({ duplicate: false })
      subscription.close()
    }
  })

  test.each([
    ['completed', 'conflict'],
    ['failed', 'conflict'],
    ['expired', 'session_expired'],
  ] as const)('not when the session is %s: %s', async (outcome, code) => {
    const session = await runningSession(log, ['a', 'b'])
    await send(router, session, 'a')
    if (outcome === 'completed') await session.complete()
    if (outcome === 'failed') await session.fail('party_lost')
    if (outcome === 'expired') await session.expire()
    const late = await openTestRouter(log)
    await expect(send(late, session, 'a', { round: 2 })).rejects.toMatchObject({ code })
    await late.close()
  })
})
