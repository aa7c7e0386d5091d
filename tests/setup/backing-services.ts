/**
 * One real nats-server and one real PostgreSQL for a whole test run. Tests that use the streams, which are global to a
 * server, or that kill it, start their own (nats.ts); tests that use tables take a database of their own (database.ts).
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findNatsServer } from '../../src/cli/nats/find-nats-server.ts'
import { startNatsServer } from '../../src/cli/nats/nats-server.ts'
import { startPostgres } from '../../src/cli/postgres/postgres-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** `nats://127.0.0.1:port` of the run's server. */
    natsUrl: string
    /** The run's PostgreSQL, as a superuser. */
    databaseUrl: string
    /** The nats-server executable, for tests that start their own. */
    natsServer: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-tests-'))
  await chmod(folder, 0o711)
  const program = await findNatsServer({ env: process.env, say: (line) => console.error(line) })
  const [nats, postgres] = await Promise.all([
    startNatsServer({ program, folder: join(folder, 'nats'), logFile: join(folder, 'nats.log') }),
    startPostgres({ folder: join(folder, 'postgres'), logFile: join(folder, 'postgres.log'), durable: false }),
  ])
  project.provide('natsUrl', nats.url)
  project.provide('natsServer', program)
  project.provide('databaseUrl', postgres.url)
  return async () => {
    await Promise.all([nats.stop(), postgres.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}
