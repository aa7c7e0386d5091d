import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ConnectError } from '@connectrpc/connect'
import secp256k1 from 'secp256k1'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { main as accountMain } from '../../../src/account/main.ts'
import { freePort } from '../../../src/cli/processes/free-port.ts'
import { main as coordinatorMain } from '../../../src/coordinator/main.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { Health } from '../../../src/gen/grpc/health/v1/health_pb.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { main as partyMain } from '../../../src/party/main.ts'
import { main as routerMain } from '../../../src/router/main.ts'
import { createAuthority, openCertificateFolder } from '../../setup/certificates.ts'
import { createDatabase } from '../../setup/database.ts'
import { startProductionNats, type ProductionNats } from '../../setup/production-nats.ts'

/** Every service with TLS and client certificates, on NATS as deploy/nats configures it; nothing in open mode. */
const folder = openCertificateFolder()
const authority = createAuthority('services')
const ca = folder.write('ca.pem', authority.cert)
const apiKey = `mpc_key_${randomBytes(32).toString('base64url')}`
const cleanUp: (() => unknown)[] = [() => rmSync(folder.folder, { recursive: true, force: true })]
const run = promisify(execFile)

let nats: ProductionNats
let databaseUrl: string
const urls = { coordinator: '', router: '', account: '' }
const grpcUrls = { coordinator: '', router: '' }

const secret = (name: string, bytes: Uint8Array = randomBytes(32)) => folder.write(name, Buffer.from(bytes).toString('hex'))

/** Ports, and a certificate under the service's own name that is shown in both directions. */
async function environment(name: string): Promise<Record<string, string>> {
  const { cert, key } = folder.writePair(name, authority.issue([name, '127.0.0.1']))
  return {
    MPC_HOST: '127.0.0.1',
    MPC_GRPC_PORT: String(await freePort()),
    MPC_HTTP_PORT: String(await freePort()),
    MPC_LOG_LEVEL: 'silent',
    MPC_CLOSE_GRACE_MS: '200',
    MPC_API_KEYS_FILE: join(folder.folder, 'api-keys.json'),
    MPC_TLS_CERT_FILE: cert,
    MPC_TLS_KEY_FILE: key,
    MPC_TLS_CLIENT_CA_FILE: ca,
    MPC_TLS_CLIENT_NAMES: 'account-service,server-party-1,server-party-2',
    MPC_TLS_CA_FILE: ca,
    MPC_TLS_CLIENT_CERT_FILE: cert,
    MPC_TLS_CLIENT_KEY_FILE: key,
  }
}

beforeAll(async () => {
  nats = await startProductionNats()
  cleanUp.push(nats.stop)
  const database = await createDatabase()
  cleanUp.push(database.drop)
  databaseUrl = database.url
  const sha256 = createHash('sha256').update(apiKey).digest('hex')
  folder.write('api-keys.json', JSON.stringify([{ name: 'tests', sha256, scopes: ['sessions', 'accounts'] }]))
  const seeds = [randomBytes(32), randomBytes(32)]
  const identities = await Promise.all(seeds.map((seed) => identityFromSeed(seed)))
  const registered = identities.map(({ publicKey }, i) => {
    return { device_id: `server_00${i + 1}`, identity_key: Buffer.from(publicKey).toString('hex') }
  })
  const start = async (main: (env: NodeJS.ProcessEnv) => Promise<{ close(): Promise<void> }>, env: Record<string, string>) => {
    const service = await main(env)
    cleanUp.push(service.close)
    return { grpc: `https://127.0.0.1:${env['MPC_GRPC_PORT']}`, http: `https://127.0.0.1:${env['MPC_HTTP_PORT']}` }
  }
  const coordinator = await start(coordinatorMain, {
    ...(await environment('session-coordinator')),
    ...nats.environment('coordinator'),
    DATABASE_URL: databaseUrl,
    MPC_CREDENTIAL_KEY_FILE: secret('credential-key'),
    MPC_COORDINATOR_IDENTITY_FILE: secret('coordinator-identity'),
    MPC_CHECKPOINT_INTERVAL_MS: '200',
    MPC_SERVER_PARTIES_FILE: folder.write('parties.json', JSON.stringify(registered)),
  })
  const router = await start(routerMain, { ...(await environment('message-router')), ...nats.environment('router') })
  const others = { MPC_COORDINATOR_URL: coordinator.grpc, MPC_ROUTER_URL: router.grpc }
  const account = await start(accountMain, {
    ...(await environment('account-service')),
    ...others,
    DATABASE_URL: databaseUrl,
    MPC_COORDINATOR_API_KEY: apiKey,
  })
  for (const [i, seed] of seeds.entries()) {
    await start(partyMain, {
      ...(await environment(`server-party-${i + 1}`)),
      ...others,
      MPC_PARTY_NAME: `server-party-${i + 1}`,
      MPC_DEVICE_ID: `server_00${i + 1}`,
      MPC_IDENTITY_FILE: secret(`identity-${i}`, seed),
      MPC_KEK_FILE: secret(`kek-${i}`),
      MPC_SHARE_DIR: join(folder.folder, `shares-${i}`),
      MPC_SIGNING_POLICY: 'allow',
      MPC_PARTY_WORKERS: '1',
    })
  }
  Object.assign(urls, { coordinator: coordinator.http, router: router.http, account: account.http })
  Object.assign(grpcUrls, { coordinator: coordinator.grpc, router: router.grpc })
})

