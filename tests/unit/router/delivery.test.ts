import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messageSubject, sessionSubject } from '../../../src/events/subjects.ts'
import { defaultRouterLimits } from '../../../src/router/limits.ts'
import { isFor } from '../../../src/router/mailbox.ts'
import { openRouter } from '../../../src/router/router.ts'
import { slotKey, slotOf } from '../../../src/events/message-slot.ts'
import { completed, created, encoded, joined, routedBytes, started } from './session-events.ts'
import { ScriptedLog } from './scripted-log.ts'

const sessions = ['s0', 's1']
const parties = ['a', 'b', 'c']

type Step =
  | { kind: 'store'; session: number; from: number; to: number; round: number }
  | { kind: 'deliver' }
  | { kind: 'read'; which: number }
  | { kind: 'subscribe'; session: number; party: number; after: number }

const store = fc.record({
  kind: fc.constant('store' as const),
  session: fc.nat(1),
  from: fc.nat(2),
  to: fc.nat(3),
  round: fc.nat(3),
})
const deliver = fc.record({ kind: fc.constant('deliver' as const) })
const read = fc.record({ kind: fc.constant('read' as const), which: fc.nat(10) })
const subscribe = fc.record({
  kind: fc.constant('subscribe' as const),
  session: fc.nat(1),
  party: fc.nat(2),
  after: fc.nat(20),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: store },
  { weight: 4, arbitrary: deliver },
  { weight: 5, arbitrary: read },
  { weight: 2, arbitrary: subscribe },
)

type Message = { sequence: number; session: string; from: string; to: readonly string[]; payload: string }

function newLog(): ScriptedLog {
  const log = new ScriptedLog()
  for (const session of sessions) {
    const joins = parties.map((party) => joined(session, party, { hasKeys: false }))
    const events = [created(session, parties), ...joins, started(session)]
    events.forEach((event, index) => log.put(sessionSubject(session), encoded(event), `${session} ${index}`))
  }
  return log
}

async function play(steps: readonly Step[], memoryBytes: number) {
  const log = newLog()
  const limits = { ...defaultRouterLimits, memoryBytes, subscriptionsPerParty: 100 }
  const router = await openRouter({ log, limits, warn: () => undefined })
  const messages: Message[] = []
  const subscribers: { session: string; party: string; after: number; done: Promise<number[]> }[] = []
  const taken = new Set<string>()

  for (const action of steps) {
    if (action.kind === 'deliver') await log.deliver('MESSAGES')
    if (action.kind === 'read') await log.letRead(action.which)
    if (action.kind === 'store') {
      const session = sessions[action.session] ?? ''
      const from = parties[action.from] ?? ''
      const others = parties.filter((party) => party !== from)
      const to = action.to === 0 ? [] : action.to === 3 ? others : [others[action.to - 1] ?? '']
      const slot = slotOf(session, action.round, from, to)
      const payload = `${messages.length}`
      const data = routedBytes(slot, new TextEncoder().encode(payload))
      const recipient = to.length === 1 ? to[0] ?? '' : 'all'
      const { sequence } = log.put(messageSubject(session, recipient), data, `message ${log.stored('MESSAGES').length}`)
      const key = `${session} ${slotKey(slot)}`
      if (!taken.has(key)) messages.push({ sequence, session, from, to, payload })
      taken.add(key)
    }
    if (action.kind === 'subscribe') {
      const session = sessions[action.session] ?? ''
      const party = parties[action.party] ?? ''
      const request = { sessionId: session, partyId: party, afterSequence: action.after }
      const done = (async () => {
        const bare = { openMode: true, bearer: null }
        const open = await router.subscribe(request, bare, new AbortController().signal, 'grpc')
        const sequences: number[] = []
        for await (const { entry, payload } of open.messages()) {
          const expected = messages.find(({ sequence }) => sequence === entry.sequence)
          expect(new TextDecoder().decode(payload)).toBe(expected?.payload)
          sequences.push(entry.sequence)
        }
        open.close()
        return sequences
      })()
      subscribers.push({ session, party, after: action.after, done })
    }
  }

  for (const session of sessions) log.put(sessionSubject(session), encoded(completed(session)), `${session} end`)
  let ended = false
  const all = Promise.all(subscribers.map(({ done }) => done)).finally(() => (ended = true))
  while (!ended) {
    await log.deliver('SESSIONS')
    await log.letRead(0)
    await log.deliver('MESSAGES')
  }
  const received = await all
  const usage = router.usage()
  await router.close()
  return { messages, subscribers, received, usage }
}

test('however reading and following overlap, subscribers see every message to them once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 3, 1000), async (steps, memoryBytes) => {
      const { messages, subscribers, received, usage } = await play(steps, memoryBytes)
      subscribers.forEach(({ session, party, after }, index) => {
        const ofSession = messages.filter((message) => message.session === session && message.sequence > after)
        const expected = ofSession.filter((message) => isFor(message, party))
        expect(received[index]).toEqual(expected.map(({ sequence }) => sequence))
      })
      expect(usage.subscriptions).toBe(0)
      expect(usage.payloadBytes).toBeLessThanOrEqual(memoryBytes)
    }),
    { numRuns: 150 },
  )
}, 60_000)

test('a subscription waits at the end of its session for what was stored but has not come yet', async () => {
  const log = newLog()
  const router = await openRouter({ log, limits: defaultRouterLimits, warn: () => undefined })
  const request = { sessionId: 's0', partyId: 'b', afterSequence: 0 }
  const opening = router.subscribe(request, { openMode: true, bearer: null }, new AbortController().signal, 'grpc')
  await log.letRead(0)
  const subscription = await opening
  const stream = subscription.messages()
  let settled = false
  const next = stream.next().finally(() => (settled = true))
  log.put(messageSubject('s0', 'all'), routedBytes(slotOf('s0', 1, 'a', []), Uint8Array.of(1)), 'last words')
  log.put(sessionSubject('s0'), encoded(completed('s0')), 'end')
  await log.deliver('SESSIONS')
  await log.letRead(0)
  expect(settled).toBe(false)
  await log.deliver('MESSAGES')
  expect(await next).toMatchObject({ value: { entry: { sequence: 1, from: 'a' } } })
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  subscription.close()
  await router.close()
})

test('a refusal that could not be recorded is reported, and recorded with the next attempt', async () => {
  const log = newLog()
  const warnings: string[] = []
  const router = await openRouter({ log, limits: defaultRouterLimits, warn: (message) => warnings.push(message) })
  const slot = slotOf('s0', 1, 'a', [])
  log.put(messageSubject('s0', 'all'), routedBytes(slot, Uint8Array.of(1)), 'first')
  const message = { sessionId: 's0', from: 'a', to: [], isBroadcast: true, round: 1, payload: Uint8Array.of(2) }
  const attempt = async (): Promise<void> => {
    const refused = expect(router.route(message, { openMode: true, bearer: null }, 'trace')).rejects.toMatchObject({
      code: 'conflict',
    })
    for (let reads = 0; reads < 3; reads += 1) await log.letRead(0)
    await refused
  }
  log.failing = true
  await attempt()
  expect([warnings.length, log.stored('MESSAGES').length]).toEqual([1, 1])
  log.failing = false
  await attempt()
  expect([warnings.length, log.stored('MESSAGES').length]).toEqual([1, 2])
  await router.close()
})
