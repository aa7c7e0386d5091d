/** What the log holds of a session, told in pages and as a live stream. */
import { createHash, randomUUID } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { verifyChain } from '../../../src/events/session-event.ts'
import { messageSubject } from '../../../src/events/subjects.ts'
import type { LoggedEvent } from '../../../src/gen/mpc/coordinator/v1/session_log_pb.ts'
import { MessageEventSchema, MessageRoutedSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { trimUpTo } from '../../setup/trim.ts'
import {
  auditorApiKey,
  callerApiKey,
  joinAll,
  makeKey,
  refusal,
  startAll,
  startCoordinator,
  type TestCoordinator,
} from './fixture.ts'

let nats: TestNats
let database: TestDatabase
let log: EventLog
let coordinator: TestCoordinator

beforeAll(async () => {
  nats = await startNats()
  database = await createDatabase()
  log = await openEventLog({ url: nats.url, name: 'router', replicas: 1 })
  coordinator = await startCoordinator({ natsUrl: nats.url, databaseUrl: database.url })
})
afterAll(async () => {
  await coordinator?.close()
  await log?.close()
  await nats?.stop()
  await database?.drop()
})

const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
const request = { sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants }

async function newSession() {
  const created = await coordinator.client().createSession(request)
  const parties = await joinAll(coordinator, created)
  return { sessionId: created.sessionId, parties }
}

/** As the router stores it. */
async function route(sessionId: string, round: number, payload: Uint8Array, to: string[] = []): Promise<void> {
  const routed = create(MessageRoutedSchema, { fromParty: 'alice', toParties: to, round, payload })
  const event = create(MessageEventSchema, {
    eventId: randomUUID(),
    sessionId,
    timeMs: BigInt(Date.now()),
    payload: { case: 'messageRouted', value: routed },
  })
  const bytes = toBinary(MessageEventSchema, event)
  await log.append(messageSubject(sessionId, to[0] ?? 'all'), bytes, { messageId: event.eventId })
}

const auditor = () => coordinator.log()
const kindsOf = (events: readonly LoggedEvent[]) => events.map(({ kind }) => kind)

async function allPages(sessionId: string, limit: number): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  let after = ''
  for (;;) {
    const page = await auditor().listSessionEvents({ sessionId, after, limit })
    expect(page.events.length).toBeLessThanOrEqual(limit)
    events.push(...page.events)
    after = page.nextAfter
    if (!page.hasMore) return events
  }
}

