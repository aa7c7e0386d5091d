/** Ports of this machine. */
import { createServer } from 'node:net'

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  // A listening TCP server's address is neither a pipe name nor null.
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Whether `port` can be bound on `host` now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ host, port }, () => resolve(true))
  })
  await new Promise((resolve) => server.close(resolve))
  return free
}
