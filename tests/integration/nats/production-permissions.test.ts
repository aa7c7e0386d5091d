import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, nkeyAuthenticator, nkeys, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { natsUsers, type NatsUser } from '../../../src/cli/nats/user-keys.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { openTrimmer } from '../../../src/events/trim-messages.ts'
import { streamSizes } from '../../../src/events/streams.ts'
import { createAuthority, openCertificateFolder } from '../../setup/certificates.ts'
import { startProductionNats, type ProductionNats } from '../../setup/production-nats.ts'

/** Exactly the files of deploy/nats: one nkey user for each service, TLS, and what nobody can do. */
let nats: ProductionNats
const connections = new Map<NatsUser, NatsConnection>()
/** A right that is missing shows as a request that nobody answers. */
const timeout = 2_000

beforeAll(async () => {
  nats = await startProductionNats()
  for (const user of natsUsers) connections.set(user, await nats.connect(user))
  const [coordinator, router] = await Promise.all([logAs('coordinator'), logAs('router')])
  await coordinator.append('mpc.session.s1', event, { messageId: 'session', expectedLastSequence: 0 })
  await coordinator.append('mpc.checkpoint', event, { messageId: 'checkpoint', expectedLastSequence: 0 })
  await router.append('mpc.message.s1.all', event, { messageId: 'message' })
  await Promise.all([coordinator.close(), router.close()])
})

afterAll(async () => {
  await Promise.all([...connections.values()].map((connection) => connection.close()))
  await nats.stop()
})

const event = new TextEncoder().encode('an event')
const textOf = (data: Uint8Array | undefined) => new TextDecoder().decode(data)
const streams = { SESSIONS: 'mpc.session.s1', MESSAGES: 'mpc.message.s1.all', CHECKPOINTS: 'mpc.checkpoint' } as const
type Stream = keyof typeof streams
const names = Object.keys(streams) as Stream[] // those of the object above

/** What each user may; everything else is asserted to fail. */
const writes: Readonly<Record<NatsUser, readonly Stream[]>> = {
  coordinator: ['SESSIONS', 'CHECKPOINTS'],
  router: ['MESSAGES'],
  auditor: [],
  operator: [],
}
const reads: Readonly<Record<NatsUser, readonly Stream[]>> = {
  coordinator: names,
  router: ['SESSIONS', 'MESSAGES'],
  auditor: names,
  operator: names,
}

const logNames = { coordinator: 'session-coordinator', router: 'message-router' } as const

async function logAs(user: keyof typeof logNames) {
  const megabyte = 1_048_576
  return openEventLog({
    ...(await nats.access(user)),
    name: logNames[user],
    replicas: 1,
    sizes: streamSizes(16 * megabyte, 16 * megabyte, megabyte),
    streams: user === 'router' ? ['SESSIONS', 'MESSAGES'] : names,
  })
}

function connectionOf(user: NatsUser): NatsConnection {
  const connection = connections.get(user)
  if (connection === undefined) throw new Error(`${user} is not connected`)
  return connection
}

const managerOf = (user: NatsUser): Promise<JetStreamManager> =>
  jetstreamManager(connectionOf(user), { timeout, checkAPI: false })

/** What the auditor sees: how much is in each stream. */
async function counts(): Promise<readonly number[]> {
  const manager = await managerOf('auditor')
  return Promise.all(names.map(async (name) => (await manager.streams.info(name)).state.messages))
}

async function outcome(attempt: Promise<unknown>): Promise<'done' | 'refused'> {
  return attempt.then(
    () => 'done' as const,
    () => 'refused' as const,
  )
}