describe('the pages of a session', () => {
  test('hold lifecycle and messages in the order of their times, with the bytes that prove them', async () => {
    const { sessionId, parties } = await newSession()
    await startAll(coordinator, sessionId, parties)
    await route(sessionId, 1, Buffer.from('to everyone'))
    await route(sessionId, 2, Buffer.from('sealed'), ['bob'])
    await coordinator.client().closeSession({ sessionId })
    const { events, hasMore } = await auditor().listSessionEvents({ sessionId })
    expect(hasMore).toBe(false)
    const joined = ['session_created', 'party_joined', 'party_joined', 'party_ready', 'party_ready', 'session_started']
    expect(kindsOf(events)).toEqual([...joined, 'message_routed', 'message_routed', 'session_closed'])
    expect(events.map(({ actor }) => actor)).toEqual([
      'caller:tests',
      ...['party:alice', 'party:bob', 'party:alice', 'party:bob'],
      'caller:tests',
      ...['party:alice', 'party:alice'],
      'caller:tests',
    ])
    expect(events[6]).toMatchObject({ stream: 'MESSAGES', round: 1, toParties: [], subject: `mpc.message.${sessionId}.all` })
    expect(events[7]).toMatchObject({ round: 2, toParties: ['bob'] })
    for (const { data, size, sha256, stream, sequence } of events) {
      expect(size).toBe(data.length)
      expect(sha256).toBe(createHash('sha256').update(data).digest('hex'))
      const stored = await log.at(stream === 'SESSIONS' ? 'SESSIONS' : 'MESSAGES', Number(sequence))
      expect(Buffer.from(stored!.data).equals(data)).toBe(true)
    }
    const lifecycle = events.filter(({ stream }) => stream === 'SESSIONS').map(({ data }) => data)
    expect((await verifyChain(sessionId, lifecycle)).kind).toBe('intact')
    const message = fromBinary(MessageEventSchema, events[6]!.data)
    expect(Buffer.from((message.payload.value as { payload: Uint8Array }).payload).toString()).toBe('to everyone')
  })

  test.each([1, 2, 3, 100])('of %i events at most are the same events', async (limit) => {
    const { sessionId, parties } = await newSession()
    await startAll(coordinator, sessionId, parties)
    for (let round = 1; round <= 5; round += 1) await route(sessionId, round, Buffer.from('x'))
    const events = await allPages(sessionId, limit)
    expect(kindsOf(events).filter((kind) => kind === 'message_routed')).toHaveLength(5)
    expect(new Set(events.map(({ stream, sequence }) => `${stream}${sequence}`)).size).toBe(11)
    expect(events).toHaveLength(11)
  })

  test('end before they are too large, and hold one event whatever its size', async () => {
    const { sessionId } = await newSession()
    for (let round = 1; round <= 9; round += 1) await route(sessionId, round, new Uint8Array(500_000))
    const first = await auditor().listSessionEvents({ sessionId })
    expect(first.hasMore).toBe(true)
    const bytes = first.events.reduce((sum, { data }) => sum + data.length, 0)
    expect(bytes).toBeLessThanOrEqual(3 * 1024 * 1024)
    expect(bytes).toBeGreaterThan(2 * 1024 * 1024)
    const rest = await auditor().listSessionEvents({ sessionId, after: first.nextAfter })
    expect(first.events.length + rest.events.length).toBe(12)
  })

  test('continue where they ended when more has happened', async () => {
    const { sessionId } = await newSession()
    const { nextAfter, events } = await auditor().listSessionEvents({ sessionId })
    expect(events).toHaveLength(3)
    expect((await auditor().listSessionEvents({ sessionId, after: nextAfter })).events).toEqual([])
    await coordinator.client().closeSession({ sessionId })
    const { events: more } = await auditor().listSessionEvents({ sessionId, after: nextAfter })
    expect(kindsOf(more)).toEqual(['session_closed'])
  })

  test('and a stream of it go on without messages that were moved to an archive', async () => {
    const { sessionId, parties } = await newSession()
    await startAll(coordinator, sessionId, parties)
    for (const round of [1, 2, 3]) await route(sessionId, round, Buffer.from(`round ${round}`))
    await coordinator.client().closeSession({ sessionId })
    const before = await auditor().listSessionEvents({ sessionId })
    const messages = before.events.filter(({ stream }) => stream === 'MESSAGES')
    await trimUpTo(nats.url, log, Number(messages[1]?.sequence))

    const left = before.events.filter((event) => event !== messages[0] && event !== messages[1])
    const ids = (events: readonly LoggedEvent[]) => events.map(({ stream, sequence }) => `${stream} ${sequence}`)
    expect(ids(await allPages(sessionId, 2))).toEqual(ids(left))
    const followed: LoggedEvent[] = []
    for await (const { event } of auditor().watchSessionEvents({ sessionId })) if (event !== undefined) followed.push(event)
    expect(ids(followed)).toEqual(ids(left))
    // From where a reader was when there was more.
    const { events } = await auditor().listSessionEvents({ sessionId, after: messages[0]?.cursor ?? '' })
    expect(ids(events)).toEqual([`MESSAGES ${messages[2]?.sequence}`, ids(left).at(-1)])
  })
})

