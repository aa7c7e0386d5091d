import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveSample, type Sample } from './sample-service.ts'

let sample: Sample
beforeAll(async () => {
  sample = await serveSample({ definition: { openApi: 'session-coordinator' } })
  return () => sample.close()
})

const files = [
  ['/openapi.json', 'application/json', '"openapi": "3.1.1"'],
  ['/docs', 'text/html; charset=utf-8', '<title>sample-service API</title>'],
  ['/docs/start.js', 'text/javascript; charset=utf-8', "url: 'openapi.json'"],
  ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8', 'SwaggerUIBundle'],
  ['/docs/swagger-ui.css', 'text/css; charset=utf-8', '.swagger-ui'],
] as const

describe.each(files)('%s', (path, type, content) => {
  test('is served', async () => {
    const response = await fetch(`${sample.httpUrl}${path}`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    expect(await response.text()).toContain(content)
  })

  test('answers HEAD without a body', async () => {
    const response = await fetch(`${sample.httpUrl}${path}`, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    expect(await response.text()).toBe('')
  })

  test('may not be framed, run inline scripts or reach other hosts', async () => {
    const { headers } = await fetch(`${sample.httpUrl}${path}`)
    const policy = headers.get('content-security-policy')?.split('; ') ?? []
    expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "connect-src 'self'"]))
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy.join()).not.toMatch(/unsafe|https?:|\*/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('is not given to pages of other origins', async () => {
    const response = await fetch(`${sample.httpUrl}${path}`, { headers: { origin: 'https://evil.example' } })
    expect(response.status).toBe(403)
  })
})

test('/openapi.json is the file in docs/openapi', async () => {
  const file = new URL('../../../docs/openapi/session-coordinator.json', import.meta.url)
  expect(await (await fetch(`${sample.httpUrl}/openapi.json`)).text()).toBe(readFileSync(file, 'utf8'))
})

test('only named files of the package are served', async () => {
  for (const path of ['/docs/package.json', '/docs/index.html', '/docs/..%2f..%2fpackage.json']) {
    expect((await fetch(`${sample.httpUrl}${path}`)).status).toBe(404)
  }
})

test('/docs/ leads to /docs', async () => {
  const response = await fetch(`${sample.httpUrl}/docs/`)
  expect([response.status, response.url]).toEqual([200, `${sample.httpUrl}/docs`])
})

test('clients that do not read what they asked for do not each hold a file', async () => {
  const { port } = new URL(sample.httpUrl)
  const fileBytes = (await (await fetch(`${sample.httpUrl}/docs/swagger-ui-bundle.js`)).arrayBuffer()).byteLength
  const heldBefore = process.memoryUsage().external
  const sockets = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.write('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await once(socket, 'readable')
      return socket
    }),
  )
  const held = process.memoryUsage().external - heldBefore
  for (const socket of sockets) socket.destroy()
  expect(held).toBeLessThan((sockets.length * fileBytes) / 4)
})

test('the page and its files count as calls', async () => {
  const env = { MPC_RATE_LIMIT: '1', MPC_RATE_LIMIT_BURST: '0' }
  const limited = await serveSample({ env, definition: { openApi: 'session-coordinator' } })
  const paths = files.flatMap(([path]) => [path, path])
  const statuses = await Promise.all(paths.map(async (path) => (await fetch(`${limited.httpUrl}${path}`)).status))
  await limited.close()
  expect(statuses).toContain(429)
})

describe('a service without a document', () => {
  let plain: Sample
  beforeAll(async () => void (plain = await serveSample()))
  afterAll(() => plain.close())

  test.each(['/openapi.json', '/docs'])('has no %s', async (path) => {
    expect((await fetch(`${plain.httpUrl}${path}`)).status).toBe(404)
  })
})