describe('with the configuration of production', () => {
  test('coordinator and router do their work over the event log', async () => {
    const [coordinator, router] = await Promise.all([logAs('coordinator'), logAs('router')])
    const followed: string[] = []
    const followers = await Promise.all([
      router.follow('mpc.session.>', 0, ({ subject }) => void followed.push(`router ${subject}`)),
      coordinator.follow('mpc.message.s1.>', 0, ({ subject }) => void followed.push(`coordinator ${subject}`)),
    ])
    await vi.waitFor(() => expect(followed.toSorted()).toEqual(['coordinator mpc.message.s1.all', 'router mpc.session.s1']))
    const read = []
    for (const subject of Object.values(streams)) {
      for await (const stored of coordinator.read(subject)) read.push(stored.subject)
      expect((await coordinator.last(subject))?.sequence).toBe(1)
    }
    expect(read).toEqual(Object.values(streams))
    expect(textOf((await router.last('mpc.message.s1.all'))?.data)).toBe('an event')
    expect(await coordinator.healthy()).toBe(true)
    await Promise.all(followers.map((follower) => follower.close()))
    await Promise.all([coordinator.close(), router.close()])
  })

  test('the auditor reads and follows everything', async () => {
    const reader = await openLogReader({ ...(await nats.access('auditor')), name: 'auditor' })
    const followed: string[] = []
    const follower = await reader.follow('mpc.session.>', 0, ({ subject }) => void followed.push(subject))
    for (const [stream, subject] of Object.entries(streams)) {
      const read = []
      for await (const { data } of reader.read(subject)) read.push(textOf(data))
      expect([stream, read[0]]).toEqual([stream, 'an event'])
    }
    await vi.waitFor(() => expect(followed).toEqual(['mpc.session.s1']))
    await follower.close()
    await reader.close()
  })

  test('the operator raises limits and makes nothing else', async () => {
    const manager = await managerOf('operator')
    const { config } = await manager.streams.info('SESSIONS')
    await manager.streams.update('SESSIONS', { ...config, max_bytes: config.max_bytes + 1 })
    await manager.streams.update('SESSIONS', config)
    expect(await outcome(manager.streams.add({ name: 'COPY', subjects: ['copy'] }))).toBe('refused')
    for (const flag of ['deny_delete', 'deny_purge'] as const) {
      expect(await outcome(manager.streams.update('SESSIONS', { ...config, [flag]: false }))).toBe('refused')
    }
  })
})

