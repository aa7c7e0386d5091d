import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningService } from '../../../src/edge/serve.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { startRouter } from './edge-fixture.ts'
import { as, bytes, openLog, openTestRouter, readAll, send, subscribe, texts } from './router-fixture.ts'
import { createSession, runningSession, type SessionFixture } from './session-fixture.ts'

let nats: TestNats
let log: EventLog
let router: Router

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  router = await openTestRouter(log)
})

afterAll(async () => {
  await router.close()
  await log.close()
  await nats.stop()
})

function pending(at: Router, session: SessionFixture, afterSequence: number, limit: number) {
  return at.pending({ sessionId: session.id, partyId: 'b', afterSequence, limit }, as(session, 'b'))
}

async function pages(at: Router, session: SessionFixture, limit: number) {
  const all = [await pending(at, session, 0, limit)]
  for (let last = all[0]; last?.hasMore === true; last = all.at(-1)) {
    all.push(await pending(at, session, last.nextAfterSequence, limit))
  }
  return all
}

describe('pending messages', () => {
  test('pages go through all messages to the party, in order', async () => {
    const session = await runningSession(log, ['a', 'b', 'c'])
    for (let round = 1; round <= 5; round += 1) {
      await send(router, session, 'a', { round, payload: bytes(`${round}`) })
      await send(router, session, 'a', { round, to: ['c'] })
    }
    const seen = await pages(router, session, 2)
    expect(seen.map(({ messages }) => texts(messages))).toEqual([['1', '2'], ['3', '4'], ['5']])
  })

  test('a page has a bounded number of messages and of bytes, but at least one message', async () => {
    const small = await openTestRouter(log, { pageMessages: 3, maxPageMessages: 4, pageBytes: 250 })
    const session = await runningSession(log, ['a', 'b'])
    const lengths = [300, 100, 100, 100, 10, 10, 10, 10]
    for (const [round, length] of lengths.entries()) {
      await send(small, session, 'a', { round, payload: new Uint8Array(length) })
    }
    const sizes = async (limit: number) =>
      (await pages(small, session, limit)).map(({ messages }) => messages.map(({ payload }) => payload.length))
    expect(await sizes(0)).toEqual([[300], [100, 100], [100, 10, 10], [10, 10]])
    expect(await sizes(1000)).toEqual([[300], [100, 100], [100, 10, 10, 10], [10]])
    await small.close()
  })

  test('there are none before the start, and the position to go on from is the one asked for', async () => {
    const session = await createSession(log, ['a', 'b'])
    await session.join('b')
    expect(await pending(router, session, 0, 0)).toEqual({ messages: [], hasMore: false, nextAfterSequence: 0 })
    expect(await pending(router, session, 9, 0)).toMatchObject({ nextAfterSequence: 9 })
  })
})

describe('paging over HTTP while messages arrive', () => {
  type Listed = Readonly<{ sequence: number; payload: string }>
  type Answer = Readonly<{ messages: Listed[]; has_more: boolean; next_after_sequence: number }>

  async function page(service: RunningService, session: SessionFixture, partyId: string, after: number) {
    const query = new URLSearchParams({ party_id: partyId, after_sequence: String(after), limit: '37' })
    const response = await fetch(`${service.httpUrl}/api/v1/sessions/${session.id}/messages?${query}`, {
      headers: { authorization: `Bearer ${session.credential(partyId)}` },
    })
    expect(response.status).toBe(200)
    return (await response.json()) as Answer
  }

  test('gives each party exactly its own messages and the broadcasts, as a subscription does', async () => {
    const service = await startRouter(nats.url)
    const parties = ['a', 'b', 'c']
    const session = await runningSession(log, parties)
    let sent = 0
    const sendMore = async (count: number): Promise<void> => {
      for (const until = sent + count; sent < until; sent += 1) {
        const from = parties[sent % 3] ?? ''
        const to = sent % 5 === 0 ? [parties[(sent + 1) % 3] ?? ''] : []
        await send(router, session, from, { round: sent, to, payload: bytes(`${sent}`) })
      }
    }
    const readers = parties.map((party) => ({ party, listed: [] as Listed[], after: 0, hasMore: true, full: 0 }))
    const readOn = async (reader: (typeof readers)[number]): Promise<void> => {
      const { messages, has_more, next_after_sequence } = await page(service, session, reader.party, reader.after)
      reader.listed.push(...messages)
      reader.after = next_after_sequence
      reader.hasMore = has_more
      if (messages.length === 37) reader.full += 1
    }
    await sendMore(600)
    while (sent < 1000) await Promise.all([sendMore(20), ...readers.map(readOn)])
    do await Promise.all(readers.map(readOn))
    while (readers.some(({ hasMore }) => hasMore))
    await session.complete()
    for (const { party, listed, full } of readers) {
      const delivered = await readAll((await subscribe(router, session, party)).messages())
      const expected = delivered.map(({ entry, payload }) => [entry.sequence, Buffer.from(payload).toString('base64')])
      expect(listed.map(({ sequence, payload }) => [sequence, payload])).toEqual(expected)
      expect(full).toBeGreaterThan(5)
    }
    expect(readers.reduce((sum, { listed }) => sum + listed.length, 0)).toBe(800 * 2 + 200)
    await service.close()
  })
})
