import { closeSync, openSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { spawnKept, type KeptProcess } from '../../../src/cli/processes/kept-process.ts'
import { freePort } from '../../../src/cli/processes/free-port.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { openTrimmer } from '../../../src/events/trim-messages.ts'

/** The accounts of the production configuration on a server of our own, without TLS. */
let folder: string
let server: KeptProcess
let port: number

const users = ['coordinator', 'router', 'auditor', 'operator', 'system'] as const
const open: NatsConnection[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-production-nats-'))
  port = await freePort()
  const accounts = fileURLToPath(new URL('../../../deploy/nats/accounts.conf', import.meta.url))
  await copyFile(accounts, join(folder, 'accounts.conf'))
  for (const user of users) vi.stubEnv(`MPC_NATS_${user.toUpperCase()}_PASSWORD`, `${user}-password`)
  const jetstreamBlock = `jetstream { store_dir: "${folder}/store", max_file_store: 8GB }`
  const lines = [`listen: "127.0.0.1:${port}"`, jetstreamBlock, 'include "accounts.conf"']
  await writeFile(join(folder, 'nats.conf'), lines.join('\n'))
  const log = openSync(join(folder, 'log'), 'a')
  const args = ['-c', join(folder, 'nats.conf')]
  server = await spawnKept({ program: inject('natsServer'), args, stopSignal: 'SIGTERM', graceMs: 5000 }, log)
  closeSync(log)
  await vi.waitFor(() => connectAs('operator'), { timeout: 20_000, interval: 100 })
})

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()))
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function connectAs(user: (typeof users)[number]): Promise<NatsConnection> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, user, pass: `${user}-password`, reconnect: false })
  open.push(connection)
  return connection
}

const logAs = (user: string) =>
  openEventLog({ url: `nats://${user}:${user}-password@127.0.0.1:${port}`, name: user, replicas: 1 })

const event = new TextEncoder().encode('an event')
const textOf = (stored: Readonly<{ data: Uint8Array }> | null) => new TextDecoder().decode(stored?.data)

describe('with the permissions of production', () => {
  test('coordinator and router can do their work over the event log', async () => {
    const [coordinator, router] = await Promise.all([logAs('coordinator'), logAs('router')])
    const followed: string[] = []
    const follower = await router.follow('mpc.session.>', 0, ({ subject }) => void followed.push(subject))
    await coordinator.append('mpc.session.s1', event, { messageId: 'one', expectedLastSequence: 0 })
    await router.append('mpc.message.s1.all', event, { messageId: 'two' })
    const read = []
    for await (const { subject } of coordinator.read('mpc.session.s1')) read.push(subject)
    expect(read).toEqual(['mpc.session.s1'])
    expect(textOf(await coordinator.last('mpc.session.s1'))).toBe('an event')
    expect(textOf(await router.last('mpc.message.s1.all'))).toBe('an event')
    await vi.waitFor(() => expect(followed).toEqual(['mpc.session.s1']))
    await follower.close()
    await Promise.all([coordinator.close(), router.close()])
  })

  const everyone = ['coordinator', 'router', 'auditor', 'operator'] as const
  test.for(everyone)('%s cannot delete or purge a stream', async (user) => {
    const manager = await jetstreamManager(await connectAs(user))
    await expect(manager.streams.delete('SESSIONS')).rejects.toThrow()
    await expect(manager.streams.purge('SESSIONS')).rejects.toThrow()
    expect((await manager.streams.info('SESSIONS')).state.messages).toBeGreaterThan(0)
  })

  test.for(['coordinator', 'router', 'auditor'] as const)('%s cannot change a stream', async (user) => {
    const manager = await jetstreamManager(await connectAs(user))
    await expect(manager.streams.update('SESSIONS', { max_age: 1_000_000_000 })).rejects.toThrow()
    expect((await manager.streams.info('SESSIONS')).config.max_age).toBe(0)
  })

  test('each service writes its own kind of event only', async () => {
    const publish = async (user: (typeof users)[number], subject: string) =>
      jetstream(await connectAs(user)).publish(subject, event, { timeout: 2000 })
    await expect(publish('router', 'mpc.session.s2')).rejects.toThrow()
    await expect(publish('router', 'mpc.checkpoint')).rejects.toThrow()
    await expect(publish('auditor', 'mpc.checkpoint')).rejects.toThrow()
    await expect(publish('coordinator', 'mpc.message.s2.all')).rejects.toThrow()
    await expect(publish('auditor', 'mpc.session.s2')).rejects.toThrow()
    await expect(publish('operator', 'mpc.session.s2')).rejects.toThrow()
  })

  test('the coordinator writes checkpoints, of all that was written', async () => {
    const coordinator = await logAs('coordinator')
    const { sequence } = await coordinator.append('mpc.checkpoint', event, { messageId: 'c', expectedLastSequence: 0 })
    expect(sequence).toBe(1)
    for (const filter of ['mpc.session.>', 'mpc.message.>', 'mpc.checkpoint']) {
      const read = []
      for await (const { data } of coordinator.read(filter)) read.push(textOf({ data }))
      expect([filter, read[0]]).toEqual([filter, 'an event'])
    }
    await coordinator.close()
  })

  test('the operator drops what it is told to from the beginning of MESSAGES, nobody else does', async () => {
    const router = await logAs('router')
    for (const n of [2, 3]) await router.append('mpc.message.s1.all', event, { messageId: `message ${n}` })
    const record = { upTo: 1, sessionsUpTo: 1, subtrees: [new Uint8Array(32)] }
    const trimAs = async (user: string) => {
      const trimmer = await openTrimmer({ url: `nats://${user}:${user}-password@127.0.0.1:${port}`, name: user })
      return trimmer.trim(record).finally(() => trimmer.close())
    }
    const firstOf = async () => (await router.read('mpc.message.>')[Symbol.asyncIterator]().next()).value?.sequence
    for (const user of ['router', 'auditor', 'coordinator']) await expect(trimAs(user)).rejects.toThrow()
    expect(await firstOf()).toBe(1)
    expect(await trimAs('operator')).toMatchObject({ messages: 1 })
    expect(await firstOf()).toBe(2)
    expect(await router.trimmed()).toEqual(record)
    await router.append('mpc.message.s1.all', event, { messageId: 'message 4' })
    await router.close()
  })

  test('the auditor can read everything', async () => {
    const auditor = await jetstreamManager(await connectAs('auditor'))
    expect(textOf(await auditor.direct.getMessage('MESSAGES', { seq: 2 }))).toBe('an event')
  })

  test('nobody gets in with a wrong password', async () => {
    const attempt = connect({ servers: `127.0.0.1:${port}`, user: 'coordinator', pass: 'guess', reconnect: false })
    await expect(attempt).rejects.toThrow(/authorization/i)
  })
})
