import secp256k1 from 'secp256k1'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Device } from '../../../src/cli/device.ts'
import type { ProgressEvent } from '../../../src/party/progress.ts'
import { rest } from '../fixtures/rest.ts'
import { formsOf, secretsOfShare } from '../fixtures/secret-forms.ts'
import {
  makeKey,
  recovery,
  server,
  sign,
  tokenOf,
  user,
  useSystem,
  whenSent,
  type OpenedSession,
  type Participant,
} from '../fixtures/system.ts'
import { deviceThatWaits } from './device-that-waits.ts'
import type { Protocol } from './page/services.ts'
import { usePages, type OpenPage } from './pages.ts'

const messageHash = '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81'
const store = { deviceId: user.device_id, name: 'wallet', unlock: { passphrase: 'correct horse battery staple' } }

const pages = usePages()
const system = useSystem(() => ({ MPC_CORS_ORIGINS: pages().allowedOrigin }))
let tab: OpenPage
let recoveryDevice: Device
let account: string
let publicKey: string
let identity: string
/** Drawn when the store was made: the only 32 random bytes that it asks for. */
let keyEncryptionKey: string

/** Where the page's part in a session happens. */
function orderFor(session: OpenedSession, protocol: Protocol) {
  const { services } = system().stack
  return {
    joinToken: tokenOf(session, user.party_id),
    partyId: user.party_id,
    services: {
      coordinatorUrl: services['session-coordinator'].httpUrl,
      routerUrl: services['message-router'].httpUrl,
      protocol,
    },
  }
}

/** Answers with the identity. */
const openDevice = () => tab.page.evaluate((options) => testPage.openDevice(options), store)

async function signInPage(cosigner: Participant, protocol: Protocol): Promise<void> {
  const session = await system().openSigning(account, messageHash, [user, cosigner])
  const [outcome] = await Promise.all([
    tab.page.evaluate((order) => testPage.sign(order), { ...orderFor(session, protocol), messageHash }),
    cosigner === recovery && sign(recoveryDevice, recovery.party_id, session, messageHash),
  ])
  if (outcome.kind !== 'signed') throw new Error(`the page did not sign: ${JSON.stringify(outcome)}`)
  const signature = Buffer.from(outcome.r + outcome.s, 'hex')
  const [hash, key] = [Buffer.from(messageHash, 'hex'), Buffer.from(publicKey, 'hex')]
  expect(secp256k1.ecdsaVerify(signature, hash, key)).toBe(true)
  expect(Buffer.from(secp256k1.ecdsaRecover(signature, outcome.recoveryId, hash))).toEqual(key)
}

beforeAll(async () => {
  tab = await pages().open()
  recoveryDevice = await system().device(recovery.device_id, recovery.device_type)
  identity = await openDevice()
  const drawn = (await tab.page.evaluate(() => testPage.drawn())).filter((hex) => hex.length === 64)
  expect(drawn).toHaveLength(1)
  keyEncryptionKey = String(drawn[0])
}, 60_000)

describe('a party in a page', () => {
  test('makes a key with a server and a recovery device over Connect, computing in a Web Worker', async () => {
    const session = await system().openKeygen()
    const [outcome, elsewhere] = await Promise.all([
      tab.page.evaluate((order) => testPage.makeKey(order), orderFor(session, 'Connect')),
      makeKey(recoveryDevice, recovery.party_id, session),
    ])
    if (outcome.kind !== 'key-made' || elsewhere.kind !== 'key-made') {
      throw new Error(`no key was made: ${JSON.stringify([outcome, elsewhere])}`)
    }
    publicKey = outcome.publicKey
    expect(publicKey).toBe(Buffer.from(elsewhere.publicKey).toString('hex'))
    account = await system().createAccount(publicKey)
    expect(tab.page.workers().map((worker) => worker.url())).toEqual([expect.stringMatching(/execution-worker/)])
  })

  test('signs with the server over gRPC-web, and libsecp256k1 agrees', () => signInPage(server, 'gRPC-web'))

  test('signs with the recovery device after the page was loaded anew, with its share and identity', async () => {
    const keyIds = await tab.page.evaluate(() => testPage.keyIds())
    await tab.reload()
    expect(await openDevice()).toBe(identity)
    expect(await tab.page.evaluate(() => testPage.keyIds())).toEqual(keyIds)
    await signInPage(recovery, 'Connect')
  })

  test('leaves no secret in clear in the database, and no key that can be exported', async () => {
    const [keyId = ''] = await tab.page.evaluate(() => testPage.keyIds())
    const share = await tab.page.evaluate((id) => testPage.shareOf(id), keyId)
    const dump = await tab.page.evaluate((name) => testPage.dumpDatabase(name), store.name)
    expect(dump.counts).toMatchObject({ keys: 1, shares: 1 })
    const unexportable = { extractable: false, exports: [] }
    expect(dump.keys).toEqual([
      { algorithm: 'Ed25519', type: 'private', ...unexportable },
      { algorithm: 'AES-GCM', type: 'secret', ...unexportable },
    ])
    const binaries = dump.binaries.map((hex) => Buffer.from(hex, 'hex'))
    const stored = [...binaries, ...dump.texts.map((text) => Buffer.from(text))]
    const holds = (secret: Uint8Array) => formsOf(secret).some((form) => stored.some((value) => value.includes(form)))
    // The search works: what is public is found.
    expect(holds(Buffer.from(publicKey, 'hex'))).toBe(true)
    const secrets = new Map(secretsOfShare(Buffer.from(share, 'hex')))
    secrets.set('key-encryption key', Buffer.from(keyEncryptionKey, 'hex'))
    secrets.set('passphrase', Buffer.from(store.unlock.passphrase))
    expect(secrets.size).toBeGreaterThan(5)
    for (const [what, secret] of secrets) expect(holds(secret), what).toBe(false)
  })

  test('that is loaded anew in mid-session fails the session for everybody, and runs it no second time', async () => {
    const session = await system().openKeygen()
    const { device, goOn } = await deviceThatWaits(system(), recovery)
    const reached = Promise.withResolvers<void>()
    const onProgress = whenSent(2, reached.resolve)
    await tab.page.exposeFunction('tellProgress', (event: ProgressEvent) => onProgress(event))
    const order = orderFor(session, 'Connect')
    const cutOff = tab.page.evaluate((it) => testPage.makeKey(it), order).catch((error: Error) => error.message)
    const elsewhere = makeKey(device, recovery.party_id, session)
    await reached.promise
    await tab.reload()
    expect(await cutOff).toContain('context was destroyed')
    await openDevice()
    const again = await tab.page.evaluate((it) => testPage.makeKey(it), order)
    expect(again).toMatchObject({ kind: 'failed', reason: 'party_restarted' })
    expect(await tab.page.evaluate((it) => testPage.recover(it), order.services)).toEqual([session.session_id])
    goOn()
    expect(await elsewhere).toMatchObject({ kind: 'failed', reason: 'session_over' })
    const { body } = await rest('GET', `${order.services.coordinatorUrl}/api/v1/sessions/${session.session_id}`)
    expect(body).toMatchObject({ status: 'failed' })
    await tab.reload()
    await openDevice()
    expect(await tab.page.evaluate((it) => testPage.recover(it), order.services)).toEqual([])
  })

  test('has had no error of the page, its policy or its requests', () => expect(tab.problems).toEqual([]))
})
