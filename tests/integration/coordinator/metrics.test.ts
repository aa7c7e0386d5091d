/** What a coordinator tells of itself at /metrics. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { startCoordinator, type TestCoordinator } from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let one: TestCoordinator
let other: TestCoordinator

beforeAll(async () => {
  nats = await startNats()
  database = await createDatabase()
  const options = { natsUrl: nats.url, databaseUrl: database.url }
  ;[one, other] = await Promise.all([startCoordinator(options), startCoordinator(options)])
})
afterAll(async () => {
  await one?.close()
  await other?.close()
  await nats?.stop()
  await database?.drop()
})

async function metric(coordinator: TestCoordinator, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${coordinator.httpUrl}/metrics`)).text()
  return Number(new RegExp(`^mpc_coordinator_${name}\\{${labels}[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

test('events of all coordinators are counted by kind, followers as they come and go', async () => {
  const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
  const { sessionId } = await one
    .client()
    .createSession({ sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants })
  const stop = new AbortController()
  const watch = other.feed().watchSession({ sessionId }, { signal: stop.signal })[Symbol.asyncIterator]()
  await watch.next()
  expect(await metric(other, 'followers')).toBe(1)
  await one.client().closeSession({ sessionId })
  // Whoever waits for what the feed tells has been told of the event.
  await watch.next()
  for (const kind of ['sessionCreated', 'sessionClosed'])
    expect(await metric(other, 'events_total', `kind="${kind}"`)).toBe(1)
  const position = await metric(other, 'log_position')
  expect(position).toBeGreaterThan(1)
  while ((await metric(other, 'applied_position')) < position);
  stop.abort()
  await watch.next().catch(() => undefined)
  while ((await metric(other, 'followers')) > 0);
})
