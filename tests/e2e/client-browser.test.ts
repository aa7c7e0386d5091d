import secp256k1 from 'secp256k1'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reserveFreePort, type ReservedPort } from '../../src/cli/processes/free-port.ts'
import { chromiumTimeoutMs, launchChromium } from '../setup/chromium.ts'
import { bundlePage, servePage, type Bundle, type PageServer } from './browser/page-server.ts'
import { useProject } from './fixtures/packed-package.ts'
import { pageCode } from './fixtures/page-code.ts'
import { server, tokenOf, user, useSystem } from './fixtures/system.ts'

const project = useProject([])
let reserved: ReservedPort | undefined
let port = 0
let browser: Browser | undefined
let bundle: Bundle | undefined
let pages: PageServer | undefined

beforeAll(async () => {
  // Held while the stack starts: whatever else starts meanwhile looks for free ports too.
  reserved = await reserveFreePort()
  port = reserved.port
})

const system = useSystem(() => ({ MPC_CORS_ORIGINS: `http://localhost:${port}` }))

/** What the test asks of the page; `device` is what its code has opened. */
const questions = `
const part = (joinToken) => ({ joinToken, partyId: '${user.party_id}' })
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
globalThis.makeKey = (joinToken) => device.keygen(part(joinToken))
globalThis.sign = async (joinToken, messageHash) => hex((await device.sign({ ...part(joinToken), messageHash })).der)
globalThis.ready = true
`

beforeAll(async () => {
  await project().write('index.html', '<!doctype html><script type="module" src="/page.js"></script>')
  await project().write('page.js', `${pageCode('client.md', 'ts browser', system().stack)}${questions}`)
  bundle = await bundlePage(project().folder)
  await reserved?.release()
  pages = await servePage(bundle, port)
  browser = await launchChromium()
}, chromiumTimeoutMs)

afterAll(async () => {
  await browser?.close()
  await pages?.close()
  await bundle?.remove()
})

test("the page's code for browsers opens a device in Chromium, which makes a key with a server and signs", async () => {
  const page = await browser?.newPage()
  if (page === undefined) throw new Error('the browser is not up')
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  await page.goto(`http://localhost:${port}/`)
  await page.waitForFunction(() => 'ready' in globalThis)

  const session = await system().openKeygen([user, server])
  const { publicKey } = await page.evaluate<{ publicKey: string }>(`makeKey('${tokenOf(session, user.party_id)}')`)
  const account = await system().createAccount(publicKey)
  const messageHash = 'ab'.repeat(32)
  const signing = await system().openSigning(account, messageHash, [user, server])
  const der = await page.evaluate<string>(`sign('${tokenOf(signing, user.party_id)}', '${messageHash}')`)
  const signature = secp256k1.signatureImport(Buffer.from(der, 'hex'))
  expect(secp256k1.ecdsaVerify(signature, Buffer.from(messageHash, 'hex'), Buffer.from(publicKey, 'hex'))).toBe(true)
  expect(problems).toEqual([])
})
