/** Ports of this machine, on loopback. */
import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/** Below what Linux and macOS give to outgoing connections: those would take a free port before its server can. */
const firstPort = 20_000
const portCount = 12_000
const maxAttempts = 200

export type ReservedPort = Readonly<{ port: number; release: () => Promise<void> }>

/** Holds `port` until it is released. Null if somebody else holds it. */
export async function reservePort(port: number): Promise<ReservedPort | null> {
  const server = createServer()
  const held = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => resolve(true))
  })
  return held ? { port, release: () => closeServer(server) } : null
}

/** Holds a port that nobody else does. */
export async function reserveFreePort(): Promise<ReservedPort> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const reserved = await reservePort(firstPort + randomInt(portCount))
    if (reserved !== null) return reserved
  }
  throw new Error('no free TCP port found')
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const reserved = await reserveFreePort()
  await reserved.release()
  return reserved.port
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
