import { describe, expect, test } from 'vitest'
import dkls23 from '../../vectors/dkls23-2of3.json' with { type: 'json' }
import frost from '../../vectors/frost-2of3.json' with { type: 'json' }
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
