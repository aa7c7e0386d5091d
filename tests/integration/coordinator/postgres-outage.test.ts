/** A coordinator whose Postgres is stopped, frozen or busy while sessions run: nothing is lost, and it tells. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startPostgres, type PostgresServer } from '../../../src/cli/postgres/postgres-server.ts'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import { rebuildReadModel } from '../../../src/coordinator/projection/rebuild/rebuild.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { createKeygen, joinAll, makeKey, report, startAll, startCoordinator, type TestCoordinator } from './fixture.ts'

const maxProjectionLagMs = 300
/** How long Postgres stays stopped: long enough for everything to notice. MPC_OUTAGE_MS=60000 for a whole minute. */
const outageMs = Number(process.env['MPC_OUTAGE_MS'] ?? 2000)

let folder: string
let nats: TestNats
let postgres: PostgresServer
let coordinator: TestCoordinator

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-outage-'))
  await chmod(folder, 0o711)
  nats = await startNats()
  postgres = await startPostgres({ folder: join(folder, 'postgres'), logFile: join(folder, 'log'), durable: false })
  coordinator = await startCoordinator({ natsUrl: nats.url, databaseUrl: postgres.url, maxProjectionLagMs })
})

afterAll(async () => {
  await coordinator?.close()
  await nats?.stop()
  await postgres?.stop()
  await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  await until({ database: true, read_model: true, projection_lag: true })
})

/** Until /readyz says so of these dependencies; the status of that answer. */
async function until(expected: Readonly<Record<string, boolean>>): Promise<number> {
  for (;;) {
    const response = await fetch(`${coordinator.httpUrl}/readyz`)
    const { dependencies } = (await response.json()) as { dependencies: Record<string, boolean> }
    if (Object.entries(expected).every(([name, answers]) => dependencies[name] === answers)) return response.status
    await delay(100)
  }
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${coordinator.httpUrl}/metrics`)).text()
  return Number(new RegExp(`^mpc_projection_${name}\\{[^}]*\\} ([\\d.]+)$`, 'm').exec(text)?.[1])
}

/** The read model is what the log says. */
async function expectCaughtUp(keyIds: readonly string[]): Promise<void> {
  expect(await until({ database: true, read_model: true, projection_lag: true })).toBe(200)
  while ((await metric('lag_events')) > 0) await delay(50)
  expect(await metric('failing')).toBe(0)
  const model = await openReadModel(postgres.url, () => undefined)
  const keys = await model.selectFrom('keys').select('key_id').where('key_id', 'in', keyIds).execute()
  await model.destroy()
  expect(keys).toHaveLength(keyIds.length)
  const log = await openLogReader({ url: nats.url, name: 'tests' })
  const ignore = (): void => undefined
  const options = { log, databaseUrl: postgres.url, verify: true, onProgress: ignore, onConnectionLost: ignore }
  const { tables } = await rebuildReadModel(options)
  await log.close()
  expect(tables.map(({ difference }) => difference)).toEqual([null, null, null])
}

/** The postmaster and every process of its own: the kernel answers for them, they do not. */
async function signalPostgres(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  const pidFile = await readFile(join(folder, 'postgres', 'cluster', 'postmaster.pid'), 'utf8')
  const pid = Number(pidFile.split('\n')[0])
  process.kill(pid, signal)
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  for (const child of children.trim().split(' ')) signalIfThere(Number(child), signal)
}

/** A process of Postgres's own serves one connection and ends with it, between being listed and being signalled too. */
function signalIfThere(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

describe('sessions go on, and the read model catches up, when Postgres', () => {
  test('is stopped for a while', { timeout: 60_000 + 2 * outageMs }, async () => {
    const before = await makeKey(coordinator)
    const created = await createKeygen(coordinator)
    const { sessionId: ongoing } = created
    const parties = await joinAll(coordinator, created)
    const { publicKey } = secp256k1.keygen()
    await postgres.stop()
    const rosterHash = await startAll(coordinator, ongoing, parties)
    const meanwhile = await makeKey(coordinator)
    expect(await until({ database: false, read_model: false, projection_lag: false })).toBe(503)
    expect(await metric('failing')).toBe(1)
    expect(await metric('lag_events')).toBeGreaterThan(0)
    expect(await metric('lag_seconds')).toBeGreaterThan(maxProjectionLagMs / 1000)
    await delay(outageMs)
    const atItsEnd = await makeKey(coordinator)
    const [alice, ...others] = parties
    if (alice === undefined) throw new Error('nobody has joined')
    await report(coordinator, ongoing, rosterHash, alice, publicKey)
    await postgres.restart()
    for (const party of others) await report(coordinator, ongoing, rosterHash, party, publicKey)
    expect(await coordinator.client().getSessionStatus({ sessionId: ongoing })).toMatchObject({ status: 'completed' })
    const after = await makeKey(coordinator)
    await expectCaughtUp([before.keyId, ongoing, meanwhile.keyId, atItsEnd.keyId, after.keyId])
  })

  test('is frozen', async () => {
    await signalPostgres('SIGSTOP')
    try {
      const meanwhile = await makeKey(coordinator)
      expect(await until({ event_log: true, database: false, projection_lag: false })).toBe(503)
      expect(await metric('lag_events')).toBeGreaterThan(0)
      await signalPostgres('SIGCONT')
      await expectCaughtUp([meanwhile.keyId])
    } finally {
      await signalPostgres('SIGCONT')
    }
  })

  test('lets nobody write, and only the lag tells', async () => {
    const model = await openReadModel(postgres.url, () => undefined)
    const meanwhile = await model.transaction().execute(async (transaction) => {
      await sql`lock table checkpoint in exclusive mode`.execute(transaction)
      const key = await makeKey(coordinator)
      expect(await until({ database: true, read_model: true, projection_lag: false })).toBe(503)
      return key
    })
    await model.destroy()
    await expectCaughtUp([meanwhile.keyId])
  })
})
