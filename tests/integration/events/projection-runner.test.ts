/**
 * The projection runner on a real log and a real database: nothing twice, nothing left out, whatever dies in between.
 */
import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EventLog, StoredEvent } from '../../../src/events/event-log.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { ProjectionAhead, startProjection } from '../../../src/events/projection-runner.ts'
import type { Projection } from '../../../src/events/projection.ts'
import { allSessions, sessionSubject } from '../../../src/events/subjects.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'

type Tables = { seen: { sequence: number }; position: { sequence: number } }

let nats: TestNats
let postgres: TestDatabase
let log: EventLog
let database: Kysely<Tables>
const errors: unknown[] = []

beforeEach(async () => {
  nats = await startNats()
  postgres = await createDatabase()
  log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  const pool = new pg.Pool({ connectionString: postgres.url })
  database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  await sql`create table seen (sequence integer primary key)`.execute(database)
  await sql`create table position (sequence integer not null)`.execute(database)
  await database.insertInto('position').values({ sequence: 0 }).execute()
  errors.length = 0
})

afterEach(async () => {
  await log.close()
  await database.destroy()
  await nats.stop()
  await postgres.drop()
})

const positionOf = (db: Kysely<Tables>) => db.selectFrom('position').select('sequence')

const projection: Projection<Tables, StoredEvent> = {
  filter: allSessions,
  checkpoint: async (db) => (await positionOf(db).executeTakeFirstOrThrow()).sequence,
  lockCheckpoint: async (db) => (await positionOf(db).forUpdate().executeTakeFirstOrThrow()).sequence,
  moveCheckpoint: async (db, sequence) => void (await db.updateTable('position').set({ sequence }).execute()),
  read: (stored) => stored,
  timeOf: () => 0,
  apply: async (db, events) => {
    await db.insertInto('seen').values(events.map(({ sequence }) => ({ sequence }))).execute()
  },
}

function start(change: Partial<Projection<Tables, StoredEvent>> = {}) {
  const onError = (error: unknown) => void errors.push(error)
  return startProjection({ log, database, projection: { ...projection, ...change }, onError, batchSize: 7 })
}

async function append(count: number): Promise<number> {
  let last = 0
  for (let n = 0; n < count; n += 1) {
    last = (await log.append(sessionSubject('s'), new Uint8Array([n]), { messageId: randomUUID() })).sequence
  }
  return last
}

async function seen(): Promise<number[]> {
  return (await database.selectFrom('seen').select('sequence').orderBy('sequence').execute()).map((row) => row.sequence)
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe('a projection', () => {
  test('catches up, follows, and tells when it has applied a position', async () => {
    const first = await append(40)
    const runner = await start()
    expect(await runner.waitUntilApplied(first, 10_000)).toBe(true)
    const second = await append(30)
    expect(await runner.waitUntilApplied(second, 10_000)).toBe(true)
    expect(await runner.waitUntilApplied(second + 1, 20)).toBe(false)
    expect(runner.applied()).toBe(second)
    expect(await seen()).toEqual(upTo(70))
    await runner.close()
  })

  test('resumes after its checkpoint when it died between two batches', async () => {
    const last = await append(50)
    let batches = 0
    const dying = await start({
      apply: async (db, events) => {
        batches += 1
        if (batches > 3) throw new Error('killed')
        await projection.apply(db, events)
      },
    })
    while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(dying.healthy()).toBe(false)
    await dying.close()
    expect(await seen()).toEqual(upTo(21))
    const runner = await start()
    expect(await runner.waitUntilApplied(last, 10_000)).toBe(true)
    expect(await seen()).toEqual(upTo(50))
    await runner.close()
  })

  test('takes a batch that failed half way again, from its beginning', async () => {
    const last = await append(20)
    let failures = 1
    const runner = await start({
      moveCheckpoint: async (db, sequence) => {
        if (failures-- > 0) throw new Error('after the events, before the checkpoint')
        await projection.moveCheckpoint(db, sequence)
      },
    })
    expect(await runner.waitUntilApplied(last, 10_000)).toBe(true)
    expect(errors).toHaveLength(1)
    expect(runner.healthy()).toBe(true)
    expect(await seen()).toEqual(upTo(20))
    await runner.close()
  })

  test('run by two processes applies every event once', async () => {
    const runners = [await start(), await start()]
    const last = await append(100)
    for (const runner of runners) expect(await runner.waitUntilApplied(last, 10_000)).toBe(true)
    expect(errors).toEqual([])
    expect(await seen()).toEqual(upTo(100))
    for (const runner of runners) await runner.close()
  })

  test('keeps up with a server restart', async () => {
    const runner = await start()
    await append(10)
    await nats.kill()
    await nats.restart()
    const last = await append(10)
    expect(await runner.waitUntilApplied(last, 20_000)).toBe(true)
    expect(await seen()).toEqual(upTo(20))
    await runner.close()
  })

  test('refuses to start on a log that ends before its checkpoint', async () => {
    await append(3)
    await database.updateTable('position').set({ sequence: 4 }).execute()
    await expect(start()).rejects.toBeInstanceOf(ProjectionAhead)
  })

  test('fills a read model that was emptied while it ran', async () => {
    const runner = await start()
    expect(await runner.waitUntilApplied(await append(30), 10_000)).toBe(true)
    await sql`truncate seen`.execute(database)
    await database.updateTable('position').set({ sequence: 0 }).execute()
    const last = await append(5)
    while ((await seen()).length < last) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await seen()).toEqual(upTo(last))
    expect(await runner.waitUntilApplied(last, 10_000)).toBe(true)
    expect(runner.healthy()).toBe(true)
    await runner.close()
  })

  test('stops before an event that it cannot read, and goes on once another process has applied that', async () => {
    const read = (stored: StoredEvent) => {
      if (stored.sequence === 10) throw new Error('from the future')
      return stored
    }
    const last = await append(20)
    const runner = await start({ read })
    while (!runner.stopped()) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await seen()).toEqual(upTo(9))
    expect(runner.healthy()).toBe(false)
    expect(await runner.lag()).toMatchObject({ events: 11 })
    const newer = await start()
    expect(await runner.waitUntilApplied(last, 10_000)).toBe(true)
    expect(runner.stopped()).toBe(false)
    expect(errors).toEqual([new Error('from the future')])
    expect(await seen()).toEqual(upTo(20))
    for (const each of [runner, newer]) await each.close()
  })

  test('tells how many events it is behind, and how old the oldest is', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const runner = await startProjection({
      log,
      database,
      projection: {
        ...projection,
        timeOf: ({ sequence }) => 1000 * sequence,
        apply: async (db, events) => {
          if ((events.at(-1)?.sequence ?? 0) > 7) await held
          await projection.apply(db, events)
        },
      },
      onError: (error) => void errors.push(error),
      now: () => 60_000,
      batchSize: 7,
    })
    expect(await runner.lag()).toEqual({ events: 0, seconds: 0 })
    const last = await append(15)
    expect(await runner.waitUntilApplied(7, 10_000)).toBe(true)
    expect(await runner.lag()).toEqual({ events: 8, seconds: 52 })
    release()
    expect(await runner.waitUntilApplied(last, 10_000)).toBe(true)
    expect(await runner.lag()).toEqual({ events: 0, seconds: 0 })
    await runner.close()
  })
})
