/** Routers on one real log, and what tests do with them again and again. */
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import { defaultRouterLimits, type RouterLimits } from '../../../src/router/limits.ts'
import type { Credential } from '../../../src/router/membership.ts'
import type { Outgoing } from '../../../src/router/route.ts'
import { openRouter, type Router } from '../../../src/router/router.ts'
import type { Delivered, Subscription } from '../../../src/router/subscription.ts'
import type { SessionFixture } from './session-fixture.ts'

const sizes = { SESSIONS: 64 * 1024 * 1024, MESSAGES: 512 * 1024 * 1024, CHECKPOINTS: 1024 * 1024 }

export function openLog(url: string): Promise<EventLog> {
  return openEventLog({ url, name: 'router-test', replicas: 1, sizes })
}

export function openTestRouter(log: EventLog, limits: Partial<RouterLimits> = {}): Promise<Router> {
  return openRouter({
    log,
    limits: { ...defaultRouterLimits, ...limits },
    warn: (message, error) => {
      throw new Error(message, { cause: error })
    },
  })
}

export function as(session: SessionFixture, partyId: string, openMode = false): Credential {
  return { openMode, bearer: session.credential(partyId) }
}

export function message(session: SessionFixture, from: string, fields: Partial<Outgoing> = {}): Outgoing {
  const to = fields.to ?? []
  return { sessionId: session.id, from, to, isBroadcast: to.length === 0, round: 1, payload: bytes('hello'), ...fields }
}

/** Routes as the sender itself. */
export function send(router: Router, session: SessionFixture, from: string, fields: Partial<Outgoing> = {}) {
  return router.route(message(session, from, fields), as(session, from), 'trace')
}

export function subscribe(
  router: Router,
  session: SessionFixture,
  partyId: string,
  afterSequence = 0,
  signal: AbortSignal = new AbortController().signal,
): Promise<Subscription> {
  return router.subscribe({ sessionId: session.id, partyId, afterSequence }, as(session, partyId), signal, 'grpc')
}

/** The next `count` messages; the subscription stays open. */
export async function takeMessages(stream: AsyncGenerator<Delivered, void>, count: number): Promise<Delivered[]> {
  const taken: Delivered[] = []
  while (taken.length < count) {
    const next = await stream.next()
    if (next.done === true) throw new Error(`the subscription ended after ${taken.length} of ${count} messages`)
    taken.push(next.value)
  }
  return taken
}

export async function readAll<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload)
}

export function texts(delivered: readonly Delivered[]): string[] {
  return delivered.map(({ payload }) => text(payload))
}
