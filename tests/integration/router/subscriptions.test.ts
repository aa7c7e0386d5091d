import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { bytes, openLog, openTestRouter, readAll, send, subscribe, takeMessages, texts } from './router-fixture.ts'
import { runningSession, type SessionFixture } from './session-fixture.ts'

const sessionClosed = { case: 'sessionClosed', value: { $typeName: 'mpc.events.v1.SessionClosed' } } as const

let nats: TestNats
let log: EventLog
let router: Router

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  router = await openTestRouter(log, { subscriptionsPerParty: 2, subscriptions: 3 })
})

afterAll(async () => {
  await router.close()
  await log.close()
  await nats.stop()
})

describe('the end of a subscription', () => {
  test.each([
    ['completed', (session: SessionFixture) => session.complete()],
    ['failed', (session: SessionFixture) => session.fail('party_lost')],
    ['expired', (session: SessionFixture) => session.expire()],
    ['closed', (session: SessionFixture) => session.append(sessionClosed)],
  ] as const)('a session that is %s ends it, after all messages', async (outcome, end) => {
    const session = await runningSession(log, ['a', 'b'])
    const subscription = await subscribe(router, session, 'b')
    const received: string[] = []
    const done = (async () => {
      for await (const { payload } of subscription.messages()) received.push(new TextDecoder().decode(payload))
    })()
    for (let round = 1; round <= 20; round += 1) await send(router, session, 'a', { round, payload: bytes(`${round}`) })
    await end(session)
    await done
    expect(received).toEqual(Array.from({ length: 20 }, (_, index) => `${index + 1}`))
    expect(subscription.outcome()).toBe(outcome)
    subscription.close()
  })

  test('after the end a subscription replays and ends', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const first = await send(router, session, 'a', { payload: bytes('one') })
    await send(router, session, 'a', { round: 2, payload: bytes('two') })
    await session.complete()
    const late = await openTestRouter(log)
    const subscription = await subscribe(late, session, 'b', first.sequence)
    const stream = subscription.messages()
    expect(texts(await takeMessages(stream, 1))).toEqual(['two'])
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    subscription.close()
    await late.close()
  })

  test('a message stored through another router just before the end is still delivered', async () => {
    const otherLog = await openLog(nats.url)
    const other = await openTestRouter(otherLog)
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const session = await runningSession(log, ['a', 'b'])
      const subscription = await subscribe(router, session, 'b')
      const all = readAll(subscription.messages())
      await send(other, session, 'a', { payload: bytes('last words') })
      await session.complete()
      expect(texts(await all)).toEqual(['last words'])
      subscription.close()
    }
    await other.close()
    await otherLog.close()
  })
})

describe('cancelling and limits', () => {
  test('a cancelled subscription frees its place and its session, while it waits', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const cancel = new AbortController()
    const subscription = await subscribe(router, session, 'b', 0, cancel.signal)
    const next = subscription.messages().next()
    expect(router.usage().subscriptions).toBe(1)
    cancel.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(subscription.outcome()).toBeNull()
    expect(router.usage().subscriptions).toBe(0)
  })

  test('a cancelled subscription whose consumer has stopped pulling frees its place', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const cancel = new AbortController()
    for (let round = 1; round <= 3; round += 1) await send(router, session, 'a', { round })
    const subscription = await subscribe(router, session, 'b', 0, cancel.signal)
    await takeMessages(subscription.messages(), 1)
    cancel.abort()
    expect(router.usage().subscriptions).toBe(0)
    const again = await Promise.all([subscribe(router, session, 'b'), subscribe(router, session, 'b')])
    again.forEach((open) => open.close())
  })

  test('a party has so many subscriptions at once, and a router so many in all', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const own = [await subscribe(router, session, 'b'), await subscribe(router, session, 'b')]
    await expect(subscribe(router, session, 'b')).rejects.toMatchObject({
      code: 'rate_limited',
      details: { party_id: 'at most 2 subscriptions at once' },
    })
    const other = await subscribe(router, session, 'a')
    await expect(subscribe(router, session, 'a')).rejects.toMatchObject({
      code: 'rate_limited',
      details: { party_id: 'this router has no room for more' },
    })
    own.forEach((open) => open.close())
    const freed = await subscribe(router, session, 'b')
    freed.close()
    other.close()
    expect(router.usage().subscriptions).toBe(0)
  })

  test('subscriptions that are opened at the same time do not pass the limit together', async () => {
    const session = await runningSession(log, ['a', 'b', 'c'])
    const cold = await openTestRouter(log, { subscriptions: 2 })
    const opened = await Promise.allSettled(['a', 'b', 'c'].map((party) => subscribe(cold, session, party)))
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    await cold.close()
  })

  test('a consumer that does not pull takes no memory beyond the mailbox, and misses nothing', async () => {
    const poor = await openTestRouter(log, { memoryBytes: 200_000 })
    const session = await runningSession(log, ['a', 'b'])
    const subscription = await subscribe(poor, session, 'b')
    const stream = subscription.messages()
    for (let round = 1; round <= 30; round += 1) {
      await send(poor, session, 'a', { round, payload: new Uint8Array(50_000).fill(round) })
      expect(poor.usage().payloadBytes).toBeLessThanOrEqual(200_000)
    }
    const received = await takeMessages(stream, 30)
    expect(received.map(({ payload }) => payload[49_999])).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
    subscription.close()
    await poor.close()
  })
})
