/** Real Chromium with the bundled page, served from an origin that the services allow and from one that they do not. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { freePort } from '../../../src/cli/processes/free-port.ts'
import { chromiumTimeoutMs, launchChromium } from '../../setup/chromium.ts'
import { bundlePage, servePage, type Bundle, type PageServer } from './page-server.ts'

export type OpenPage = Readonly<{
  page: Page
  /** What the page has complained about: uncaught errors, refused requests, violations of its policy. */
  problems: readonly string[]
  /** Another tab of the same browser profile. */
  openTab: () => Promise<OpenPage>
  /** Loads the page anew, as a person does. */
  reload: () => Promise<void>
  /** Ends the profile with all its tabs. */
  closeAll: () => Promise<void>
}>

export type Pages = Readonly<{
  allowedOrigin: string
  /** In a browser profile of its own: nothing stored, gone with the test file. */
  open: (options?: Readonly<{ fromForeignOrigin?: boolean }>) => Promise<OpenPage>
}>

export function usePages(): () => Pages {
  let pages: Pages | undefined
  let browser: Browser | undefined
  let bundle: Bundle | undefined
  const servers: PageServer[] = []
  beforeAll(async () => {
    ;[browser, bundle] = await Promise.all([launchChromium(), bundlePage()])
    for (let i = 0; i < 2; i++) servers.push(await servePage(bundle, await freePort()))
    const [allowed = '', foreign = ''] = servers.map(({ origin }) => origin)
    const started = browser
    pages = {
      allowedOrigin: allowed,
      open: async ({ fromForeignOrigin = false } = {}) =>
        openIn(await started.newContext(), fromForeignOrigin ? foreign : allowed),
    }
  }, chromiumTimeoutMs)
  afterAll(async () => {
    await browser?.close()
    for (const server of servers) await server.close()
    await bundle?.remove()
  })
  return () => {
    if (pages === undefined) throw new Error('the browser is not up')
    return pages
  }
}

async function openIn(context: BrowserContext, origin: string): Promise<OpenPage> {
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  await page.goto(origin)
  return {
    page,
    problems,
    openTab: () => openIn(context, origin),
    reload: async () => {
      await page.reload()
    },
    closeAll: () => context.close(),
  }
}