describe('over REST', () => {
  test('the same events come as JSON', async () => {
    const { sessionId } = await newSession()
    const headers = { authorization: `Bearer ${auditorApiKey}` }
    const answer = await fetch(`${coordinator.httpUrl}/api/v1/sessions/${sessionId}/events?limit=2`, { headers })
    expect(answer.status).toBe(200)
    const page = (await answer.json()) as { events: { kind: string; data: string }[]; next_after: string; has_more: boolean }
    expect(page).toMatchObject({ has_more: true })
    expect(page.events.map(({ kind }) => kind)).toEqual(['session_created', 'party_joined'])
    const { events } = await auditor().listSessionEvents({ sessionId })
    expect(page.events.map(({ data }) => data)).toEqual(events.slice(0, 2).map(({ data }) => Buffer.from(data).toString('base64')))
    const url = `${coordinator.httpUrl}/api/v1/sessions/${sessionId}/events?after=${page.next_after}`
    expect(await (await fetch(url, { headers })).json()).toMatchObject({ has_more: false, events: [{ kind: 'party_joined' }] })
  })

  test.each(['after=x', 'after=1', 'after=1-2-3', 'limit=-1', 'limit=1001'])('%s is refused, naming it', async (query) => {
    const { sessionId } = await newSession()
    const url = `${coordinator.httpUrl}/api/v1/sessions/${sessionId}/events?${query}`
    const answer = await fetch(url, { headers: { authorization: `Bearer ${auditorApiKey}` } })
    expect(answer.status).toBe(400)
    expect(Object.keys(((await answer.json()) as { details: object }).details)).toEqual([query.split('=')[0]])
  })
})

describe('who may read', () => {
  test('a party of the session, and an API key with the scope audit; nobody else', async () => {
    const { sessionId, parties } = await newSession()
    const other = await newSession()
    const by = (bearer: string) => coordinator.log(bearer).listSessionEvents({ sessionId })
    expect((await by(parties[0]!.credential)).events).toHaveLength(3)
    expect((await by(auditorApiKey)).events).toHaveLength(3)
    expect((await refusal(by(callerApiKey))).code).toBe('forbidden')
    expect((await refusal(by(other.parties[0]!.credential))).code).toBe('unauthorized')
    expect((await refusal(by(''))).code).toBe('unauthorized')
    const watching = coordinator.log(callerApiKey).watchSessionEvents({ sessionId })[Symbol.asyncIterator]()
    expect((await refusal(watching.next())).code).toBe('forbidden')
  })

  test('nobody is told whether a session exists before that', async () => {
    const sessionId = randomUUID()
    expect((await refusal(coordinator.log('').listSessionEvents({ sessionId }))).code).toBe('unauthorized')
    expect((await refusal(auditor().listSessionEvents({ sessionId }))).code).toBe('not_found')
  })
})

describe('the stream of a session', () => {
  test('tells what is there, then what comes, and ends with the session', async () => {
    const { sessionId, parties } = await newSession()
    const events: LoggedEvent[] = []
    const stream = auditor().watchSessionEvents({ sessionId })[Symbol.asyncIterator]()
    const next = async (count: number) => {
      for (let i = 0; i < count; i += 1) events.push((await stream.next()).value!.event!)
    }
    await next(3)
    await startAll(coordinator, sessionId, parties)
    await next(3)
    await route(sessionId, 1, Buffer.from('one'))
    await next(1)
    await route(sessionId, 2, Buffer.from('two'), ['bob'])
    await coordinator.client().closeSession({ sessionId })
    await next(2)
    expect((await stream.next()).done).toBe(true)
    expect(kindsOf(events).slice(3)).toEqual([
      ...['party_ready', 'party_ready', 'session_started'],
      ...['message_routed', 'message_routed', 'session_closed'],
    ])
    expect(events.map((event) => event.data)).toEqual((await allPages(sessionId, 100)).map((event) => event.data))
  })

  test('goes on after the last event that was received', async () => {
    const { keyId } = await makeKey(coordinator)
    const events = await allPages(keyId, 100)
    const again: LoggedEvent[] = []
    for await (const { event } of auditor().watchSessionEvents({ sessionId: keyId, after: events[4]!.cursor })) {
      again.push(event!)
    }
    expect(again.map(({ sequence }) => sequence)).toEqual(events.slice(5).map(({ sequence }) => sequence))
  })

  test('of a session that nobody ends ends when it expires', async () => {
    const { sessionId } = await coordinator.client().createSession({ ...request, expiresInSeconds: 1 })
    const events: LoggedEvent[] = []
    for await (const { event } of auditor().watchSessionEvents({ sessionId })) events.push(event!)
    expect(kindsOf(events)).toEqual(['session_created', 'session_expired'])
  })
})
