/**
 * Hundreds of short sessions at the same time on two routers, subscribed to at any moment of their lives: a wake-up
 * that is lost anywhere between the log and a subscriber leaves a subscription that does not end, or lacks messages.
 */
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { openLog, openTestRouter, readAll, send, subscribe } from './router-fixture.ts'
import { runningSession, type SessionFixture } from './session-fixture.ts'

const sessions = 400

let nats: TestNats
let logs: EventLog[]
let routers: Router[]

beforeAll(async () => {
  nats = await startNats()
  logs = [await openLog(nats.url), await openLog(nats.url)]
  routers = await Promise.all(logs.map((log) => openTestRouter(log)))
})

afterAll(async () => {
  for (const router of routers) await router.close()
  for (const log of logs) await log.close()
  await nats.stop()
})

const ends = {
  completed: (session) => session.complete(),
  failed: (session) => session.fail('party_lost'),
  expired: (session) => session.expire(),
  closed: (session) => session.fail('closed'),
} as const satisfies Record<string, (session: SessionFixture) => Promise<void>>

type Plan = typeof plan extends fc.Arbitrary<infer One> ? One : never

const plan = fc.record({
  messages: fc.nat(6),
  /** Through which router each message goes. */
  senders: fc.array(fc.nat(1), { minLength: 6, maxLength: 6 }),
  /** After how many messages somebody subscribes; 7: at the same time as the end; 8: after it. */
  subscribers: fc.array(fc.record({ moment: fc.nat(8), router: fc.nat(1), turns: fc.nat(5) }), {
    minLength: 1,
    maxLength: 4,
  }),
  outcome: fc.constantFrom('completed', 'failed', 'expired', 'closed'),
})

function pick<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item === undefined) throw new Error(`there is no item ${index}`)
  return item
}

/** What each subscriber of one session got: positions and outcome. */
async function live({ messages, senders, subscribers, outcome }: Plan) {
  const session = await runningSession(pick(logs, 0), ['a', 'b'])
  const results: Promise<readonly [number[], string | null]>[] = []
  const subscribeAt = (moment: number): void => {
    for (const subscriber of subscribers.filter((one) => one.moment === moment)) {
      results.push(
        (async () => {
          for (let count = 0; count < subscriber.turns; count += 1) await turn()
          const subscription = await subscribe(pick(routers, subscriber.router), session, 'b')
          const received = await readAll(subscription.messages())
          subscription.close()
          return [received.map(({ entry }) => entry.sequence), subscription.outcome()] as const
        })(),
      )
    }
  }
  const sent: number[] = []
  for (let count = 0; count < messages; count += 1) {
    subscribeAt(count)
    sent.push((await send(pick(routers, pick(senders, count)), session, 'a', { round: count })).sequence)
  }
  for (let moment = messages; moment < 8; moment += 1) subscribeAt(moment)
  await ends[outcome](session)
  subscribeAt(8)
  return { expected: [sent, outcome] as const, results: await Promise.all(results) }
}

test('every subscription gets every message and ends with its session', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: sessions, maxLength: sessions }), async (plans) => {
      const lives = await Promise.all(plans.map(live))
      for (const { expected, results } of lives) for (const result of results) expect(result).toEqual(expected)
      expect(lives.flatMap(({ results }) => results).length).toBeGreaterThan(sessions)
      expect(routers.map((router) => router.usage().subscriptions)).toEqual([0, 0])
    }),
    { numRuns: 2, endOnFailure: true },
  )
}, 60_000)
