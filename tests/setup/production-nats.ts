/** A nats-server with exactly the configuration of deploy/nats, TLS and nkeys included, on ports and a store of its own. */
import { closeSync, openSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { inject, vi } from 'vitest'
import { makeUserKeys, seedFile, type NatsUser } from '../../src/cli/nats/user-keys.ts'
import { freePort } from '../../src/cli/processes/free-port.ts'
import { spawnKept } from '../../src/cli/processes/kept-process.ts'
import { setUpStreams } from '../../src/events/set-up-streams.ts'
import { streamSizes } from '../../src/events/streams.ts'
import { createAuthority } from './certificates.ts'

const deployed = (file: string) => fileURLToPath(new URL(`../../deploy/nats/${file}`, import.meta.url))

export type ProductionNats = Readonly<{
  url: string
  caFile: string
  /** What a service of that user is told through its environment. */
  environment: (user: NatsUser) => Readonly<Record<string, string>>
  /** For openEventLog and the like. */
  access: (user: NatsUser) => Promise<Readonly<{ url: string; nkeySeed: Uint8Array; tls: { caFile: string } }>>
  connect: (user: NatsUser) => Promise<NatsConnection>
  stop: () => Promise<void>
}>

/** Starts it, and sets the streams up as the operator, smaller than by default. */
export async function startProductionNats(): Promise<ProductionNats> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-production-nats-'))
  const port = await freePort()
  const authority = createAuthority('NATS')
  const server = authority.issue(['localhost', '127.0.0.1'])
  const [caFile, certFile, keyFile] = ['ca.pem', 'server.pem', 'server.key'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ] // as many as there are names
  await Promise.all([writeFile(caFile, authority.cert), writeFile(certFile, server.cert), writeFile(keyFile, server.key)])
  makeUserKeys(folder)
  await copyFile(deployed('accounts.conf'), join(folder, 'accounts.conf'))
  const conf = (await readFile(deployed('nats-server.conf'), 'utf8'))
    .replace('"0.0.0.0:4222"', `"127.0.0.1:${port}"`)
    .replace('"127.0.0.1:8222"', `"127.0.0.1:${await freePort()}"`)
    .replace('/etc/mpc-nats/server.pem', certFile)
    .replace('/etc/mpc-nats/server.key', keyFile)
    .replace('/var/lib/mpc-nats', join(folder, 'store'))
  await writeFile(join(folder, 'nats-server.conf'), conf)
  const log = openSync(join(folder, 'log'), 'a')
  vi.stubEnv('MPC_NATS_SERVER_NAME', 'production')
  const args = ['-c', join(folder, 'nats-server.conf')]
  const running = await spawnKept({ program: inject('natsServer'), args, stopSignal: 'SIGTERM', graceMs: 5000 }, log)
  vi.unstubAllEnvs()
  closeSync(log)

  const url = `tls://127.0.0.1:${port}`
  const access: ProductionNats['access'] = async (user) => {
    const seed = (await readFile(seedFile(folder, user), 'utf8')).trim()
    return { url, nkeySeed: new TextEncoder().encode(seed), tls: { caFile } }
  }
  const megabyte = 1_048_576
  const sizes = streamSizes(16 * megabyte, 16 * megabyte, megabyte)
  const operator = { ...(await access('operator')), name: 'operator' }
  await vi.waitFor(() => setUpStreams(operator, 1, sizes), { timeout: 20_000, interval: 100 })
  return {
    url,
    caFile,
    access,
    environment: (user) => ({
      NATS_URL: url,
      NATS_NKEY_SEED_FILE: seedFile(folder, user),
      NATS_TLS_CA_FILE: caFile,
      MPC_SESSIONS_MAX_BYTES: String(16 * megabyte),
      MPC_MESSAGES_MAX_BYTES: String(16 * megabyte),
      MPC_CHECKPOINTS_MAX_BYTES: String(megabyte),
    }),
    connect: async (user) => {
      const { nkeySeed } = await access(user)
      const authenticator = nkeyAuthenticator(nkeySeed)
      return connect({ servers: `127.0.0.1:${port}`, authenticator, tls: { caFile }, reconnect: false })
    },
    stop: async () => {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