describe.each(natsUsers)('%s', (user) => {
  let manager: JetStreamManager
  let before: readonly number[]
  beforeEach(async () => {
    manager = await managerOf(user)
    before = await counts()
  })

  test('cannot delete or purge a stream, or delete a message', async () => {
    for (const name of names) {
      expect(await outcome(manager.streams.delete(name))).toBe('refused')
      expect(await outcome(manager.streams.purge(name))).toBe('refused')
      expect(await outcome(manager.streams.deleteMessage(name, 1))).toBe('refused')
    }
    expect(await counts()).toEqual(before)
  })

  test('writes its own kind of event only', async () => {
    const written = await Promise.all(
      names.map(async (name) => {
        const subject = streams[name].replace('s1', `of-${user}`)
        return outcome(jetstream(connectionOf(user)).publish(subject, event, { timeout }))
      }),
    )
    expect(written).toEqual(names.map((name) => (writes[user].includes(name) ? 'done' : 'refused')))
    expect(await counts()).toEqual(before.map((count, i) => count + (written[i] === 'done' ? 1 : 0)))
  })

  test('reads what it needs only, in whatever way', async () => {
    for (const name of names) {
      const may = reads[user].includes(name) ? 'done' : 'refused'
      const consumer = { ack_policy: 'none', inactive_threshold: 1_000_000_000 } as const
      const filter_subject = streams[name]
      expect([name, await outcome(manager.direct.getMessage(name, { seq: 1 }))]).toEqual([name, may])
      expect(await outcome(manager.direct.getMessage(name, { last_by_subj: filter_subject }))).toBe(may)
      expect(await outcome(manager.streams.getMessage(name, { seq: 1 }))).toBe(may)
      expect(await outcome(manager.consumers.add(name, { ...consumer, name: `${user}-1`, filter_subject }))).toBe(may)
      // Forms of the request that hide what is read.
      expect(await outcome(manager.consumers.add(name, { ...consumer, name: `${user}-2` }))).toBe('refused')
      expect(await outcome(manager.consumers.add(name, { ...consumer, filter_subject }))).toBe('refused')
      const durable = { ...consumer, durable_name: `${user}-3` }
      expect(await outcome(manager.consumers.add(name, durable))).toBe('refused')
      expect(await outcome(manager.consumers.list(name).next())).toBe('refused')
    }
  })

  test('hears nothing of what others write, ask or are delivered', async () => {
    const heard: string[] = []
    for (const subject of ['>', 'mpc.>', '_INBOX.>', '$JS.>', '$SYS.>']) {
      connectionOf(user).subscribe(subject, { callback: (_, message) => void heard.push(message.subject) })
    }
    await connectionOf(user).flush()
    const asOthers = natsUsers.filter((other) => other !== user)
    for (const other of asOthers) {
      for (const name of writes[other]) await jetstream(connectionOf(other)).publish(streams[name], event, { timeout })
      for (const name of reads[other]) await (await managerOf(other)).direct.getMessage(name, { seq: 1 })
    }
    await connectionOf(user).flush()
    // What consumers of its own still deliver, it may read.
    const own = reads[user].map((name) => streams[name] as string)
    expect(heard.filter((subject) => !own.includes(subject))).toEqual([])
    await connectionOf(user).close()
    connections.set(user, await nats.connect(user))
  })

  test('makes no answer or delivery of JetStream land in a stream or in another request', async () => {
    const connection = connectionOf(user)
    const consumer = { ack_policy: 'none', deliver_policy: 'all', inactive_threshold: 5_000_000_000 } as const
    const others = names.filter((name) => !writes[user].includes(name))
    const targets = [...others.map((name) => streams[name]), '$JS.API.STREAM.DELETE.SESSIONS']
    for (const [index, target] of targets.entries()) {
      for (const name of names) {
        connection.publish(`$JS.API.STREAM.INFO.${name}`, '', { reply: target })
        connection.publish(`$JS.API.DIRECT.GET.${name}`, '{"seq":1}', { reply: target })
        connection.publish(`$JS.API.STREAM.MSG.GET.${name}`, '{"seq":1}', { reply: target })
        if (!reads[user].includes(name)) continue
        const filter_subject = streams[name]
        const pulled = `${user}-pull-${index}`
        await manager.consumers.add(name, { ...consumer, name: pulled, filter_subject })
        connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${name}.${pulled}`, '{"batch":1}', { reply: target })
        const pushed = { ...consumer, name: `${user}-push-${index}`, filter_subject, deliver_subject: target }
        await manager.consumers.add(name, pushed).catch(() => undefined)
      }
    }
    await connection.flush()
    // Whatever is still under way is there before an answer that is asked for now.
    for (const name of reads[user]) await manager.streams.info(name)
    expect(await counts()).toEqual(before)
  })
})

test.each(['coordinator', 'router', 'auditor'] as const)('%s cannot create a stream or change its limits', async (user) => {
  const manager = await managerOf(user)
  for (const name of names) {
    expect(await outcome(manager.streams.update(name, { max_age: 1_000_000_000 }))).toBe('refused')
  }
  for (const name of [...names, 'OTHER']) {
    expect(await outcome(manager.streams.add({ name, subjects: ['other'] }))).toBe('refused')
  }
})

describe('the door', () => {
  const attempt = (options: object) =>
    outcome(connect({ servers: nats.url.replace('tls://', ''), reconnect: false, timeout, ...options }).then((c) => c.close()))
  const authenticatorOf = async (user: NatsUser) => nkeyAuthenticator((await nats.access(user)).nkeySeed)

  test('opens to the right nkey over TLS', async () => {
    const authenticator = await authenticatorOf('coordinator')
    expect(await attempt({ authenticator, tls: { caFile: nats.caFile } })).toBe('done')
  })

  test('stays closed to another nkey, a password, a token and nobody', async () => {
    const tls = { caFile: nats.caFile }
    const stranger = nkeyAuthenticator(nkeys.createUser().getSeed())
    for (const who of [{ authenticator: stranger }, { user: 'coordinator', pass: 'x' }, { token: 'x' }, {}]) {
      expect(await attempt({ ...who, tls })).toBe('refused')
    }
  })

  test('is not passed without TLS, nor by a client that trusts another authority', async () => {
    const authenticator = await authenticatorOf('coordinator')
    const folder = openCertificateFolder()
    const caFile = folder.write('other-ca.pem', createAuthority('another').cert)
    expect(await attempt({ authenticator, tls: { caFile } })).toBe('refused')
    expect(await attempt({ authenticator, tls: null })).toBe('refused')
    expect(await attempt({ authenticator })).toBe('refused')
    folder.remove()
  })

  test('a service whose server has no TLS does not tell it anything', async () => {
    const access = await nats.access('coordinator')
    const { inject } = await import('vitest')
    const plain = inject('natsUrl')
    await expect(openEventLog({ ...access, url: plain, name: 'x', replicas: 1 })).rejects.toThrow(/tls/i)
  })
})

test('the operator drops what it is told to from the beginning of MESSAGES, nobody else does', async () => {
  const router = await logAs('router')
  const record = { upTo: 1, sessionsUpTo: 1, subtrees: [new Uint8Array(32)] }
  const trimAs = async (user: NatsUser) => {
    const trimmer = await openTrimmer({ ...(await nats.access(user)), name: user })
    return trimmer.trim(record).finally(() => trimmer.close())
  }
  const firstOf = async () => (await router.read('mpc.message.>')[Symbol.asyncIterator]().next()).value?.sequence
  for (const user of ['router', 'auditor', 'coordinator'] as const) await expect(trimAs(user)).rejects.toThrow()
  expect(await firstOf()).toBe(1)
  expect(await trimAs('operator')).toMatchObject({ messages: 1 })
  expect(await firstOf()).toBe(2)
  expect(await router.trimmed()).toEqual(record)
  await router.append('mpc.message.s1.all', event, { messageId: 'after the trim' })
  await router.close()
})
