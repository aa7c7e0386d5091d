/** `mpc projections rebuild` on a real log and database, beside coordinators that serve. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql, type Kysely } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import type { CoordinatorDatabase } from '../../../src/coordinator/projection/tables.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { trimUpTo } from '../../setup/trim.ts'
import { makeKey, startCoordinator, type TestCoordinator } from './fixture.ts'
import { writeSessions } from './written-log.ts'

const sessions = 500
const mainFile = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

let nats: TestNats
let database: TestDatabase
let model: Kysely<CoordinatorDatabase>
let coordinators: TestCoordinator[] = []

beforeAll(async () => {
  nats = await startNats()
  database = await createDatabase()
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  await writeSessions(log, 0, sessions)
  await log.close()
  model = await openReadModel(database.url, () => undefined)
  await coordinate()
  await untilQuiet()
})

afterEach(async () => {
  for (const coordinator of coordinators.splice(1)) await coordinator.close()
})

afterAll(async () => {
  for (const coordinator of coordinators) await coordinator.close()
  await model?.destroy()
  await nats?.stop()
  await database?.drop()
})

async function coordinate(): Promise<TestCoordinator> {
  const started = await startCoordinator({ natsUrl: nats.url, databaseUrl: database.url })
  coordinators.push(started)
  return started
}

const position = async () => Number((await model.selectFrom('checkpoint').select('sequence').executeTakeFirst())?.sequence)

/** Until nothing happens any more: the sweeper still ends sessions whose time was up. */
async function untilQuiet(): Promise<void> {
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  for (let quiet = 0; quiet < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    quiet = (await position()) === (await log.lastSequence('SESSIONS')) ? quiet + 1 : 0
  }
  await log.close()
}

function start(...args: readonly string[]) {
  const env = { ...process.env, NATS_URL: nats.url, DATABASE_URL: database.url }
  const child = spawn(process.execPath, [mainFile, 'projections', 'rebuild', ...args], { env })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (output.out += String(chunk)))
  child.stderr.on('data', (chunk) => (output.err += String(chunk)))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  return { child, ended }
}

const rebuild = (...args: readonly string[]) => start(...args).ended

/** The hashes that were printed, by table. */
function hashes(out: string): Readonly<Record<string, readonly [before: string, after: string]>> {
  const lines = out.matchAll(/^(\w+) .*before ([0-9a-f]{64}) {2}after ([0-9a-f]{64})/gm)
  return Object.fromEntries([...lines].map(([, table, before, after]) => [table, [before, after]]))
}

/** Everything that is in the read model, to be compared. */
async function content(): Promise<unknown> {
  const participants = model.selectFrom('participants').selectAll().orderBy('session_id').orderBy('party_index')
  return {
    sessions: await model.selectFrom('sessions').selectAll().orderBy('session_id').execute(),
    participants: await participants.execute(),
    keys: await model.selectFrom('keys').selectAll().orderBy('key_id').execute(),
    checkpoint: await model.selectFrom('checkpoint').selectAll().execute(),
  }
}

const oidOf = async (table: string) =>
  (await sql<{ oid: number }>`select to_regclass(${table})::oid as oid`.execute(model)).rows[0]?.oid

async function leftSchemas(): Promise<readonly string[]> {
  const { rows } = await sql<{ nspname: string }>`select nspname from pg_namespace where nspname like 'coordinator_%'`
    .execute(model)
  return rows.map(({ nspname }) => nspname)
}

/** How far the shadow is built; 0 where there is none. */
async function built(): Promise<number> {
  const found = await sql<{ sequence: string }>`select sequence from coordinator_rebuild.checkpoint`
    .execute(model)
    .catch(() => null)
  return Number(found?.rows[0]?.sequence ?? 0)
}

