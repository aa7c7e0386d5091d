/** Coordinator, router, one server party and the account service, with a tapped relay on every way between them. */
import { startNats, type TestNats } from '../../setup/nats.ts'
import { createDatabase } from '../../setup/database.ts'
import type { ServiceName } from '../../../src/cli/stack/services.ts'
import { openTeardown } from '../../../src/cli/stack/teardown.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import { openDevice, type Device } from '../../../src/cli/device.ts'
import { join } from 'node:path'
import { watchFolder } from './folder-steps.ts'
import { createGate, type Gate, type Lane } from './gate.ts'
import { http2Tap } from './http2-tap.ts'
import { launch, openFolder, type Launched } from './launch.ts'
import { natsTap, type Acked } from './nats-tap.ts'
import { postgresTap } from './postgres-tap.ts'
import { openRebuild, type Rebuild } from './rebuild.ts'
import { openTappedRelay, type Tap } from './tapped-relay.ts'

export type CrashSystem = Readonly<{
  nats: TestNats
  gate: Gate
  services: ReadonlyMap<ServiceName, Launched>
  service: (name: ServiceName) => Launched
  /** Every append that the server has acknowledged, in a session of the test or not. */
  acked: readonly Acked[]
  phone: Device
  /** Where the server party keeps what it keeps. */
  shareFolder: string
  /** Read models built from the log alone, by a process that is never killed. */
  rebuild: Rebuild
  close: () => Promise<void>
}>

/** `delayMs`: how long what goes to or comes from nats-server and Postgres is under way, asked for each piece. */
export async function openCrashSystem(delayMs: () => number = () => 0): Promise<CrashSystem> {
  const teardown = openTeardown()
  try {
    const nats = await startNats()
    teardown.add(nats.stop)
    const database = await createDatabase()
    teardown.add(database.drop)
    const folder = await openFolder(teardown.add)
    const acked: Acked[] = []
    const gate = createGate()
    const relay = async (lane: Lane, url: string, tap: () => Tap) => {
      const target = new URL(url)
      const { hostname, port } = target
      const to = { hostname, port: Number(port) }
      const isSlow = lane.endsWith('-log') || lane.endsWith('-database')
      const opened = await openTappedRelay({
        target: () => to,
        tap,
        onStep: (step) => gate.step(lane, step),
        ...(isSlow && { delayMs }),
      })
      teardown.add(opened.close)
      target.host = `127.0.0.1:${opened.port}`
      // A URL without a path gains a slash, which is no part of the addresses that services are configured with.
      return target.href.replace(/\/$/, '')
    }
    const log = () => natsTap((append) => acked.push(append))
    const unused = { coordinatorUrl: 'http://127.0.0.1:9', routerUrl: 'http://127.0.0.1:9' }
    const backing = { natsUrl: nats.url, databaseUrl: database.url, ...unused }
    const services = new Map<ServiceName, Launched>()
    const start = async (name: ServiceName, urls: Partial<typeof backing>) => {
      const service = await launch(folder, name, { ...backing, ...urls })
      teardown.add(service.stop)
      services.set(name, service)
      return service
    }
    const [coordinator, router] = await Promise.all([
      start('session-coordinator', {
        natsUrl: await relay('coordinator-log', nats.url, log),
        databaseUrl: await relay('coordinator-database', database.url, postgresTap),
      }),
      start('message-router', { natsUrl: await relay('router-log', nats.url, log) }),
    ])
    await Promise.all([
      start('server-party-1', {
        coordinatorUrl: await relay('party-coordinator', coordinator.grpcUrl, http2Tap),
        routerUrl: await relay('party-router', router.grpcUrl, http2Tap),
      }),
      start('account-service', {
        coordinatorUrl: await relay('account-coordinator', coordinator.grpcUrl, http2Tap),
      }),
    ])
    const { shareFolder } = folder.party('server-party-1')
    const onStep = (step: string) => gate.step('party-folder', step)?.act()
    teardown.add(watchFolder(shareFolder, onStep))
    const host = createWorkerHost({ workers: 1 })
    teardown.add(host.close)
    const phone = await openDevice({
      deviceType: 'iOS',
      deviceId: 'iphone_001',
      folder: join(folder.path, 'phone'),
      coordinatorUrl: coordinator.grpcUrl,
      routerUrl: router.grpcUrl,
      host,
    })
    teardown.add(phone.close)
    const rebuild = await openRebuild(nats.url, database.url)
    teardown.add(rebuild.close)
    const service = (name: ServiceName): Launched => {
      const running = services.get(name)
      if (running === undefined) throw new RangeError(`no service ${name}`)
      return running
    }
    return { nats, gate, services, service, acked, phone, shareFolder, rebuild, close: teardown.run }
  } catch (error) {
    await teardown.run()
    throw error
  }
}
