import { describe, expect, test } from 'vitest'
import dkls23 from '../../vectors/dkls23-2of3.json' with { type: 'json' }
import frost from '../../vectors/frost-2of3.json' with { type: 'json' }
import { rest } from '../fixtures/rest.ts'
import { useSystem } from '../fixtures/system.ts'
import type { Protocol, Services } from './page/services.ts'
import { usePages } from './pages.ts'

const pages = usePages()
const system = useSystem(() => ({ MPC_CORS_ORIGINS: pages().allowedOrigin }))

function over(protocol: Protocol): Services {
  const { services } = system().stack
  return {
    coordinatorUrl: services['session-coordinator'].httpUrl,
    routerUrl: services['message-router'].httpUrl,
    protocol,
  }
}

describe.each(['Connect', 'gRPC-web'] as const)('over %s', (protocol) => {
  test('a page of an allowed origin creates a session, joins it, routes, and reads what was sent', async () => {
    const { page, problems } = await pages().open()
    const session = await page.evaluate((services) => testPage.ownProtocolSession(services), over(protocol))
    expect(session).toEqual({
      partyIndexes: [0, 1],
      received: [
        { from: 'alice', round: 1, text: 'message 1', broadcast: true },
        { from: 'alice', round: 2, text: 'message 2', broadcast: false },
      ],
      status: 'failed',
      messageCount: 2,
    })
    expect(problems).toEqual([])
  })

  test('a page of another origin gets no answer', async () => {
    const { page, problems } = await pages().open({ fromForeignOrigin: true })
    const refused = page.evaluate((services) => testPage.ownProtocolSession(services), over(protocol))
    await expect(refused).rejects.toThrow('Failed to fetch')
    expect(problems).toContainEqual(expect.stringContaining('blocked by CORS policy'))
  })
})

test('the page works under a policy that evaluates no text', async () => {
  const { page } = await pages().open()
  expect(await page.evaluate(() => testPage.evaluatesText())).toBe(false)
})

test('the known-answer runs of every protocol come out in a Web Worker as they do in Node', async () => {
  const { page, problems } = await pages().open()
  expect(await page.evaluate(() => testPage.knownAnswer())).toEqual({ dkls23, frost })
  expect(problems).toEqual([])
})

test('a page of an allowed origin replays a session, page by page of its events', async () => {
  const { page, problems } = await pages().open()
  const sessions = `${over('Connect').coordinatorUrl}/api/v1/sessions`
  const participants = ['alice', 'bob'].map((party_id) => ({ party_id }))
  const created = await rest('POST', sessions, { session_type: 'keygen', threshold_n: 2, threshold_t: 2, participants })
  const { session_id: id, join_tokens: tokens } = created.body as { session_id: string; join_tokens: Record<string, string> }
  for (const party_id of ['alice', 'bob']) await rest('POST', `${sessions}/join`, { join_token: tokens[party_id], party_id })
  const kinds = await page.evaluate(async (url) => {
    const seen: string[] = []
    for (let after = ''; ; ) {
      const response = await fetch(`${url}?limit=2${after === '' ? '' : `&after=${after}`}`)
      // The documented answer; what is wrong with it fails the comparison below.
      const body = (await response.json()) as { events: { kind: string }[]; next_after: string; has_more: boolean }
      seen.push(...body.events.map(({ kind }) => kind))
      if (!body.has_more) return seen
      after = body.next_after
    }
  }, `${sessions}/${id}/events`)
  expect(kinds).toEqual(['session_created', 'party_joined', 'party_joined'])
  expect(problems).toEqual([])
})
