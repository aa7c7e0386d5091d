import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import { messagesOfSession } from '../../../src/events/subjects.ts'
import { decodeMessageEvent } from '../../../src/events/message-event.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { bytes, openLog, openTestRouter, readAll, send, subscribe, takeMessages, texts } from './router-fixture.ts'
import { runningSession, type SessionFixture } from './session-fixture.ts'

let nats: TestNats
let logs: EventLog[]
let routers: [Router, Router]

beforeAll(async () => {
  nats = await startNats()
  const [one, two] = [await openLog(nats.url), await openLog(nats.url)]
  logs = [one, two]
  routers = [await openTestRouter(one), await openTestRouter(two)]
})

afterAll(async () => {
  for (const router of routers) await router.close()
  for (const log of logs) await log.close()
  await nats.stop()
})

function firstLog(): EventLog {
  const [log] = logs
  if (log === undefined) throw new Error('no log')
  return log
}

function sendRound(router: Router, session: SessionFixture, round: number) {
  return send(router, session, 'a', { round, payload: bytes(`round ${round}`) })
}

describe('two routers on one log', () => {
  test('what one routes, a subscription at the other delivers', async () => {
    const [one, two] = routers
    const session = await runningSession(firstLog(), ['a', 'b'])
    const subscription = await subscribe(two, session, 'b')
    const received = takeMessages(subscription.messages(), 3)
    for (let round = 1; round <= 3; round += 1) await sendRound(one, session, round)
    expect(texts(await received)).toEqual(['round 1', 'round 2', 'round 3'])
    subscription.close()
  })

  test('of different payloads for one slot at one moment a single one is stored, and both agree on it', async () => {
    const [one, two] = routers
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const session = await runningSession(firstLog(), ['a', 'b'])
      const results = await Promise.allSettled([
        send(one, session, 'a', { payload: bytes('one') }),
        send(two, session, 'a', { payload: bytes('two') }),
      ])
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const winner = results[0].status === 'fulfilled' ? 'one' : 'two'
      const stored = await readAll(firstLog().read(messagesOfSession(session.id)))
      const kinds = stored.map(({ data }) => decodeMessageEvent(data)?.payload.case)
      expect(kinds.filter((kind) => kind === 'messageRouted')).toHaveLength(1)
      for (const router of routers) {
        const subscription = await subscribe(router, session, 'b')
        expect(texts(await takeMessages(subscription.messages(), 1))).toEqual([winner])
        subscription.close()
      }
    }
  })

  test('the same payload at both is one message, and neither is refused', async () => {
    const [one, two] = routers
    const session = await runningSession(firstLog(), ['a', 'b'])
    const results = await Promise.all([send(one, session, 'a'), send(two, session, 'a')])
    expect(results[0].sequence).toBe(results[1].sequence)
    expect(results.map(({ duplicate }) => duplicate).sort()).toEqual([false, true])
  })

  test('a second stored message for a slot, past the duplicate window, is delivered to nobody', async () => {
    const [one, two] = routers
    const session = await runningSession(firstLog(), ['a', 'b'])
    await send(one, session, 'a', { payload: bytes('first') })
    const [stored] = await readAll(firstLog().read(messagesOfSession(session.id)))
    if (stored === undefined) throw new Error('nothing stored')
    await firstLog().append(stored.subject, stored.data, { messageId: 'after the window' })
    await send(one, session, 'a', { round: 2, payload: bytes('second') })
    for (const router of routers) {
      const subscription = await subscribe(router, session, 'b')
      expect(texts(await takeMessages(subscription.messages(), 2))).toEqual(['first', 'second'])
      subscription.close()
    }
    await expect(send(two, session, 'a', { payload: bytes('other') })).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('a router that goes away', () => {
  test('loses nothing: another has what was acknowledged, and subscriptions resume after their last one', async () => {
    const log = await openLog(nats.url)
    const session = await runningSession(firstLog(), ['a', 'b'])
    const before = await openTestRouter(log)
    const subscription = await subscribe(before, session, 'b')
    const stream = subscription.messages()
    for (let round = 1; round <= 3; round += 1) await sendRound(before, session, round)
    const [, last] = await takeMessages(stream, 2)
    await before.close()
    await log.close()

    const after = await openTestRouter(firstLog())
    const resumed = await subscribe(after, session, 'b', last?.entry.sequence ?? 0)
    const received = takeMessages(resumed.messages(), 2)
    await send(after, session, 'a', { round: 4, payload: bytes('round 4') })
    expect(texts(await received)).toEqual(['round 3', 'round 4'])
    await expect(send(after, session, 'a', { round: 1, payload: bytes('round 1') })).resolves.toMatchObject({
      duplicate: true,
    })
    await expect(send(after, session, 'a', { round: 1, payload: bytes('changed') })).rejects.toMatchObject({
      code: 'conflict',
    })
    resumed.close()
    await after.close()
  })

  test('tells its subscribers that it is unavailable and takes no new ones', async () => {
    const router = await openTestRouter(firstLog())
    const session = await runningSession(firstLog(), ['a', 'b'])
    const subscription = await subscribe(router, session, 'b')
    const next = subscription.messages().next()
    router.stop()
    await expect(next).rejects.toMatchObject({ code: 'unavailable' })
    const late = await subscribe(router, session, 'b')
    await expect(late.messages().next()).rejects.toMatchObject({ code: 'unavailable' })
    expect(router.usage().subscriptions).toBe(0)
    await router.close()
  })
})

describe('a log server that goes away', () => {
  test('costs nothing that was acknowledged: routing and subscriptions go on when it is back', async () => {
    const own = await startNats()
    const log = await openLog(own.url)
    const router = await openTestRouter(log)
    const session = await runningSession(log, ['a', 'b'])
    const subscription = await subscribe(router, session, 'b')
    const stream = subscription.messages()
    await send(router, session, 'a', { round: 1, payload: bytes('before') })
    expect(texts(await takeMessages(stream, 1))).toEqual(['before'])
    await own.kill()
    const during = send(router, session, 'a', { round: 2, payload: bytes('during') })
    await own.restart()
    await during
    await send(router, session, 'a', { round: 3, payload: bytes('after') })
    expect(texts(await takeMessages(stream, 2))).toEqual(['during', 'after'])
    await expect(send(router, session, 'a', { round: 1, payload: bytes('before') })).resolves.toMatchObject({
      duplicate: true,
    })
    subscription.close()
    await router.close()
    await log.close()
    await own.stop()
  })
})
