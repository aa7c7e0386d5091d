import { createHash } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventLog } from '../../../src/events/event-log.ts'
import { messagesOfSession } from '../../../src/events/subjects.ts'
import { MessageEventSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { decodeMessageEvent } from '../../../src/events/message-event.ts'
import type { Router } from '../../../src/router/router.ts'
import { refusalId, slotOf, slotSubject } from '../../../src/events/message-slot.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { bytes, openLog, openTestRouter, readAll, send, subscribe, takeMessages, texts } from './router-fixture.ts'
import { createSession, runningSession } from './session-fixture.ts'

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

async function storedEvents(sessionId: string) {
  const stored = await readAll(log.read(messagesOfSession(sessionId)))
  return stored.map(({ subject, sequence, data }) => ({ subject, sequence, event: decodeMessageEvent(data) }))
}

describe('delivery', () => {
  test('a broadcast goes to all others, a named message to those named, nothing to its sender', async () => {
    const session = await runningSession(log, ['a', 'b', 'c'])
    await send(router, session, 'a', { payload: bytes('to all') })
    await send(router, session, 'a', { to: ['b'], payload: bytes('to b') })
    await send(router, session, 'a', { to: ['c', 'b'], round: 2, payload: bytes('to b and c') })
    await session.complete()
    const received = await Promise.all(
      ['a', 'b', 'c'].map(async (party) => {
        const subscription = await subscribe(router, session, party)
        const messages = []
        for await (const delivered of subscription.messages()) messages.push(delivered)
        subscription.close()
        return texts(messages)
      }),
    )
    expect(received).toEqual([[], ['to all', 'to b', 'to b and c'], ['to all', 'to b and c']])
  })

  test('messages lie under the recipient where there is one, else under all', async () => {
    const session = await runningSession(log, ['a', 'b', 'c', 'd'])
    await send(router, session, 'a')
    await send(router, session, 'a', { to: ['b'] })
    await send(router, session, 'a', { to: ['c', 'b'] })
    const stored = await storedEvents(session.id)
    expect(stored.map(({ subject }) => subject.split('.')[3])).toEqual(['all', 'b', 'all'])
  })

  test('a subscriber that was there before the session started receives live', async () => {
    const session = await createSession(log, ['a', 'b'])
    await session.join('b')
    const subscription = await subscribe(router, session, 'b')
    const first = takeMessages(subscription.messages(), 1)
    await session.join('a')
    await session.start()
    const routed = await send(router, session, 'a', { payload: bytes('live') })
    const [delivered] = await first
    expect(texts(await first)).toEqual(['live'])
    expect(delivered?.entry).toMatchObject({ sequence: routed.sequence, from: 'a', to: [], round: 1 })
    subscription.close()
  })
})

describe('repeats', () => {
  test('an identical repeat is stored once and answered with the first result', async () => {
    const session = await runningSession(log, ['a', 'b', 'c'])
    const first = await send(router, session, 'a', { to: ['b', 'c'] })
    const again = await send(router, session, 'a', { to: ['c', 'b'] })
    expect(first.duplicate).toBe(false)
    expect(again).toEqual({ sequence: first.sequence, duplicate: true })
    expect(await storedEvents(session.id)).toHaveLength(1)
  })

  test('many identical calls at once store one message, and one of them is the first', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const results = await Promise.all(Array.from({ length: 10 }, () => send(router, session, 'a')))
    expect(new Set(results.map(({ sequence }) => sequence)).size).toBe(1)
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(await storedEvents(session.id)).toHaveLength(1)
  })

  test('another payload for the same slot is refused and recorded once with its hash', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const first = await send(router, session, 'a', { payload: bytes('one') })
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(send(router, session, 'a', { payload: bytes('two') })).rejects.toMatchObject({
        code: 'conflict',
        details: { payload: expect.stringContaining(String(first.sequence)) },
      })
    }
    const stored = await storedEvents(session.id)
    expect(stored).toHaveLength(2)
    expect(stored[1]?.event?.payload).toMatchObject({
      case: 'messageRefused',
      value: {
        fromParty: 'a',
        round: 1,
        payloadHash: createHash('sha256').update('two').digest(),
        storedSequence: BigInt(first.sequence),
      },
    })
  })

  test('the first message of a contested slot is what is delivered', async () => {
    const session = await runningSession(log, ['a', 'b'])
    await send(router, session, 'a', { payload: bytes('one') })
    await send(router, session, 'a', { payload: bytes('two') }).catch(() => undefined)
    await session.complete()
    const subscription = await subscribe(router, session, 'b')
    expect(texts(await takeMessages(subscription.messages(), 1))).toEqual(['one'])
    subscription.close()
  })

  test('a refusal that was recorded before the duplicate window is not recorded again', async () => {
    const session = await runningSession(log, ['a', 'b'])
    await send(router, session, 'a', { payload: bytes('one') })
    const slot = slotOf(session.id, 1, 'a', [])
    const payloadHash = createHash('sha256').update('two').digest()
    const recorded = create(MessageEventSchema, {
      eventId: refusalId(slot, payloadHash.toString('hex')),
      sessionId: session.id,
      payload: { case: 'messageRefused', value: { fromParty: 'a', round: 1, payloadHash } },
    })
    const forgotten = { messageId: `forgotten ${session.id}` }
    await log.append(slotSubject(slot), toBinary(MessageEventSchema, recorded), forgotten)
    await send(router, session, 'a', { round: 2 })
    await expect(send(router, session, 'a', { payload: bytes('two') })).rejects.toMatchObject({ code: 'conflict' })
    expect(await storedEvents(session.id)).toHaveLength(3)
  })

  test('the records of refusals are bounded, also by calls at the same time', async () => {
    const bounded = await openTestRouter(log, { sessionRefusals: 3 })
    const session = await runningSession(log, ['a', 'b'])
    await send(bounded, session, 'a', { payload: bytes('one') })
    const others = Array.from({ length: 6 }, (_, attempt) => bytes(`other ${attempt}`))
    const results = await Promise.allSettled(others.map((payload) => send(bounded, session, 'a', { payload })))
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } })
    expect(await storedEvents(session.id)).toHaveLength(4)
    await bounded.close()
  })

  test('a broadcast and a message to all by name are different slots', async () => {
    const session = await runningSession(log, ['a', 'b'])
    const broadcast = await send(router, session, 'a', { payload: bytes('one') })
    const named = await send(router, session, 'a', { to: ['b'], payload: bytes('two') })
    expect(named).toEqual({ sequence: broadcast.sequence + 1, duplicate: false })
  })
})