/** Starts a rebuild and kills it after its first batch. Resolves to the position that it had reached. */
async function killHalfWay(): Promise<number> {
  const { child, ended } = start()
  while ((await built()) === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  child.kill('SIGKILL')
  expect((await ended).code).toBe(null)
  return built()
}

describe('a rebuild', () => {
  test('puts new tables in place that hold exactly what was there', async () => {
    const before = await content()
    const oid = await oidOf('sessions')
    const { code, out, err } = await rebuild()
    expect(err).not.toMatch(/^mpc:/m)
    expect(code).toBe(0)
    expect(await oidOf('sessions')).not.toBe(oid)
    expect(await content()).toEqual(before)
    expect(Object.keys(hashes(out))).toEqual(['sessions', 'participants', 'keys'])
    for (const [was, is] of Object.values(hashes(out))) expect(is).toBe(was)
    expect(out).toMatch(/identical to the log at event [\d,]+ \([\d,]+ events in [\d.]+ s, [\d,]+ events\/s\)/)
    expect(await leftSchemas()).toEqual([])
  })

  test('while coordinators append loses no event and applies none twice', async () => {
    const other = await coordinate()
    let running = true
    const load = coordinators.map(async (coordinator) => {
      while (running) await makeKey(coordinator)
    })
    const results = [await rebuild(), await rebuild(), await rebuild()]
    running = false
    await Promise.all(load)
    expect(results.map(({ code, err }) => [code, err.match(/^mpc:.*/m)])).toEqual(results.map(() => [0, null]))
    await untilQuiet()
    const ready = await fetch(`${other.httpUrl}/readyz`)
    expect(await ready.json()).toMatchObject({ dependencies: { read_model: true, projection_lag: true } })
    const { code, out } = await rebuild('--verify')
    expect(out).toContain('identical to the log')
    expect(code).toBe(0)
  })

  test('repairs what somebody has changed', async () => {
    const before = await content()
    await model.updateTable('keys').set({ threshold_t: 1 }).where('key_id', '=', 'session-2').execute()
    await model.deleteFrom('participants').where('session_id', '=', 'session-3').execute()
    const { code, out } = await rebuild()
    expect(code).toBe(0)
    expect(out).toMatch(/^participants .*different: row session-3\/0 is missing$/m)
    expect(out).toMatch(/^keys .*different: row session-2 differs in threshold_t$/m)
    expect(await content()).toEqual(before)
  })

  test('that is killed changes nothing, and the next one goes on where it was', async () => {
    const before = await content()
    const oid = await oidOf('sessions')
    const reached = await killHalfWay()
    expect(await oidOf('sessions')).toBe(oid)
    expect(await content()).toEqual(before)
    const { code, out, err } = await rebuild()
    expect(code).toBe(0)
    expect(err).toContain(`going on after event ${reached.toLocaleString('en-US')}`)
    expect(out).toContain(`(${((await position()) - reached).toLocaleString('en-US')} events in`)
    expect(await content()).toEqual(before)
  })

  test('does not go on with what was built from another log', async () => {
    await killHalfWay()
    await sql`update coordinator_rebuild.sessions set chain_head = '\\x00'`.execute(model)
    const { code, out, err } = await rebuild('--verify')
    expect(err).not.toContain('going on')
    expect(out).toContain('identical to the log')
    expect(code).toBe(0)
  })

  test('refuses to begin while another one runs', async () => {
    await model.connection().execute(async (other) => {
      const key = sql`hashtext('mpc-system'), hashtext('rebuild of the read model')`
      await sql`select pg_advisory_lock(${key})`.execute(other)
      const { code, err } = await rebuild()
      await sql`select pg_advisory_unlock(${key})`.execute(other)
      expect(code).toBe(1)
      expect(err).toBe('mpc: another rebuild of this read model is running\n')
    })
  })

  test('fills tables that somebody has emptied, with a coordinator or without', async () => {
    await expectRefilled()
  })
})

/** Empties the tables with no coordinator there, and rebuilds them. */
async function expectRefilled(): Promise<void> {
  const before = await content()
  const [coordinator] = coordinators.splice(0)
  await coordinator?.close()
  await sql`truncate participants, keys, sessions, checkpoint`.execute(model)
  expect((await rebuild()).code).toBe(0)
  expect(await content()).toEqual(before)
  await coordinate()
}

test('a log whose messages were moved to an archive is rebuilt to the same, and verifies', async () => {
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  for (const n of [1, 2, 3]) await log.append('mpc.message.session-0.all', new Uint8Array(9), { messageId: `message ${n}` })
  await trimUpTo(nats.url, log, 2)
  await log.close()
  expect(await rebuild('--verify')).toMatchObject({ code: 0, out: expect.stringContaining('identical to the log') })
  await expectRefilled()
})

describe('--verify', () => {
  test('replaces nothing', async () => {
    const oid = await oidOf('sessions')
    const { code, out } = await rebuild('--verify')
    expect(code).toBe(0)
    expect(out).toContain('nothing was replaced')
    expect(await oidOf('sessions')).toBe(oid)
    expect(await leftSchemas()).toEqual([])
  })

  test('names the first row that differs in each table, and exits with 1', async () => {
    const tampered = { status: 'failed', recovery_id: 3 }
    await model.updateTable('sessions').set(tampered).where('session_id', '=', 'session-0').execute()
    const { code, out } = await rebuild('--verify')
    expect(code).toBe(1)
    expect(out).toMatch(/^sessions .*different: row session-0 differs in status, recovery_id$/m)
    expect(out).toMatch(/^keys .*identical$/m)
    const [before, after] = hashes(out)['sessions'] ?? []
    expect(before).not.toBe(after)
    expect((await rebuild()).code).toBe(0)
    expect((await rebuild('--verify')).code).toBe(0)
  })

  test('finds a row that is not in the log', async () => {
    const key = { key_id: 'a-key-of-nobody', key_type: 'ecdsa-secp256k1', public_key: new Uint8Array(33) }
    await model.insertInto('keys').values({ ...key, threshold_t: 1, threshold_n: 1, sequence: 1 }).execute()
    const { code, out } = await rebuild('--verify')
    await model.deleteFrom('keys').where('key_id', '=', key.key_id).execute()
    expect(code).toBe(1)
    expect(out).toMatch(/^keys .*different: row a-key-of-nobody is not in the log$/m)
  })
})
