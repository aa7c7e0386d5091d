import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Page } from 'playwright-core'
import type { DeviceHostOptions } from '../../../src/party/browser/device-host.ts'
import type { Unlock } from '../../../src/party/browser/unlock.ts'
import { usePages, type OpenPage } from './pages.ts'

const pages = usePages()
let tab: OpenPage
let page: Page
beforeEach(async () => {
  tab = await pages().open()
  page = tab.page
})
afterEach(() => tab.closeAll())

describe('records in IndexedDB', () => {
  beforeEach(() => page.evaluate(() => testPage.openRecords()))

  test('come back after a reload as they were stored, replaced as a whole, in the order of their names', async () => {
    await page.evaluate(async () => {
      for (const [name, hex] of [['b', '01'], ['a_1', '02'], ['B-2', '03'], ['b', '04']] as const) {
        await testPage.put(name, hex)
      }
    })
    await tab.reload()
    await page.evaluate(() => testPage.openRecords())
    expect(await page.evaluate(() => testPage.list())).toEqual(['B-2', 'a_1', 'b'])
    expect(await page.evaluate(() => testPage.get('b'))).toBe('04')
    expect(await page.evaluate(() => testPage.get('c'))).toBeNull()
  })

  test('are gone when they were removed, and removing what is not there does nothing', async () => {
    await page.evaluate(async () => {
      await testPage.put('a', '01')
      await testPage.remove('a')
      await testPage.remove('a')
    })
    expect(await page.evaluate(() => testPage.list())).toEqual([])
  })

  test('are on the disk before a write resolves', async () => {
    await page.evaluate(async () => {
      await testPage.put('a', '01')
      await testPage.remove('a')
      await testPage.openDevice({ deviceId: 'phone' })
    })
    expect(await page.evaluate(() => testPage.durabilities())).toEqual(['strict', 'strict', 'strict'])
  })

  test('of the first release are kept, in a database that has gained what came since', async () => {
    await page.evaluate(async () => {
      testPage.closeRecords()
      await testPage.deleteDatabase('records')
      await testPage.makeFormerDatabase('records')
      await testPage.openRecords()
    })
    expect(await page.evaluate(() => testPage.get('a'))).toBe('01')
    const { counts } = await page.evaluate(() => testPage.dumpDatabase('records'))
    expect(counts).toEqual({ keys: 0, shares: 1, ledgers: 0, approvals: 0, sessions: 0 })
  })

  test('refuse a name that is none', async () => {
    const problem = 'StorageError: a record name may hold'
    await expect(page.evaluate(() => testPage.put('../a', '00'))).rejects.toThrow(problem)
    await expect(page.evaluate(() => testPage.get(''))).rejects.toThrow(problem)
    await expect(page.evaluate(() => testPage.remove('a'.repeat(65)))).rejects.toThrow(problem)
  })

  test('say so when the database is gone', async () => {
    await page.evaluate(() => testPage.closeRecords())
    await expect(page.evaluate(() => testPage.put('a', '01'))).rejects.toThrow(
      'StorageError: shares a cannot be written (InvalidStateError)',
    )
    await expect(page.evaluate(() => testPage.get('a'))).rejects.toThrow('StorageError: shares a cannot be read')
  })
})

describe('a store', () => {
  const open = (on: Page, more: Partial<Omit<DeviceHostOptions, 'startWorker' | 'rng'>> = {}) =>
    on.evaluate((options) => testPage.openDevice(options), { deviceId: 'phone', ...more })

  const secretOf = (fill: number): Unlock => ({ secret: new Uint8Array(32).fill(fill) })

  test('belongs to one page at a time', async () => {
    const identity = await open(page)
    const second = (await tab.openTab()).page
    await expect(open(second, { lockTimeoutMs: 200 })).rejects.toThrow(
      'StorageError: the store mpc-device is open in another tab or window of this browser',
    )
    await open(second, { name: 'another-device' })
    const waiting = open(second)
    await page.evaluate(() => testPage.closeDevice())
    expect(await waiting).toBe(identity)
  })

  test('is free again as soon as its page is closed or loaded anew', async () => {
    const identity = await open(page)
    await tab.reload()
    expect(await open(page)).toBe(identity)
    const second = (await tab.openTab()).page
    await page.close()
    expect(await open(second)).toBe(identity)
  })

  test('is not written by a page from which other code of the origin took it away', async () => {
    await open(page)
    await page.evaluate(() => navigator.locks.request('mpc-system/mpc-device', { steal: true }, () => undefined))
    const keyIds = () => page.evaluate(() => testPage.keyIds())
    await vi.waitFor(() => expect(keyIds()).rejects.toThrow('StorageError: shares cannot be read (InvalidStateError)'))
  })

  test('gives way to whoever deletes it', async () => {
    const identity = await open(page)
    await page.evaluate(() => testPage.deleteDatabase('mpc-device'))
    await expect(page.evaluate(() => testPage.keyIds())).rejects.toThrow('StorageError: shares cannot be read')
    await tab.reload()
    expect(await open(page)).not.toBe(identity)
  })

  test('opens for no other device', async () => {
    await open(page)
    await page.evaluate(() => testPage.closeDevice())
    await expect(open(page, { deviceId: 'tablet' })).rejects.toThrow(
      'StorageError: the store belongs to the device phone',
    )
  })

  test('that was made with a passphrase opens with no other, nor without one, and however it was typed', async () => {
    const identity = await open(page, { unlock: { passphrase: 'pa\u00dfwort \u00e9' } })
    await page.evaluate(() => testPage.closeDevice())
    await expect(open(page, { unlock: { passphrase: 'password' } })).rejects.toThrow(
      'StorageError: unlock: this is not the passphrase of the store',
    )
    await expect(open(page)).rejects.toThrow('StorageError: unlock: the store opens with a passphrase only')
    expect(await open(page, { unlock: { passphrase: 'pa\u00dfwort e\u0301' } })).toBe(identity)
  })

  test('that was made with a secret opens with no other, and one that was made without opens without', async () => {
    await open(page, { unlock: secretOf(1) })
    await page.evaluate(() => testPage.closeDevice())
    await expect(open(page, { unlock: secretOf(2) })).rejects.toThrow(
      'StorageError: unlock: this is not the secret of the store',
    )
    await open(page, { name: 'another' })
    await page.evaluate(() => testPage.closeDevice())
    await expect(open(page, { name: 'another', unlock: { passphrase: 'x' } })).rejects.toThrow(
      'StorageError: unlock: the store opens without one',
    )
  })

  test('opens with the new secret only, once it was changed', async () => {
    const [unlock, nextUnlock] = [secretOf(1), secretOf(2)]
    const identity = await open(page, { unlock })
    await page.evaluate(() => testPage.closeDevice())
    expect(await open(page, { unlock, nextUnlock })).toBe(identity)
    await page.evaluate(() => testPage.closeDevice())
    await expect(open(page, { unlock })).rejects.toThrow('StorageError: unlock: this is not the secret of the store')
    expect(await open(page, { unlock: nextUnlock })).toBe(identity)
  })

  test('that has lost its keys is not given new ones', async () => {
    await open(page)
    await page.evaluate(async () => {
      await testPage.closeDevice()
      await testPage.loseKeys('mpc-device')
    })
    await expect(open(page)).rejects.toThrow('StorageError: the store has shares but no keys to open them with')
  })
})

test('a run whose worker cannot be started is refused by the host', async () => {
  expect(await page.evaluate(() => testPage.runWithoutWorker())).toBe('HostUnavailable')
})
