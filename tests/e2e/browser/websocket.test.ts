import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { rest } from '../fixtures/rest.ts'
import { useSystem } from '../fixtures/system.ts'
import { usePages } from './pages.ts'

const pages = usePages()
const system = useSystem(() => ({ MPC_CORS_ORIGINS: pages().allowedOrigin }))
const parties = ['alice', 'bob'] as const

type Json = Readonly<Record<string, unknown>>

async function call(service: 'session-coordinator' | 'message-router', method: 'POST' | 'PUT', path: string, body: Json) {
  const answer = await rest(method, `${system().stack.services[service].httpUrl}${path}`, body)
  expect(answer.status).toBeLessThan(300)
  return answer.body as Json
}

async function startedSession(): Promise<string> {
  const request = { session_type: 'keygen', threshold_n: 2, threshold_t: 2 }
  const participants = parties.map((party_id) => ({ party_id }))
  const created = await call('session-coordinator', 'POST', '/api/v1/sessions', { ...request, participants })
  const id = String(created['session_id'])
  const tokens = created['join_tokens'] as Json
  for (const party_id of parties) {
    await call('session-coordinator', 'POST', '/api/v1/sessions/join', { join_token: tokens[party_id], party_id })
  }
  for (const party_id of parties) {
    await call('session-coordinator', 'PUT', `/api/v1/sessions/${id}/parties/${party_id}/ready`, {})
  }
  await call('session-coordinator', 'POST', `/api/v1/sessions/${id}/start`, {})
  return id
}

function route(session_id: string, round: number): Promise<Json> {
  const message = { session_id, from_party: 'alice', round, payload: 'AAEC', is_broadcast: true }
  return call('message-router', 'POST', '/api/v1/messages', message)
}

function askForTicket(page: Page, session: string, afterSequence: number): Promise<string> {
  const url = `${system().stack.services['message-router'].httpUrl}/api/v1/messages/subscribe/ticket`
  const body = JSON.stringify({ session_id: session, party_id: 'bob', after_sequence: afterSequence })
  return page.evaluate(
    async ([at, what]) => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(at, { method: 'POST', headers, body: what })
      return ((await response.json()) as { ticket: string }).ticket
    },
    [url, body] as const,
  )
}

/** What a WebSocket of the page says until it closes. */
function subscribe(page: Page, session: string, ticket: string) {
  const { httpUrl } = system().stack.services['message-router']
  const url = `${httpUrl}/api/v1/messages/subscribe?session_id=${session}&party_id=bob`
  return page.evaluate(
    ([at, shown]) =>
      new Promise<{ rounds: number[]; protocol: string; code: number; reason: string }>((resolve) => {
        const socket = new WebSocket(at, ['mpc.router.v1', shown])
        const rounds: number[] = []
        socket.onmessage = ({ data }) => rounds.push((JSON.parse(String(data)) as { round: number }).round)
        socket.onclose = ({ code, reason }) => resolve({ rounds, protocol: socket.protocol, code, reason })
      }),
    [url, ticket] as const,
  )
}

const refused = { rounds: [], protocol: '', code: 1006, reason: '' }

test('a page of an allowed origin subscribes with a ticket, once', async () => {
  const { page } = await pages().open()
  const session = await startedSession()
  const first = await route(session, 1)
  await route(session, 2)
  const ticket = await askForTicket(page, session, Number(first['sequence']))
  const subscribed = subscribe(page, session, ticket)
  await route(session, 3)
  await call('session-coordinator', 'POST', `/api/v1/sessions/${session}/close`, {})
  expect(await subscribed).toEqual({
    rounds: [2, 3],
    protocol: 'mpc.router.v1',
    code: 1000,
    reason: 'session closed',
  })
  expect(await subscribe(page, session, ticket)).toEqual(refused)
})

test('a page of another origin gets no ticket, and one of the allowed page does not help it', async () => {
  const own = await pages().open()
  const foreign = await pages().open({ fromForeignOrigin: true })
  const session = await startedSession()
  await expect(askForTicket(foreign.page, session, 0)).rejects.toThrow('Failed to fetch')
  const ticket = await askForTicket(own.page, session, 0)
  expect(await subscribe(foreign.page, session, ticket)).toEqual(refused)
  await call('session-coordinator', 'POST', `/api/v1/sessions/${session}/close`, {})
  expect(await subscribe(own.page, session, ticket)).toMatchObject({ code: 1000, reason: 'session closed' })
})
