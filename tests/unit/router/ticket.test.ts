/** Two routers on one log whose timing the test decides. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sessionSubject } from '../../../src/events/subjects.ts'
import { defaultRouterLimits } from '../../../src/router/limits.ts'
import { openRouter, type Router } from '../../../src/router/router.ts'
import type { Subscription } from '../../../src/router/subscription.ts'
import { created, encoded, joined, started } from './session-events.ts'
import { ScriptedLog } from './scripted-log.ts'

const signal = new AbortController().signal
const bare = { openMode: true, bearer: null }
const party = { sessionId: 's', partyId: 'a' }

let log: ScriptedLog
let first: Router
let second: Router

beforeEach(async () => {
  log = new ScriptedLog()
  const events = [created('s', ['a', 'b']), joined('s', 'a', { hasKeys: false }), started('s')]
  events.forEach((event, index) => log.put(sessionSubject('s'), encoded(event), `${index}`))
  const open = () => openRouter({ log, limits: defaultRouterLimits, warn: () => undefined })
  first = await open()
  second = await open()
})

afterEach(async () => {
  await first.close()
  await second.close()
})

/** Lets readings go on, and the followers of these routers, until `work` has settled. */
async function settled<Value>(work: Promise<Value>, followers: readonly number[]): Promise<Value> {
  let isSettled = false
  const done = work.finally(() => (isSettled = true))
  done.catch(() => undefined)
  for (let turn = 0; !isSettled; turn += 1) {
    if (turn === 1000) throw new Error('nothing goes on')
    await log.letRead(0)
    for (const follower of followers) await log.deliver('MESSAGES', follower)
  }
  return done
}

/** Keeps the session in the router's memory: from then on its follower tells what it knows. */
function hold(router: Router): Promise<Subscription> {
  return settled(router.subscribe({ ...party, afterSequence: 0 }, bare, signal, 'grpc'), [])
}

async function ticket(): Promise<string> {
  const asked = first.issueTicket({ ...party, afterSequence: 0, origin: '' }, bare, 'trace')
  return (await settled(asked, [0])).ticket
}

function show(router: Router, shown: string): Promise<Subscription> {
  return router.subscribeWithTicket({ ...party, ticket: shown, origin: '' }, null, signal, 'trace')
}

test('a router whose view of the log is behind looks for a ticket that another one has issued', async () => {
  const held = await hold(second)
  const shown = await ticket()
  const subscription = await settled(show(second, shown), [1])
  subscription.close()
  held.close()
})

test.each([
  ['the same router', () => [first, first]],
  ['two routers', () => [first, second]],
] as const)('of two who show a ticket to %s before either use is seen, one is let in', async (_where, routers) => {
  const held = await hold(second)
  const shown = await ticket()
  await log.deliver('MESSAGES', 1)
  const attempts = Promise.allSettled(routers().map((router) => show(router, shown)))
  for (let turn = 0; turn < 100 && log.stored('MESSAGES').length < 3; turn += 1) await log.letRead(0)
  expect(log.stored('MESSAGES')).toHaveLength(3)
  const results = await settled(attempts, [0, 1])
  const opened = results.filter((result) => result.status === 'fulfilled')
  expect(opened).toHaveLength(1)
  expect(results.filter((result) => result.status === 'rejected')).toMatchObject([
    { reason: { code: 'unauthorized', details: { ticket: 'has been used' } } },
  ])
  for (const { value } of opened) value.close()
  held.close()
})
