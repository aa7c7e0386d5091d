import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { as, bytes, openLog, openTestRouter, readAll, send, subscribe, takeMessages, texts } from './router-fixture.ts'
import { createSession, runningSession, type SessionFixture } from './session-fixture.ts'

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

describe('pending messages', () => {
  function pending(at: Router, session: SessionFixture, afterSequence: number, limit: number) {
    return at.pending({ sessionId: session.id, partyId: 'b', afterSequence, limit }, as(session, 'b'))
  }

  test('pages go through all messages to the party, in order', async () => {
    const session = await runningSession(log, ['a', 'b', 'c'])
    for (let round = 1; round <= 5; round += 1) {
      await send(router, session, 'a', { round, payload: bytes(`${round}`) })
      await send(router, session, 'a', { round, to: ['c'] })
    }
    const seen: string[][] = []
    let afterSequence = 0
    for (let hasMore = true; hasMore; ) {
      const page = await pending(router, session, afterSequence, 2)
      seen.push(texts(page.messages))
      afterSequence = page.messages.at(-1)?.entry.sequence ?? afterSequence
      hasMore = page.hasMore
    }
    expect(seen).toEqual([['1', '2'], ['3', '4'], ['5']])
  })

  test('a page has 100 messages by default and a bounded number of bytes, but at least one message', async () => {
    const small = await openTestRouter(log, { pageMessages: 3, pageBytes: 250 })
    const session = await runningSession(log, ['a', 'b'])
    const lengths = [300, 100, 100, 100, 10, 10, 10, 10]
    for (const [round, length] of lengths.entries()) {
      await send(small, session, 'a', { round, payload: new Uint8Array(length) })
    }
    const pages: number[][] = []
    let afterSequence = 0
    for (let hasMore = true; hasMore; ) {
      const page = await pending(small, session, afterSequence, 0)
      pages.push(page.messages.map(({ payload }) => payload.length))
      afterSequence = page.messages.at(-1)?.entry.sequence ?? afterSequence
      hasMore = page.hasMore
    }
    expect(pages).toEqual([[300], [100, 100], [100, 10, 10], [10, 10]])
    await small.close()
  })

  test('there are none before the start', async () => {
    const session = await createSession(log, ['a', 'b'])
    await session.join('b')
    expect(await pending(router, session, 0, 0)).toEqual({ messages: [], hasMore: false })
  })
})
