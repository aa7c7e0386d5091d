/** What a coordinator tells of itself at /metrics. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { newIdentity, startCoordinator, type TestCoordinator } from './fixture.ts'

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

test('checkpoints and what waits for one are told, and a log that is not theirs makes a coordinator not ready', async () => {
  const own = await createDatabase()
  const server = await startNats()
  const checkpoints = { intervalMs: 100 }
  const options = { natsUrl: server.url, databaseUrl: own.url, checkpoints }
  let coordinator = await startCoordinator(options)
  try {
    const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
    await coordinator.client().createSession({ sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants })
    while ((await metric(coordinator, 'checkpoint_events')) < 1);
    expect(await metric(coordinator, 'checkpoint_sequence')).toBe(1)
    expect(await metric(coordinator, 'checkpoint_waiting_events')).toBe(0)
    expect(await metric(coordinator, 'log_intact')).toBe(1)
    const text = async () => (await fetch(`${coordinator.httpUrl}/metrics`)).text()
    expect(await text()).toMatch(/^mpc_coordinator_checkpoint_age_seconds\{[^}]*\} [0-9.]+$/m)
    await coordinator.close()
    // To one with another identity, the checkpoint is a forgery.
    const identity = await newIdentity()
    coordinator = await startCoordinator({ ...options, checkpoints: { ...checkpoints, identity } })
    while ((await metric(coordinator, 'log_intact')) === 1);
    for (;;) {
      const ready = await fetch(`${coordinator.httpUrl}/readyz`)
      if (ready.status === 200) continue
      expect(await ready.json()).toMatchObject({ dependencies: { log_integrity: false, event_log: true } })
      break
    }
  } finally {
    await coordinator.close()
    await server.stop()
    await own.drop()
  }
})
