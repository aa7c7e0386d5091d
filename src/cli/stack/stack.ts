/** The whole system on this machine: nats-server, PostgreSQL and the six services, each a process of its own. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startBacking } from './backing.ts'
import { ensureKeys, makeDataFolder, type DataFolder } from './data-folder.ts'
import { lockDataFolder } from './data-lock.ts'
import { assignPorts, type PortChoice } from './ports.ts'
import { host, serviceEnvironment, type Backing } from './service-environment.ts'
import { startService, type ServiceProcess } from './service-process.ts'
import { coreServices, serviceSpecs, type Ports, type ServiceName, type ServiceSpec } from './services.ts'
import { openTeardown } from './teardown.ts'

export type StackOptions = Readonly<{
  /** Where everything is kept; `.mpc` in the working directory if absent. */
  data?: string
  /** A temporary folder instead, deleted at the end. */
  ephemeral?: boolean
  /** Default: documented. */
  ports?: PortChoice
  /** Default: process.env. NATS_URL and DATABASE_URL replace our own servers; the rest is passed to the services. */
  env?: NodeJS.ProcessEnv
  /** Told what takes time and what goes wrong, one line each. Default: nobody. */
  say?: (line: string) => void
}>

export type StackService = Readonly<{
  grpcUrl: string
  httpUrl: string
  logFile: string
  /** null while it is down. */
  pid: () => number | null
}>

export type Stack = Readonly<{
  /** The data folder. */
  folder: string
  natsUrl: string
  databaseUrl: string
  services: Readonly<Record<ServiceName, StackService>>
  /** Ends a service with the signal (default SIGKILL) and leaves it down; a crash that is not ours is restarted. */
  kill: (service: ServiceName, signal?: NodeJS.Signals) => Promise<void>
  /** Resolves when the service is ready again. */
  restart: (service: ServiceName) => Promise<void>
  /** Stops everything in order. */
  close: () => Promise<void>
}>

/** Resolves when all six services are ready. Throws StartupError, with everything stopped again. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const env = options.env ?? process.env
  const say = options.say ?? (() => {})
  const teardown = openTeardown()
  try {
    const folder = openFolder(options, teardown.add)
    const assigned = await assignPorts(options.ports ?? 'documented')
    teardown.add(assigned.releaseAll)
    const ports = assigned.of
    await ensureKeys(folder)
    const backing = await startBacking(folder, options.ephemeral !== true, env, say, teardown.add)
    const launch = async (spec: ServiceSpec) => {
      await assigned.release(spec.name)
      return launchService(spec, ports, folder, backing, env, say, teardown.add)
    }
    const running = new Map<ServiceName, ServiceProcess>()
    for (const core of [true, false]) {
      const wave = serviceSpecs.filter((spec) => coreServices.includes(spec.name) === core)
      // All of a wave has to settle, so that a failed start leaves nothing that is still starting.
      const results = await Promise.allSettled(wave.map(async (spec) => running.set(spec.name, await launch(spec))))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    }
    const get = (name: ServiceName): ServiceProcess => {
      const service = running.get(name)
      if (service === undefined) throw new RangeError(`no service ${name}`)
      return service
    }
    return {
      folder: folder.path,
      ...backing,
      services: describeServices(ports, folder, (name) => get(name).pid()),
      kill: (name, signal = 'SIGKILL') => get(name).kill(signal),
      restart: (name) => get(name).restart(),
      close: teardown.run,
    }
  } catch (error) {
    await teardown.run()
    throw error
  }
}

type AddTeardown = (step: () => void | Promise<void>) => void

function openFolder(options: StackOptions, onClose: AddTeardown): DataFolder {
  if (options.ephemeral === true) {
    const path = mkdtempSync(join(realpathSync(tmpdir()), 'mpc-stack-'))
    onClose(() => rmSync(path, { recursive: true, force: true }))
    return makeDataFolder(path)
  }
  const folder = makeDataFolder(resolve(options.data ?? '.mpc'))
  onClose(lockDataFolder(folder.path))
  return folder
}

async function launchService(
  spec: ServiceSpec,
  ports: Readonly<Record<ServiceName, Ports>>,
  folder: DataFolder,
  backing: Backing,
  base: NodeJS.ProcessEnv,
  say: (line: string) => void,
  onClose: AddTeardown,
): Promise<ServiceProcess> {
  const service = await startService({
    name: spec.name,
    command: spec.command,
    env: serviceEnvironment(spec, ports, folder, backing, base),
    httpUrl: `http://${host}:${ports[spec.name].httpPort}`,
    logFile: folder.logFile(spec.name),
    say,
  })
  onClose(service.stop)
  return service
}

function describeServices(
  ports: Readonly<Record<ServiceName, Ports>>,
  folder: DataFolder,
  pid: (name: ServiceName) => number | null,
): Readonly<Record<ServiceName, StackService>> {
  const describe = (name: ServiceName): StackService => ({
    grpcUrl: `http://${host}:${ports[name].grpcPort}`,
    httpUrl: `http://${host}:${ports[name].httpPort}`,
    logFile: folder.logFile(name),
    pid: () => pid(name),
  })
  return {
    'session-coordinator': describe('session-coordinator'),
    'message-router': describe('message-router'),
    'account-service': describe('account-service'),
    'server-party-1': describe('server-party-1'),
    'server-party-2': describe('server-party-2'),
    'server-party-3': describe('server-party-3'),
  }
}
