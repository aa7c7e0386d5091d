/** The ports of a stack, checked before anything is started. */
import { freePort, isPortFree } from '../processes/free-port.ts'
import { StartupError } from '../startup-error.ts'
import { serviceSpecs, type Ports, type ServiceName } from './services.ts'

/** Throws StartupError naming the first documented port that somebody else holds. */
export async function assignPorts(choice: 'documented' | 'free'): Promise<Readonly<Record<ServiceName, Ports>>> {
  const entries: [ServiceName, Ports][] = []
  const taken = new Set<number>()
  for (const { name, grpcPort, httpPort } of serviceSpecs) {
    if (choice === 'free') {
      entries.push([name, { grpcPort: await anotherFreePort(taken), httpPort: await anotherFreePort(taken) }])
      continue
    }
    for (const [port, what] of [[grpcPort, 'gRPC'], [httpPort, 'HTTP']] as const) {
      if (await isPortFree(port)) continue
      throw new StartupError(`port ${port} (${name}, ${what}) is already in use: stop what uses it, or use --ports auto`)
    }
    entries.push([name, { grpcPort, httpPort }])
  }
  // One entry for every service name.
  return Object.fromEntries(entries) as Record<ServiceName, Ports>
}

async function anotherFreePort(taken: Set<number>): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (taken.has(port)) continue
    taken.add(port)
    return port
  }
}