afterAll(async () => {
  for (const step of cleanUp.reverse()) await step()
})

describe('with certificates on both sides of every connection between services', () => {
  const messageHash = randomBytes(32).toString('hex')
  const program = fileURLToPath(new URL('tls-caller.ts', import.meta.url))
  const options = () => ({
    coordinatorUrl: urls.coordinator,
    routerUrl: urls.router,
    accountUrl: urls.account,
    apiKey,
    retryForMs: 0,
  })
  const call = (environment: Record<string, string>) => {
    const job = JSON.stringify({ options: options(), folder: join(folder.folder, 'device'), messageHash })
    return run(process.execPath, [program, job], { env: { PATH: process.env['PATH'] ?? '', ...environment } })
  }

  test('a device makes a 2-of-3 key with two server parties, and signs with one of them', async () => {
    const { stdout } = await call({ NODE_EXTRA_CA_CERTS: ca })
    const { publicKey, signature } = JSON.parse(stdout) as Record<string, string> // what the program prints
    const verified = secp256k1.ecdsaVerify(
      Buffer.from(signature ?? '', 'hex'),
      Buffer.from(messageHash, 'hex'),
      Buffer.from(publicKey ?? '', 'hex'),
    )
    expect(verified).toBe(true)
  }, 180_000)

  test('the log is audited over NATS as its auditor', async () => {
    const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...nats.environment('auditor') }
    const { stdout } = await run(process.execPath, [main, 'audit', 'verify', '--all'], { env })
    expect(stdout).toMatch(/2 sessions/)
    const rebuilt = await run(process.execPath, [main, 'projections', 'rebuild', '--verify'], {
      env: { ...env, DATABASE_URL: databaseUrl },
    })
    expect(rebuilt.stdout).toContain('identical to the log')
  })

  test('a client that trusts nobody of ours does not get as far as a call', async () => {
    await expect(call({})).rejects.toThrow(/certificate|unavailable/i)
  })

  test.each(['coordinator', 'router'] as const)('the %s lets no service in that is not on its list', async (service) => {
    const ask = async (names: readonly string[] | null) => {
      const { cert, key } = folder.writePair('asker', authority.issue(names ?? []))
      const keyPair = names === null ? null : { cert: { variable: 'C', path: cert }, key: { variable: 'K', path: key } }
      const tls = { authorities: { variable: 'CA', path: ca }, keyPair }
      const connection = connectService(grpcUrls[service], { tls })
      onTestFinished(connection.close)
      return connection
        .client(Health)
        .check({})
        .then(({ status }) => status, ConnectError.from)
    }
    expect(await ask(['server-party-1'])).toBe(1)
    expect(await ask(['message-router'])).toBeInstanceOf(ConnectError)
    expect(await ask(null)).toBeInstanceOf(ConnectError)
  })
})
