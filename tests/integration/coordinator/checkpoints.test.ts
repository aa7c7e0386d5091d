/** Checkpoints of a real log, by one coordinator and by two: crashes, a lost database, a log that was changed. */
import { setTimeout as delay } from 'node:timers/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { sql, type Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { noCheckpoint, readCheckpoint, type Checkpoint } from '../../../src/audit/checkpoint-event.ts'
import { leafOfEvent } from '../../../src/audit/log-leaf.ts'
import { MerkleTree, verifyConsistency } from '../../../src/audit/merkle-tree.ts'
import { checkpointStore } from '../../../src/coordinator/checkpoints/checkpoint-store.ts'
import type { CheckpointPolicy } from '../../../src/coordinator/checkpoints/checkpoint-policy.ts'
import { startCheckpointer, type Checkpointer } from '../../../src/coordinator/checkpoints/checkpointer.ts'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import type { CoordinatorDatabase } from '../../../src/coordinator/projection/tables.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { allMessages, allSessions, checkpoints } from '../../../src/events/subjects.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const identity = await identityFromSeed(new Uint8Array(32).fill(1))

let nats: TestNats
let database: TestDatabase
let log: EventLog
let tables: Kysely<CoordinatorDatabase>
const running: Checkpointer[] = []

beforeEach(async () => {
  ;[nats, database] = await Promise.all([startNats(), createDatabase()])
  log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  tables = await openReadModel(database.url, () => undefined)
})
afterEach(async () => {
  for (const checkpointer of running.splice(0)) await checkpointer.close()
  await log.close()
  await tables.destroy()
  await Promise.all([nats.stop(), database.drop()])
})

type Running = Checkpointer & Readonly<{ tampered: Promise<string>; errors: unknown[] }>

function start(policy: Partial<CheckpointPolicy> = {}, through: EventLog = log): Running {
  const errors: unknown[] = []
  let tell = (_: string): void => undefined
  const tampered = new Promise<string>((resolve) => {
    tell = resolve
  })
  const checkpointer = startCheckpointer({
    log: through,
    store: checkpointStore(tables),
    policy: { identity, formerKeys: [], intervalMs: 100, maxEvents: 4, ...policy },
    now: Date.now,
    onError: (error) => void errors.push(error),
    onTampered: (error) => tell(error.message),
  })
  running.push(checkpointer)
  return { ...checkpointer, tampered, errors }
}

let written = 0
async function write(subject: string, count = 1, to: EventLog = log): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    written += 1
    await to.append(subject, new TextEncoder().encode(`event ${written}`), { messageId: `event-${written}` })
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(10)
}

/** Every checkpoint in the log, each verified against the one before. */
async function chain(of: EventLog = log, keys = [identity.publicKey]): Promise<Checkpoint[]> {
  const found: Checkpoint[] = []
  for await (const { data } of of.read(checkpoints)) {
    found.push(await readCheckpoint(data, found.at(-1) ?? noCheckpoint, keys))
  }
  return found
}

async function treeOf(filter: string): Promise<MerkleTree> {
  const tree = new MerkleTree()
  for await (const event of log.read(filter)) tree.append(leafOfEvent(event))
  return tree
}

const rowsOf = async (): Promise<number> => (await tables.selectFrom('log_checkpoints').selectAll().execute()).length

