/** Clients of real routers that lose connections and routers at any moment. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningService } from '../../../src/edge/serve.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import type { Router } from '../../../src/router/router.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { openSocket, startRouter } from './edge-fixture.ts'
import { openLog, openTestRouter, send } from './router-fixture.ts'
import { runningSession, type SessionFixture } from './session-fixture.ts'

const parties = ['a', 'b', 'c']
const messages = 150

let nats: TestNats
let log: EventLog
let sender: Router

beforeAll(async () => {
  nats = await startNats()
  log = await openLog(nats.url)
  sender = await openTestRouter(log)
})

afterAll(async () => {
  await sender.close()
  await log.close()
  await nats.stop()
})

/** What a load balancer stands before: one that has gone is replaced. */
type Pool = RunningService[]

async function restart(pool: Pool, index: number): Promise<void> {
  const [old] = pool.splice(index, 1, await startRouter(nats.url))
  await old?.close()
}

async function ticket(service: RunningService, session: SessionFixture, partyId: string): Promise<string> {
  const response = await fetch(`${service.httpUrl}/api/v1/messages/subscribe/ticket`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${session.credential(partyId)}` },
    body: JSON.stringify({ session_id: session.id, party_id: partyId }),
  })
  return String(((await response.json()) as Record<string, unknown>)['ticket'])
}

/** Positions received until the session ended, over connections cut after so many frames each, then uncut ones. */
async function follow(pool: Pool, session: SessionFixture, partyId: string, cuts: readonly number[]) {
  const received: number[] = []
  let connections = 0
  for (;;) {
    const service = pool[connections % pool.length]
    const other = pool[(connections + 1) % pool.length]
    if (service === undefined || other === undefined) throw new Error('no router')
    const cut = cuts[connections] ?? Infinity
    connections += 1
    const query = { session_id: session.id, party_id: partyId, after_sequence: String(received.at(-1) ?? 0) }
    const how =
      connections % 2 === 0
        ? { headers: { authorization: `Bearer ${session.credential(partyId)}` } }
        : { protocols: ['mpc.router.v1', await ticket(other, session, partyId).catch(() => 'mpc_ticket_none')] }
    const open = await openSocket(service, query, how).catch(() => null)
    if (open === null) continue
    const cutAt = (): void => {
      if (open.frames.length >= cut) open.socket.terminate()
    }
    open.socket.on('message', cutAt)
    cutAt()
    const { code } = await open.closed
    received.push(...open.frames.map((frame) => Number(frame['sequence'])))
    if (code === 1000) return { received, connections }
  }
}

test('clients that are cut off, and whose routers are restarted, miss nothing and get nothing twice', async () => {
  const cut = fc.integer({ min: 0, max: 20 })
  const cuts = fc.array(fc.array(cut, { minLength: 8, maxLength: 12 }), { minLength: 3, maxLength: 3 })
  let connections = 0
  await fc.assert(
    fc.asyncProperty(cuts, async (cutsOfParties) => {
      const pool: Pool = [await startRouter(nats.url), await startRouter(nats.url)]
      const session = await runningSession(log, parties)
      const following = Promise.all(
        parties.map((party, index) => follow(pool, session, party, cutsOfParties[index] ?? [])),
      )
      const expected: number[][] = [[], [], []]
      for (let round = 0; round < messages; round += 1) {
        const from = round % 3
        const to = round % 4 === 0 ? (from + 1) % 3 : null
        const fields = { round, ...(to === null ? {} : { to: [parties[to] ?? ''] }) }
        const { sequence } = await send(sender, session, parties[from] ?? '', fields)
        expected.forEach((positions, index) => {
          if (index !== from && (to === null || to === index)) positions.push(sequence)
        })
        if (round % 40 === 39) await restart(pool, round % pool.length)
      }
      await session.complete()
      const followed = await following
      expect(followed.map(({ received }) => received)).toEqual(expected)
      connections += followed.reduce((sum, one) => sum + one.connections, 0)
      for (const service of pool) await service.close()
    }),
    { numRuns: 3 },
  )
  expect(connections).toBeGreaterThan(3 * 3 * 8)
}, 60_000)
