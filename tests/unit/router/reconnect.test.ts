/** Clients that lose their connection at any moment, and go on after the last sequence they have, on any router. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messageSubject, sessionSubject } from '../../../src/events/subjects.ts'
import { defaultRouterLimits } from '../../../src/router/limits.ts'
import { isFor } from '../../../src/router/mailbox.ts'
import { openRouter, type Router } from '../../../src/router/router.ts'
import { slotOf } from '../../../src/events/message-slot.ts'
import { completed, created, encoded, joined, routedBytes, started } from './session-events.ts'
import { ScriptedLog } from './scripted-log.ts'

const session = 's'
const parties = ['a', 'b', 'c']

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('store' as const), from: fc.nat(2), to: fc.nat(3) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('deliver' as const), router: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), which: fc.nat(10) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('cut' as const), client: fc.nat(2) }) },
)

type Client = {
  readonly party: string
  readonly received: number[]
  connections: number
  reconnectsAmidMessages: number
  cut: () => void
}

function newClient(party: string): Client {
  return { party, received: [], connections: 0, reconnectsAmidMessages: 0, cut: () => undefined }
}

/** Subscribes again and again, at the routers in turn, until the session has ended. */
async function follow(client: Client, routers: readonly Router[]): Promise<void> {
  for (;;) {
    const connection = new AbortController()
    client.cut = () => connection.abort()
    const router = routers[client.connections % routers.length]
    client.connections += 1
    const request = { sessionId: session, partyId: client.party, afterSequence: client.received.at(-1) ?? 0 }
    const bare = { openMode: true, bearer: null }
    const subscription = await router?.subscribe(request, bare, connection.signal, 'websocket')
    if (subscription === undefined) throw new Error('no router')
    for await (const { entry } of subscription.messages()) client.received.push(entry.sequence)
    subscription.close()
    if (subscription.outcome() !== null) return
    if (client.received.length > 0) client.reconnectsAmidMessages += 1
  }
}

const schedule = fc.array(step, { minLength: 20, maxLength: 150, size: 'max' })

test('a client that reconnects with its last position misses nothing and gets nothing twice', async () => {
  let amidMessages = 0
  await fc.assert(
    fc.asyncProperty(schedule, fc.constantFrom(0, 1000), async (steps, memoryBytes) => {
      const log = new ScriptedLog()
      const joins = parties.map((party) => joined(session, party, { hasKeys: false }))
      const beginning = [created(session, parties), ...joins, started(session)]
      beginning.forEach((event, index) => log.put(sessionSubject(session), encoded(event), `${index}`))
      const limits = { ...defaultRouterLimits, memoryBytes }
      const routers = [
        await openRouter({ log, limits, warn: () => undefined }),
        await openRouter({ log, limits, warn: () => undefined }),
      ]
      const clients = parties.map(newClient)
      let ended = false
      const all = Promise.all(clients.map((client) => follow(client, routers))).finally(() => (ended = true))

      const messages: { sequence: number; from: string; to: readonly string[] }[] = []
      for (const action of steps) {
        if (action.kind === 'deliver') await log.deliver('MESSAGES', action.router)
        if (action.kind === 'read') await log.letRead(action.which)
        if (action.kind === 'cut') clients[action.client]?.cut()
        if (action.kind !== 'store') continue
        const from = parties[action.from] ?? ''
        const others = parties.filter((party) => party !== from)
        const to = action.to === 0 ? [] : others.slice(0, action.to)
        const data = routedBytes(slotOf(session, messages.length, from, to), Uint8Array.of(1))
        const { sequence } = log.put(messageSubject(session, 'all'), data, `message ${messages.length}`)
        messages.push({ sequence, from, to })
      }
      log.put(sessionSubject(session), encoded(completed(session)), 'end')
      while (!ended) {
        await log.letRead(0)
        await log.deliver('MESSAGES')
        await log.deliver('SESSIONS')
      }
      await all
      for (const { party, received } of clients) {
        expect(received).toEqual(messages.filter((message) => isFor(message, party)).map(({ sequence }) => sequence))
      }
      amidMessages += clients.reduce((sum, client) => sum + client.reconnectsAmidMessages, 0)
      expect(routers.map((router) => router.usage().subscriptions)).toEqual([0, 0])
      for (const router of routers) await router.close()
    }),
    { numRuns: 200 },
  )
  expect(amidMessages).toBeGreaterThan(500)
}, 60_000)
