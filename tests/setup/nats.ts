/** A nats-server of a test's own: empty, and free to be killed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { startNatsServer } from '../../src/cli/nats/nats-server.ts'

export type TestNats = Readonly<{
  url: string
  /** Where the JetStream store lies, for tests that look at the bytes on disk. */
  folder: string
  /** Stops the server and deletes its store. */
  stop: () => Promise<void>
  /** SIGKILL, the store stays. */
  kill: () => Promise<void>
  /** Starts (again) on the same store and port; stops it first if it runs. */
  restart: () => Promise<void>
}>

export async function startNats(): Promise<TestNats> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-nats-'))
  const server = await startNatsServer({ program: inject('natsServer'), folder, logFile: join(folder, 'nats.log') })
  return {
    url: server.url,
    folder,
    kill: server.kill,
    restart: server.restart,
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