describe('checkpoints', () => {
  test('commit to every event of both streams, in parts of bounded size, each consistent with the one before', async () => {
    await write('mpc.session.one', 6)
    await write('mpc.message.one.all', 5)
    const checkpointer = start()
    await until(() => checkpointer.status().covered === 11)
    const found = await chain()
    expect(found.map(({ sessions, messages }) => [sessions.size, messages.size])).toEqual([[4, 0], [6, 2], [6, 5]])
    const trees = { sessions: await treeOf(allSessions), messages: await treeOf(allMessages) }
    for (const stream of ['sessions', 'messages'] as const) {
      for (const [index, checkpoint] of found.entries()) {
        const now = checkpoint[stream]
        expect(hex(now.root)).toBe(hex(trees[stream].root(now.size)))
        const before = found[index - 1]?.[stream]
        if (before === undefined || before.size === 0) continue
        expect(verifyConsistency(before, now, trees[stream].consistencyProof(before.size, now.size))).toBe(true)
      }
    }
    expect(checkpointer.status()).toMatchObject({ sequence: 3, waiting: 0, intact: true })
    expect(await rowsOf()).toBe(3)
  })

  test('are made when events have waited long enough, and not where nothing has happened', async () => {
    const checkpointer = start({ maxEvents: 1000 })
    await write('mpc.session.one')
    await until(() => checkpointer.status().sequence === 1)
    await delay(300)
    expect(await chain()).toHaveLength(1)
    await write('mpc.message.one.all')
    await until(() => checkpointer.status().sequence === 2)
  })

  test('wait for the interval while there are few events', async () => {
    const checkpointer = start({ intervalMs: 3_600_000, maxEvents: 3 })
    await write('mpc.session.one', 2)
    await until(() => checkpointer.status().waiting === 2)
    expect(await chain()).toEqual([])
    await write('mpc.session.one')
    await until(() => checkpointer.status().sequence === 1)
  })

  test('go on where they ended, without reading the log from its beginning again', async () => {
    await write('mpc.session.one', 4)
    const first = start()
    await until(() => first.status().covered === 4)
    await first.close()
    const readFrom: (number | undefined)[] = []
    const watched: EventLog = {
      ...log,
      read: (filter, after) => {
        if (filter === allSessions) readFrom.push(after)
        return log.read(filter, after)
      },
    }
    const second = start({}, watched)
    await write('mpc.session.one', 4)
    await until(() => second.status().covered === 8)
    expect(readFrom).toEqual([4])
    expect(await chain()).toHaveLength(2)
  })

  test('that were in the log before Postgres heard of them are taken over after a crash', async () => {
    const dying: Kysely<CoordinatorDatabase> = tables
    const store = checkpointStore(dying)
    await write('mpc.session.one', 4)
    const crashed = startCheckpointer({
      log,
      store: { ...store, save: () => Promise.reject(new Error('killed')) },
      policy: { identity, formerKeys: [], intervalMs: 100, maxEvents: 4 },
      now: Date.now,
      onError: () => undefined,
      onTampered: () => undefined,
    })
    running.push(crashed)
    await until(async () => (await log.lastSequence('CHECKPOINTS')) === 1)
    await crashed.close()
    expect(await rowsOf()).toBe(0)
    const next = start()
    await until(async () => (await rowsOf()) === 1)
    await write('mpc.session.one', 4)
    await until(() => next.status().sequence === 2)
    expect(await chain()).toHaveLength(2)
  })

  test('come back into Postgres from the log, verified', async () => {
    await write('mpc.session.one', 7)
    await write('mpc.message.one.all', 7)
    const first = start()
    await until(() => first.status().covered === 14)
    await first.close()
    const before = await tables.selectFrom('log_checkpoints').selectAll().orderBy('sequence').execute()
    const trees = await tables.selectFrom('log_trees').selectAll().orderBy('stream').execute()
    await sql`truncate log_checkpoints, log_trees`.execute(tables)
    const second = start()
    await until(() => second.status().covered === 14)
    expect(await tables.selectFrom('log_checkpoints').selectAll().orderBy('sequence').execute()).toEqual(before)
    expect(await tables.selectFrom('log_trees').selectAll().orderBy('stream').execute()).toEqual(trees)
  })

  test('of two coordinators are one chain, which both verify', async () => {
    const ownLog = await openEventLog({ url: nats.url, name: 'other', replicas: 1 })
    try {
      const both = [start({ intervalMs: 50 }), start({ intervalMs: 50 }, ownLog)]
      for (let round = 0; round < 20; round += 1) {
        await write('mpc.session.one', 3)
        await write('mpc.message.one.all', 3)
      }
      await until(() => both.every((one) => one.status().covered === 120))
      const found = await chain()
      expect(both.map((one) => one.status().sequence)).toEqual([found.length, found.length])
      expect(hex(found.at(-1)!.sessions.root)).toBe(hex((await treeOf(allSessions)).root()))
      expect(both.every((one) => one.status().intact)).toBe(true)
      expect(await rowsOf()).toBe(found.length)
      for (const one of running.splice(0)) await one.close()
    } finally {
      await ownLog.close()
    }
  })

  test('go on over a restart of the server', async () => {
    const checkpointer = start()
    await write('mpc.session.one', 4)
    await until(() => checkpointer.status().covered === 4)
    await nats.kill()
    await nats.restart()
    await write('mpc.session.one', 4)
    await until(() => checkpointer.status().covered === 8)
    expect(await chain()).toHaveLength(2)
  })
})

