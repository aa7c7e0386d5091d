/**
 * The ports of a stack. They are held from before anything starts until their service does: the documented gRPC ports
 * lie where Linux takes ports for outgoing connections from, and one of our own would sooner or later sit on one.
 */
import { reserveFreePort, reservePort, type ReservedPort } from '../processes/free-port.ts'
import { StartupError } from '../startup-error.ts'
import { serviceSpecs, type Ports, type ServiceName } from './services.ts'

export type AssignedPorts = Readonly<{
  of: Readonly<Record<ServiceName, Ports>>
  /** Lets go of the ports of one service, which is about to take them. */
  release: (name: ServiceName) => Promise<void>
  releaseAll: () => Promise<void>
}>

/** `preferred`: the documented ones, and any free one in place of each that somebody else holds. */
export type PortChoice = 'documented' | 'preferred' | 'free'

/** Throws StartupError naming the first port that has to be a documented one and is held by somebody else. */
export async function assignPorts(choice: PortChoice): Promise<AssignedPorts> {
  const held = new Map<ServiceName, readonly ReservedPort[]>()
  const release = async (name: ServiceName) => {
    const reserved = held.get(name) ?? []
    held.delete(name)
    await Promise.all(reserved.map((port) => port.release()))
  }
  const releaseAll = async () => {
    await Promise.all([...held.keys()].map(release))
  }
  try {
    const entries: [ServiceName, Ports][] = []
    for (const { name, grpcPort, httpPort } of serviceSpecs) {
      const grpc = await reserve(choice, grpcPort, `${name}, gRPC`)
      held.set(name, [grpc])
      const http = await reserve(choice, httpPort, `${name}, HTTP`)
      held.set(name, [grpc, http])
      entries.push([name, { grpcPort: grpc.port, httpPort: http.port }])
    }
    // One entry for every service name.
    return { of: Object.fromEntries(entries) as Record<ServiceName, Ports>, release, releaseAll }
  } catch (error) {
    await releaseAll()
    throw error
  }
}

async function reserve(choice: PortChoice, port: number, what: string): Promise<ReservedPort> {
  if (choice === 'free') return reserveFreePort()
  const reserved = await reservePort(port)
  if (reserved !== null) return reserved
  if (choice === 'preferred') return reserveFreePort()
  throw new StartupError(`port ${port} (${what}) is already in use: stop what uses it, or use --ports auto`)
}
