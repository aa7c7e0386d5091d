/** Ports of this machine, on loopback. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer, type Server } from 'node:net'

/** Below what Linux and macOS give to outgoing connections: those would take a free port before its server can. */
const firstPort = 20_000
const portCount = 12_000
const maxAttempts = 200

export type ReservedPort = Readonly<{ port: number; release: () => Promise<void> }>

/** Holds `port` until it is released. Null if somebody else holds it. */
export async function reservePort(port: number): Promise<ReservedPort | null> {
  // Whoever connects in the meantime is turned away: a connection left open would keep the release from ending.
  const server = createServer((socket) => socket.destroy())
  const held = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => resolve(true))
  })
  return held ? { port, release: () => closeServer(server) } : null
}

/** Holds a port that nobody else does. Once released it is still given to nobody who asks here, see `claimPort`. */
export async function reserveFreePort(): Promise<ReservedPort> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const port = firstPort + randomInt(portCount)
    const reserved = (await claimPort(port)) ? await reservePort(port) : null
    if (reserved !== null) return reserved
  }
  throw new Error('no free TCP port found')
}

/** A port that was free a moment ago and is claimed now. */
export async function freePort(): Promise<number> {
  const reserved = await reserveFreePort()
  await reserved.release()
  return reserved.port
}

/**
 * Keeps the port, for as long as this process lives, from being given to anybody else who asks here, in any process of
 * this machine: the server it is for does not hold it before it has started, nor between a crash and its restart.
 * False if somebody has claimed it. The claim is the UDP port of the same number, which the system lets go of by itself.
 */
export async function claimPort(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.unref()
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => resolve(true))
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
