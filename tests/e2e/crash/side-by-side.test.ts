/**
 * Two coordinators and two routers on one log and one database: a load of sessions through both, with one of each
 * killed on the way, then the others.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDevice, type Device } from '../../../src/cli/device.ts'
import { openTeardown } from '../../../src/cli/stack/teardown.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import { createDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { launch, openFolder, type Launched } from './launch.ts'
import { natsTap, type Acked } from './nats-tap.ts'
import { openRebuild, type Rebuild } from './rebuild.ts'
import { createAccount, makeKeyTogether, signTogether, type Ended, type Places } from './sessions.ts'
import { messageHashOf, requireSignature } from './survival.ts'
import { openTappedRelay, type Target } from './tapped-relay.ts'
import { verifyLog } from './verify-log.ts'

const keyCount = 4
const signingCount = 60
const atOnce = 8

const teardown = openTeardown()
const acked: Acked[] = []
let conflicts = 0
let nats: TestNats
let rebuild: Rebuild
let coordinators: readonly [Launched, Launched]
let routers: readonly [Launched, Launched]
let phones: readonly Places[]

beforeAll(async () => {
  nats = await startNats()
  teardown.add(nats.stop)
  const database = await createDatabase()
  teardown.add(database.drop)
  const folder = await openFolder(teardown.add)
  const natsTarget = targetOf(nats.url)
  const log = () =>
    natsTap(
      (append) => acked.push(append),
      () => (conflicts += 1),
    )
  const relay = await openTappedRelay({ target: () => natsTarget, tap: log })
  teardown.add(relay.close)
  const natsUrl = `nats://127.0.0.1:${relay.port}`
  const backing = { natsUrl, databaseUrl: database.url, coordinatorUrl: nats.url, routerUrl: nats.url }
  const start = async (...args: Parameters<typeof launch>) => {
    const service = await launch(...args)
    teardown.add(service.stop)
    return service
  }
  coordinators = await Promise.all([
    start(folder, 'session-coordinator', backing, 'coordinator-1'),
    start(folder, 'session-coordinator', backing, 'coordinator-2'),
  ])
  routers = await Promise.all([
    start(folder, 'message-router', backing, 'router-1'),
    start(folder, 'message-router', backing, 'router-2'),
  ])
  const coordinatorUrl = await balance(coordinators.map(({ grpcUrl }) => grpcUrl))
  const routerUrl = await balance(routers.map(({ grpcUrl }) => grpcUrl))
  const urls = { ...backing, coordinatorUrl, routerUrl }
  const [, account] = await Promise.all([
    start(folder, 'server-party-1', urls),
    start(folder, 'account-service', urls),
  ])
  const host = createWorkerHost({ workers: 1 })
  teardown.add(host.close)
  const openPhone = async (number: number): Promise<Device> => {
    const deviceId = `iphone_00${number}`
    const own = { deviceType: 'iOS', deviceId, folder: join(folder.path, deviceId) }
    const phone = await openDevice({ ...own, coordinatorUrl, routerUrl, host })
    teardown.add(phone.close)
    return phone
  }
  const statusUrl = await balance(coordinators.map(({ httpUrl }) => httpUrl))
  const devices = await Promise.all(Array.from({ length: keyCount }, (_, number) => openPhone(number)))
  phones = devices.map((phone) => ({ accountsUrl: account.httpUrl, coordinatorUrl: statusUrl, phone }))
  rebuild = await openRebuild(nats.url, database.url)
  teardown.add(rebuild.close)
})

afterAll(() => teardown.run())

test('a load of sessions through both, with one of each killed on the way', { timeout: 600_000 }, async () => {
  const keys = await Promise.all(
    phones.map(async (places) => {
      const { status } = await makeKeyTogether(places)
      const publicKey = String(status['public_key'])
      return { places, publicKey, accountId: await createAccount(places, publicKey) }
    }),
  )
  const crashes = new Map<number, () => Promise<unknown>>([
    [15, () => crash(coordinators[0])],
    [25, () => crash(routers[0])],
    [40, () => Promise.all([crash(coordinators[1]), crash(routers[1])])],
  ])
  const restarts: Promise<unknown>[] = []
  const ends: Ended[] = []
  let next = 0
  const work = async () => {
    for (let number = next++; number < signingCount; number = next++) {
      const key = keys[number % keys.length]
      if (key === undefined) throw new RangeError('no key')
      const hash = messageHashOf(number)
      const end = await signTogether(key.places, key.accountId, hash)
      requireSignature(end, hash, key.publicKey)
      ends.push(end)
      const crashNow = crashes.get(ends.length)
      if (crashNow !== undefined) restarts.push(crashNow())
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  await Promise.all(restarts)

  await rebuild.requireEqual()
  const summary = await verifyLog(nats.url, acked)
  const completed = ends.filter(({ status }) => status['status'] === 'completed').length
  console.log(`${completed} of ${signingCount} signatures, ${conflicts} conflicts between the coordinators`, summary)
  expect(restarts.length).toBe(crashes.size)
  expect(summary).toMatchObject({ sessions: keyCount + signingCount, signatures: completed })
  // No party was killed: every session outlives the loss of the services in between.
  expect(completed).toBe(signingCount)
})

async function crash({ kill, restart }: Launched): Promise<void> {
  await kill('SIGKILL')
  await restart()
}

/** Spreads connections over the services; a client whose service is gone finds the other when it tries again. */
async function balance(urls: readonly string[]): Promise<string> {
  const targets = urls.map(targetOf)
  let turn = 0
  const next = (): Target => {
    const target = targets[turn++ % targets.length]
    if (target === undefined) throw new RangeError('nowhere to go')
    return target
  }
  const relay = await openTappedRelay({ target: next })
  teardown.add(relay.close)
  return `http://127.0.0.1:${relay.port}`
}

function targetOf(url: string): Target {
  const { hostname, port } = new URL(url)
  return { hostname, port: Number(port) }
}