describe('limits', () => {
  test('a payload over the limit is refused by name', async () => {
    const small = await openTestRouter(log, { payloadBytes: 8 })
    const session = await runningSession(log, ['a', 'b'])
    await expect(send(small, session, 'a', { payload: new Uint8Array(9) })).rejects.toMatchObject({
      code: 'payload_too_large',
      details: { payload: 'must have at most 8 bytes' },
    })
    await expect(send(small, session, 'a', { payload: new Uint8Array(8) })).resolves.toMatchObject({ duplicate: false })
    await small.close()
  })

  test('messages per session are limited, and a repeat of an old one is still answered', async () => {
    const small = await openTestRouter(log, { sessionMessages: 3 })
    const session = await runningSession(log, ['a', 'b'])
    for (let round = 1; round <= 3; round += 1) await send(small, session, 'a', { round })
    await expect(send(small, session, 'a', { round: 4 })).rejects.toMatchObject({
      code: 'rate_limited',
      details: { session_id: expect.stringContaining('3 messages') },
    })
    await expect(send(small, session, 'a', { round: 3 })).resolves.toMatchObject({ duplicate: true })
    await small.close()
  })

  test('bytes per session are limited, also by calls at the same time', async () => {
    const small = await openTestRouter(log, { sessionBytes: 1000 })
    const session = await runningSession(log, ['a', 'b'])
    const payload = new Uint8Array(300)
    const calls = Array.from({ length: 5 }, (_, round) => send(small, session, 'a', { round, payload }))
    const results = await Promise.allSettled(calls)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(2)
    expect(refused[0]?.reason).toMatchObject({
      code: 'rate_limited',
      details: { session_id: expect.stringContaining('1000 bytes') },
    })
    await small.close()
  })

  test('a router without memory for payloads serves them from the log', async () => {
    const poor = await openTestRouter(log, { memoryBytes: 0 })
    const session = await runningSession(log, ['a', 'b'])
    const inRound = (round: number) => send(poor, session, 'a', { round, payload: bytes(`round ${round}`) })
    for (let round = 1; round <= 5; round += 1) await inRound(round)
    await expect(inRound(2)).resolves.toMatchObject({ duplicate: true })
    expect(poor.usage().payloadBytes).toBe(0)
    const subscription = await subscribe(poor, session, 'b')
    const expected = ['round 1', 'round 2', 'round 3', 'round 4', 'round 5']
    expect(texts(await takeMessages(subscription.messages(), 5))).toEqual(expected)
    subscription.close()
    await poor.close()
  })

  test('sessions that nobody uses leave memory when others need the room', async () => {
    const small = await openTestRouter(log, { indexedMessages: 10 })
    for (let count = 0; count < 6; count += 1) {
      const session = await runningSession(log, ['a', 'b'])
      for (let round = 1; round <= 3; round += 1) await send(small, session, 'a', { round })
    }
    expect(small.usage().indexedMessages).toBeLessThanOrEqual(10)
    await small.close()
  })
})
