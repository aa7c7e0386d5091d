/** /openapi.json and /docs of every service, the page in a real Chromium. */
import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ServiceName } from '../../src/cli/stack/services.ts'
import { chromiumTimeoutMs, launchChromium } from '../setup/chromium.ts'
import { unsafeIn } from '../setup/safe-answer.ts'
import { contracts } from './fixtures/contracts.ts'
import { deviations, exampleOf } from './fixtures/documented-table.ts'
import { documentOf } from './fixtures/openapi-answers.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
const url = (service: ServiceName) => system().stack.services[service].httpUrl

const pages = [
  ['session-coordinator', 'CreateSession'],
  ['message-router', 'RouteMessage'],
  ['server-party-1', 'GetParty'],
  ['server-party-2', 'GetParty'],
  ['server-party-3', 'GetParty'],
  ['account-service', 'CreateAccount'],
] as const

test.each(pages)('%s serves its document', async (service) => {
  const file = new URL(`../../docs/openapi/${documentOf(service)}.json`, import.meta.url)
  const response = await fetch(`${url(service)}/openapi.json`)
  expect([response.status, await response.text()]).toEqual([200, readFileSync(file, 'utf8')])
})

test.each(contracts)('$at gives every answer the headers of a safe one, and tells nobody what it runs on', async ({ at, services }) => {
  const [first] = services
  const rpc = `/${first?.typeName}/${first?.methods[0]?.name}`
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
  const asked: readonly (readonly [string, RequestInit])[] = [
    ...['/health', '/readyz', '/metrics', '/docs', '/openapi.json', '/', '/nothing', '/api/v1/nothing'].map(
      (path) => [path, {}] as const,
    ),
    [rpc, json],
    [rpc, { ...json, body: 'no JSON' }],
    [rpc, { ...json, headers: { 'content-type': 'a/b' } }],
    [rpc, { ...json, headers: { ...json.headers, origin: 'https://evil.example' } }],
    ['/health', { method: 'DELETE' }],
  ]
  const statuses = new Set<number>()
  for (const [path, request] of asked) {
    const response = await fetch(`${url(at)}${path}`, request)
    await response.arrayBuffer()
    expect([path, unsafeIn(response.headers)]).toEqual([path, []])
    statuses.add(response.status)
  }
  for (const status of [200, 403, 404, 415]) expect(statuses).toContain(status)
})

describe('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
    return () => browser.close()
  }, chromiumTimeoutMs)

  /** The page, and what it asked for and complained about: a blocked script or style is an error on the console. */
  async function open(service: ServiceName): Promise<Readonly<{ page: Page; asked: string[]; errors: string[] }>> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } })
    const [asked, errors]: [string[], string[]] = [[], []]
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(`${url(service)}/docs`)
    return { page, asked, errors }
  }

  test.each(pages)('the page of %s shows %s, all of it from the service', async (service, operation) => {
    const { page, asked, errors } = await open(service)
    await page.locator(`[id$="-${operation}"]`).waitFor()
    expect(errors).toEqual([])
    expect(asked.filter((one) => !one.startsWith(`${url(service)}/`) && !one.startsWith('data:'))).toEqual([])
    await page.close()
  })

  test('the documented example of §2.1 can be tried out', async () => {
    const { page, errors } = await open('session-coordinator')
    const operation = page.locator('#operations-SessionCoordinator-CreateSession')
    await operation.locator('.opblock-summary-control').click()
    await operation.locator('button.execute').click()
    const answer = operation.locator('.live-responses-table .response')
    await answer.waitFor()
    expect(await answer.locator('.response-col_status').innerText()).toContain('201')
    const body = JSON.parse(await answer.locator('.highlight-code code').first().innerText()) as unknown
    expect(deviations(exampleOf('2.1').response, body, {})).toEqual([])
    expect(errors).toEqual([])
    await page.close()
  })
})
