/** Routers before, during and after `mpc audit trim` has dropped the beginning of MESSAGES. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import { messagesOfSession } from '../../../src/events/subjects.ts'
import type { RouterLimits } from '../../../src/router/limits.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { trimUpTo } from '../../setup/trim.ts'
import { as, bytes, openLog, openTestRouter, readAll, send, subscribe, takeMessages, texts } from './router-fixture.ts'
import { runningSession, type SessionFixture } from './session-fixture.ts'

let nats: TestNats
let log: EventLog
const routers: Router[] = []

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
})
afterEach(async () => {
  for (const router of routers.splice(0)) await router.close()
})
afterAll(async () => {
  await log.close()
  await nats.stop()
})

async function route(limits: Partial<RouterLimits> = {}): Promise<Router> {
  const router = await openTestRouter(log, limits)
  routers.push(router)
  return router
}

const trim = (upTo: number) => trimUpTo(nats.url, log, upTo)

/** A session that completed with one message of each of these rounds from a to b. Resolves to the last one's position. */
async function completedSession(router: Router, rounds: readonly number[]) {
  const session = await runningSession(log, ['a', 'b'])
  let last = 0
  for (const round of rounds) last = (await send(router, session, 'a', { round, payload: bytes(`${round}`) })).sequence
  await session.complete()
  return { session, last }
}

const pending = (router: Router, session: SessionFixture, afterSequence = 0) =>
  router.pending({ sessionId: session.id, partyId: 'b', afterSequence, limit: 0 }, as(session, 'b'))

async function whole(router: Router, session: SessionFixture) {
  const subscription = await subscribe(router, session, 'b')
  const received = texts(await readAll(subscription.messages()))
  subscription.close()
  return { received, outcome: subscription.outcome() }
}

const conflict = expect.objectContaining({ code: 'conflict' })

describe('of a session that is over and was moved', () => {
  test.each<readonly [string, Partial<RouterLimits>]>([
    ['while its messages are in memory', {}],
    ['while it is in memory without its payloads', { memoryBytes: 0 }],
    ['when it has left memory', { idleMs: 20 }],
  ])('a router shows what is left, %s', async (_when, limits) => {
    const router = await route(limits)
    const { session, last } = await completedSession(router, [1, 2, 3, 4])
    if (limits.idleMs === undefined) expect(texts((await pending(router, session)).messages)).toHaveLength(4)
    else await expect.poll(() => router.usage().mailboxes).toBe(0)
    await send(router, await runningSession(log, ['a', 'b']), 'a')
    await trim(last - 2)

    const inMemory = limits.memoryBytes === undefined && limits.idleMs === undefined
    const left = inMemory ? ['1', '2', '3', '4'] : ['3', '4']
    expect(texts((await pending(router, session)).messages)).toEqual(left)
    expect(await whole(router, session)).toEqual({ received: left, outcome: 'completed' })
    await trim(last)
    const fresh = await route()
    for (const at of inMemory ? [fresh] : [router, fresh]) {
      if (limits.idleMs !== undefined && at === router) await expect.poll(() => at.usage().mailboxes).toBe(0)
      expect(await pending(at, session)).toEqual({ messages: [], hasMore: false, nextAfterSequence: 0 })
      expect(await whole(at, session)).toEqual({ received: [], outcome: 'completed' })
    }
    await expect(send(router, session, 'a', { payload: bytes('1') })).rejects.toEqual(conflict)
    await expect(send(fresh, session, 'a', { payload: bytes('1') })).rejects.toEqual(conflict)
  })
})

describe('of a session that runs', () => {
  test('every slot keeps what it holds: the same is a duplicate, another payload a conflict, with any router', async () => {
    const router = await route({ memoryBytes: 0 })
    const { last } = await completedSession(router, [1, 2])
    const session = await runningSession(log, ['a', 'b'])
    const first = await send(router, session, 'a', { payload: bytes('first') })
    await send(router, session, 'a', { round: 2, payload: bytes('second') })
    await trim(last)

    for (const at of [router, await route()]) {
      const again = await send(at, session, 'a', { payload: bytes('first') })
      expect(again).toEqual({ sequence: first.sequence, duplicate: true })
      await expect(send(at, session, 'a', { payload: bytes('other') })).rejects.toEqual(conflict)
      const page = await pending(at, session)
      expect(texts(page.messages)).toEqual(['first', 'second'])
      expect(page.nextAfterSequence).toBe(first.sequence + 1)
      expect(texts((await pending(at, session, first.sequence)).messages)).toEqual(['second'])
    }
    const refusals = (await readAll(log.read(messagesOfSession(session.id)))).length - 2
    expect(refusals).toBe(1)
    expect(await send(router, session, 'a', { round: 3 })).toMatchObject({ duplicate: false })
  })

  test('nothing that is sent while the stream is trimmed is lost or comes twice', async () => {
    const [one, two] = [await route(), await route()]
    const { last } = await completedSession(one, [1, 2])
    const session = await runningSession(log, ['a', 'b'])
    const subscription = await subscribe(two, session, 'b')
    const count = 60
    const received = takeMessages(subscription.messages(), count)
    let sent = 0
    const sending = (async () => {
      for (; sent < count; sent += 1) await send(one, session, 'a', { round: sent + 1, payload: bytes(`${sent}`) })
    })()
    await expect.poll(() => sent).toBeGreaterThan(0)
    await trim(last)
    await sending
    const all = Array.from({ length: count }, (_, i) => `${i}`)
    expect(texts(await received)).toEqual(all)
    subscription.close()
    expect(texts((await pending(await route(), session)).messages)).toEqual(all)
  })

  test('what is asked of a router while the stream is trimmed is answered, if later', async () => {
    const router = await route({ idleMs: 20, memoryBytes: 0 })
    const { last } = await completedSession(router, [1, 2])
    const session = await runningSession(log, ['a', 'b'])
    await send(router, session, 'a')
    let trimming = true
    const answers: number[] = []
    const asking = (async () => {
      while (trimming) answers.push((await pending(await route(), session)).messages.length)
    })()
    await trim(last)
    trimming = false
    await asking
    expect(new Set(answers)).toEqual(new Set([1]))
  })
})
