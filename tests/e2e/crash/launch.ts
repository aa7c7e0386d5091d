/** Services as processes of their own whose every connection the test decides. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../src/cli/processes/free-port.ts'
import { ensureKeys, makeDataFolder, type DataFolder } from '../../../src/cli/stack/data-folder.ts'
import { host, serviceEnvironment } from '../../../src/cli/stack/service-environment.ts'
import { startService, type ServiceProcess } from '../../../src/cli/stack/service-process.ts'
import { serviceSpecs, type Ports, type ServiceName } from '../../../src/cli/stack/services.ts'

export type Urls = Readonly<{ natsUrl: string; databaseUrl: string; coordinatorUrl: string; routerUrl: string }>

export type Launched = ServiceProcess & Readonly<{ grpcUrl: string; httpUrl: string; ports: Ports; logFile: string }>

export async function openFolder(onCleanUp: (step: () => Promise<void>) => void): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), 'mpc-crash-'))
  await chmod(path, 0o711)
  onCleanUp(() => rm(path, { recursive: true, force: true }))
  const folder = makeDataFolder(path)
  await ensureKeys(folder)
  return folder
}

export async function newPorts(): Promise<Ports> {
  return { grpcPort: await freePort(), httpPort: await freePort() }
}

/** Resolves when it is ready. `log` tells processes of one service apart. */
export async function launch(
  folder: DataFolder,
  name: ServiceName,
  urls: Urls,
  log: string = name,
): Promise<Launched> {
  const spec = serviceSpecs.find((one) => one.name === name)
  if (spec === undefined) throw new RangeError(`no service ${name}`)
  const ports = await newPorts()
  // Only its own entry is of importance: where the others are is overridden.
  const everywhere = Object.fromEntries(serviceSpecs.map((one) => [one.name, ports])) as Record<ServiceName, Ports>
  const base = { ...process.env, MPC_LOG_LEVEL: 'warn', MPC_SWEEP_INTERVAL_MS: '200' }
  const env = {
    ...serviceEnvironment(spec, everywhere, folder, urls, base),
    MPC_COORDINATOR_URL: urls.coordinatorUrl,
    MPC_ROUTER_URL: urls.routerUrl,
  }
  const httpUrl = `http://${host}:${ports.httpPort}`
  const logFile = folder.logFile(log)
  const running = await startService({ name, command: spec.command, env, httpUrl, logFile, say: () => undefined })
  return { ...running, grpcUrl: `http://${host}:${ports.grpcPort}`, httpUrl, ports, logFile }
}