/** Replaces the stream by one that holds these events: what somebody with the server's own rights can do. */
async function replace(stream: 'SESSIONS' | 'CHECKPOINTS', change: (stored: Stored[]) => Stored[]): Promise<void> {
  const filter = stream === 'SESSIONS' ? allSessions : checkpoints
  const stored: Stored[] = []
  for await (const { subject, data } of log.read(filter)) stored.push({ subject, data })
  const connection = await connect({ servers: nats.url })
  const manager = await jetstreamManager(connection)
  const { config } = await manager.streams.info(stream)
  await manager.streams.delete(stream)
  await manager.streams.add(config)
  for (const { subject, data } of change(stored)) await jetstream(connection).publish(subject, data)
  await connection.close()
}
type Stored = Readonly<{ subject: string; data: Uint8Array }>

describe('a coordinator makes no more checkpoints and says so', () => {
  async function checkpointed(): Promise<void> {
    await write('mpc.session.one', 8)
    const first = start()
    await until(() => first.status().sequence === 2)
    await first.close()
  }

  test('where an event was changed before a checkpoint that it has yet to verify', async () => {
    await checkpointed()
    await sql`truncate log_checkpoints, log_trees`.execute(tables)
    await replace('SESSIONS', (stored) => stored.map((event, i) => (i === 5 ? { ...event, data: Buffer.from('!') } : event)))
    const next = start()
    expect(await next.tampered).toBe('checkpoint 2: sessions 5 to 8 are not those that it was made of')
    expect(next.status()).toMatchObject({ sequence: 1, intact: false })
    await write('mpc.session.one', 8)
    await delay(200)
    expect(await log.lastSequence('CHECKPOINTS')).toBe(2)
  })

  test('where the log ends before its newest checkpoint', async () => {
    await checkpointed()
    await replace('SESSIONS', (stored) => stored.slice(0, 6))
    expect(await start().tampered).toBe('checkpoint 2 covers 8 sessions: there are 6')
  })

  test('where the log loses its end while it looks', async () => {
    await write('mpc.session.one', 8)
    const checkpointer = start()
    await until(() => checkpointer.status().sequence === 2)
    await replace('SESSIONS', (stored) => stored.slice(0, 7))
    expect(await checkpointer.tampered).toMatch('covers 8 sessions')
  })

  test('where checkpoints that Postgres has are gone from the log', async () => {
    await checkpointed()
    await replace('CHECKPOINTS', (stored) => stored.slice(0, 1))
    expect(await start().tampered).toBe('checkpoint 2, which Postgres has, is not in the log')
  })

  test('where the log has another chain of checkpoints than Postgres, signed by the same key', async () => {
    await checkpointed()
    const other = await createDatabase()
    const otherTables = await openReadModel(other.url, () => undefined)
    try {
      await replace('CHECKPOINTS', () => [])
      const forger = startCheckpointer({
        log,
        store: checkpointStore(otherTables),
        policy: { identity, formerKeys: [], intervalMs: 100, maxEvents: 3 },
        now: Date.now,
        onError: () => undefined,
        onTampered: () => undefined,
      })
      await until(() => forger.status().covered === 8)
      await forger.close()
      expect(await start().tampered).toBe('checkpoint 2 in the log is not the one that Postgres has')
      await sql`truncate log_trees`.execute(tables)
      await sql`delete from log_checkpoints where sequence = 2`.execute(tables)
      expect(await start().tampered).toBe('checkpoint 1 in the log is not the one that Postgres has')
    } finally {
      await otherTables.destroy()
      await other.drop()
    }
  })

  test('where a checkpoint is signed with a key that is not the coordinators’, until it is told of the key', async () => {
    await checkpointed()
    const renewed = await identityFromSeed(new Uint8Array(32).fill(2))
    expect(await start({ identity: renewed }).tampered).toBe('checkpoint 2 is signed with a key that is not trusted')
    await sql`truncate log_checkpoints, log_trees`.execute(tables)
    expect(await start({ identity: renewed }).tampered).toBe('checkpoint 1 is signed with a key that is not trusted')
    await write('mpc.session.one', 4)
    const told = start({ identity: renewed, formerKeys: [identity.publicKey] })
    await until(() => told.status().sequence === 3)
    const found = await chain(log, [identity.publicKey, renewed.publicKey])
    const keys = [identity.publicKey, identity.publicKey, renewed.publicKey]
    expect(found.map(({ coordinatorKey }) => hex(coordinatorKey))).toEqual(keys.map(hex))
  })
})
