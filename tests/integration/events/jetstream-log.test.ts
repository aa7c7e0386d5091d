/** The event log on a real nats-server: what it promises when writers compete, servers restart and streams fill up. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { AppendConflict, LogUnavailable, type EventLog, type StoredEvent } from '../../../src/events/event-log.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { streamConfig } from '../../../src/events/streams.ts'
import { allSessions, checkpoints, messageSubject, messagesOfSession, sessionSubject } from '../../../src/events/subjects.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'

let nats: TestNats
let log: EventLog
const extra: (() => Promise<void>)[] = []

beforeAll(async () => {
  nats = await startNats()
  log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
})

afterEach(async () => {
  for (const close of extra.splice(0).reverse()) await close()
})

afterAll(async () => {
  await log?.close()
  await nats?.stop()
})

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (event: StoredEvent | null) => (event === null ? null : new TextDecoder().decode(event.data))

async function texts(filter: string, afterSequence?: number): Promise<(string | null)[]> {
  const all: (string | null)[] = []
  for await (const event of log.read(filter, afterSequence)) all.push(text(event))
  return all
}

describe('appending', () => {
  test('of competing writers at one position exactly one succeeds', async () => {
    const subject = sessionSubject(randomUUID())
    const attempts = Array.from({ length: 20 }, (_, writer) =>
      log.append(subject, bytes(`writer ${writer}`), { messageId: randomUUID(), expectedLastSequence: 0 }),
    )
    const outcomes = await Promise.allSettled(attempts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AppendConflict)
    }
    expect(await texts(subject)).toHaveLength(1)
  })

  test('the same message id is stored once and answered with its first position', async () => {
    const subject = sessionSubject(randomUUID())
    const options = { messageId: randomUUID(), expectedLastSequence: 0 }
    const first = await log.append(subject, bytes('once'), options)
    await log.append(subject, bytes('next'), { messageId: randomUUID(), expectedLastSequence: first.sequence })
    const again = await log.append(subject, bytes('once'), options)
    expect(again).toEqual({ sequence: first.sequence, duplicate: true })
    expect(await texts(subject)).toEqual(['once', 'next'])
  })

  test('an append that meets a server restart succeeds once the server is back, and only once', async () => {
    const server = await startNats()
    const own = await openEventLog({ url: server.url, name: 'tests', replicas: 1 })
    extra.push(server.stop, () => own.close())
    await server.kill()
    const subject = sessionSubject(randomUUID())
    const appended = own.append(subject, bytes('patient'), { messageId: randomUUID(), expectedLastSequence: 0 })
    await delay(300)
    expect(await own.healthy()).toBe(false)
    await server.restart()
    const { sequence } = await appended
    expect(await own.lastSequence('SESSIONS')).toBe(sequence)
    expect(await own.healthy()).toBe(true)
  })

  test.each([
    ['SESSIONS', sessionSubject('full')],
    ['MESSAGES', messageSubject('full', 'all')],
    ['CHECKPOINTS', checkpoints],
  ] as const)('a full stream %s refuses new events and keeps every old one', async (stream, subject) => {
    const server = await startNats()
    const sizes = { SESSIONS: 1_000_000, MESSAGES: 1_000_000, CHECKPOINTS: 1_000_000, [stream]: 20_000 }
    const own = await openEventLog({ url: server.url, name: 'tests', replicas: 1, sizes })
    extra.push(server.stop, () => own.close())
    let stored = 0
    const fill = async () => {
      for (; stored < 100; stored += 1) {
        await own.append(subject, new Uint8Array(800).fill(stored), { messageId: randomUUID() })
      }
    }
    await expect(fill()).rejects.toBeInstanceOf(LogUnavailable)
    await expect(fill()).rejects.toThrow(`the stream ${stream} is full`)
    expect(stored).toBeGreaterThan(10)
    const kept = []
    for await (const event of own.read(subject)) kept.push(event.data[0])
    expect(kept).toEqual(Array.from({ length: stored }, (_, number) => number))
  })

  test('an oversize event and a foreign subject are refused before they are sent', async () => {
    const options = { messageId: randomUUID() }
    const oversize = log.append(sessionSubject('big'), new Uint8Array(65 * 1024), options)
    await expect(oversize).rejects.toBeInstanceOf(RangeError)
    await expect(log.append('mpc.session.*', bytes('x'), options)).rejects.toBeInstanceOf(RangeError)
    await expect(log.append('$JS.API.STREAM.DELETE.SESSIONS', bytes('x'), options)).rejects.toBeInstanceOf(RangeError)
  })
})

describe('reading', () => {
  test('gives the events of one subject in order, from any position, across many batches', async () => {
    const subject = sessionSubject(randomUUID())
    const sequences: number[] = []
    for (let number = 0; number < 250; number += 1) {
      sequences.push((await log.append(subject, bytes(String(number)), { messageId: randomUUID() })).sequence)
      if (number % 50 === 0) await log.append(sessionSubject(randomUUID()), bytes('other'), { messageId: randomUUID() })
    }
    expect(await texts(subject)).toEqual(sequences.map((_, number) => String(number)))
    expect(await texts(subject, sequences[247])).toEqual(['248', '249'])
    expect(await texts(subject, sequences[249])).toEqual([])
  })

  test('gives all messages of one session, whoever they are for', async () => {
    const session = randomUUID()
    for (const recipient of ['bob', 'all', 'carol']) {
      await log.append(messageSubject(session, recipient), bytes(recipient), { messageId: randomUUID() })
    }
    await log.append(messageSubject(randomUUID(), 'bob'), bytes('another session'), { messageId: randomUUID() })
    expect(await texts(messagesOfSession(session))).toEqual(['bob', 'all', 'carol'])
  })

  test('finds the newest event of a subject and the event at a position', async () => {
    const subject = sessionSubject(randomUUID())
    expect(await log.last(subject)).toBeNull()
    const first = await log.append(subject, bytes('first'), { messageId: randomUUID() })
    await log.append(subject, bytes('second'), { messageId: randomUUID() })
    expect(text(await log.last(subject))).toBe('second')
    expect(text(await log.at('SESSIONS', first.sequence))).toBe('first')
    expect(await log.at('SESSIONS', 1_000_000)).toBeNull()
  })

  test('an unread rest does not keep the reader waiting', async () => {
    const subject = sessionSubject(randomUUID())
    for (const word of ['a', 'b', 'c']) await log.append(subject, bytes(word), { messageId: randomUUID() })
    for await (const event of log.read(subject)) {
      expect(text(event)).toBe('a')
      break
    }
  })
})

describe('following', () => {
  test('delivers what is there and what comes, without gap or repeat, across server restarts', async () => {
    const server = await startNats()
    const own = await openEventLog({ url: server.url, name: 'tests', replicas: 1 })
    extra.push(server.stop, () => own.close())
    const subject = sessionSubject(randomUUID())
    let written = 0
    const write = async (count: number) => {
      for (let number = 0; number < count; number += 1) {
        written = (await own.append(subject, bytes('x'), { messageId: randomUUID() })).sequence
      }
    }
    await write(50)
    const seen: number[] = []
    const follower = await own.follow(allSessions, 10, async (event) => {
      if (event.sequence % 7 === 0) await delay(1)
      seen.push(event.sequence)
    })
    extra.push(() => follower.close())
    for (let restart = 0; restart < 3; restart += 1) {
      const writing = write(120)
      await delay(10)
      await server.kill()
      await server.restart()
      await writing
    }
    while ((seen.at(-1) ?? 0) < written) await delay(10)
    expect(seen).toEqual(Array.from({ length: written - 10 }, (_, index) => index + 11))
  })

  test('waits for a slow handler and loses nothing', async () => {
    const subject = sessionSubject(randomUUID())
    const start = await log.lastSequence('SESSIONS')
    for (let number = 0; number < 200; number += 1) {
      await log.append(subject, new Uint8Array(50_000), { messageId: randomUUID() })
    }
    let running = 0
    const seen: number[] = []
    const follower = await log.follow(subject, start, async (event) => {
      running += 1
      expect(running).toBe(1)
      await delay(2)
      running -= 1
      seen.push(event.sequence)
    })
    while (seen.length < 200) await delay(10)
    await follower.close()
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => start + index + 1))
  })

  test('tells when a handler fails, and delivers nothing after that', async () => {
    const errors: unknown[] = []
    const onFollowerError = (error: unknown) => void errors.push(error)
    const own = await openEventLog({ url: nats.url, name: 'tests', replicas: 1, onFollowerError })
    extra.push(() => own.close())
    const subject = sessionSubject(randomUUID())
    let calls = 0
    await own.follow(subject, 0, () => {
      calls += 1
      throw new Error('cannot handle')
    })
    await own.append(subject, bytes('1'), { messageId: randomUUID() })
    await own.append(subject, bytes('2'), { messageId: randomUUID() })
    while (errors.length === 0) await delay(10)
    expect(calls).toBe(1)
  })
})

describe('streams', () => {
  test('have every limit set, refuse purge and deletion, and take a changed limit', async () => {
    const server = await startNats()
    extra.push(server.stop)
    const first = await openEventLog({ url: server.url, name: 'tests', replicas: 1 })
    await first.append(sessionSubject('kept'), bytes('kept'), { messageId: 'kept' })
    await first.close()
    const sizes = { SESSIONS: 300_000_000, MESSAGES: 700_000_000, CHECKPOINTS: 1_000_000 }
    const second = await openEventLog({ url: server.url, name: 'tests', replicas: 1, sizes })
    extra.push(() => second.close())
    expect(text(await second.last(sessionSubject('kept')))).toBe('kept')
    const connection = await connect({ servers: server.url })
    extra.push(() => connection.close())
    const manager = await jetstreamManager(connection)
    for (const name of ['SESSIONS', 'MESSAGES', 'CHECKPOINTS'] as const) {
      expect((await manager.streams.info(name)).config).toMatchObject(streamConfig(name, 1, sizes))
      await expect(manager.streams.purge(name)).rejects.toThrow()
      await expect(manager.streams.deleteMessage(name, 1)).rejects.toThrow()
    }
  })

  test('can be opened by several services at the same time', async () => {
    const server = await startNats()
    extra.push(server.stop)
    // Together these would reserve more than the server has: it is one pair of streams all the same.
    const sizes = { SESSIONS: 2_000_000_000, MESSAGES: 5_000_000_000, CHECKPOINTS: 1_000_000 }
    const names = ['a', 'b', 'c', 'd']
    const opening = names.map((name) => openEventLog({ url: server.url, name, replicas: 1, sizes }))
    for (const opened of await Promise.all(opening)) extra.push(() => opened.close())
  })

  test('a server that cannot be reached is told in one line', async () => {
    const opening = openEventLog({ url: 'nats://127.0.0.1:1', name: 'tests', replicas: 1 })
    await expect(opening).rejects.toBeInstanceOf(LogUnavailable)
  })
})
