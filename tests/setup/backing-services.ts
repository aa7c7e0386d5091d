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
import { openTeardown } from '../../src/cli/stack/teardown.ts'

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
  const teardown = openTeardown()
  teardown.add(() => rm(folder, { recursive: true, force: true }))
  try {
    const program = await findNatsServer({ env: process.env, say: (line) => console.error(line) })
    const nats = await startNatsServer({ program, folder: join(folder, 'nats'), logFile: join(folder, 'nats.log') })
    teardown.add(nats.stop)
    const logFile = join(folder, 'postgres.log')
    const postgres = await startPostgres({ folder: join(folder, 'postgres'), logFile, durable: false })
    teardown.add(postgres.stop)
    project.provide('natsUrl', nats.url)
    project.provide('natsServer', program)
    project.provide('databaseUrl', postgres.url)
    return teardown.run
  } catch (error) {
    await teardown.run()
    throw error
  }
}
