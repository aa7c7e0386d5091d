/** Coordinator, router and server parties as their processes run them, on a log, a database and ports of their own. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '@connectrpc/connect'
import { freePort } from '../../../src/cli/processes/free-port.ts'
import { main as coordinatorMain } from '../../../src/coordinator/main.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { ServerParty } from '../../../src/gen/mpc/party/v1/server_party_pb.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { main as partyMain } from '../../../src/party/main.ts'
import { main as routerMain } from '../../../src/router/main.ts'
import { createDatabase } from '../../setup/database.ts'
import { startNats } from '../../setup/nats.ts'

type ServiceName = 'coordinator' | 'router' | 'party' | 'party2'
type Closable = { close(): Promise<void> }

export type Services = Readonly<{
  natsUrl: string
  databaseUrl: string
  /** Everything secret that outlives a session, of the services and the server party. */
  longTermSecrets: Readonly<Record<string, Uint8Array>>
  coordinatorUrl: string
  routerUrl: string
  caller: Client<typeof SessionCoordinator>
  serverParty: Client<typeof ServerParty>
  /** Of `server_001`. */
  partyUrl: string
  partyHttpUrl: string
  /** Those that the coordinator knows, by device id. */
  registered: ReadonlyMap<string, Uint8Array>
  restart: (service: ServiceName) => Promise<void>
  stop: (service: ServiceName) => Promise<void>
  start: (service: ServiceName) => Promise<void>
  close: () => Promise<void>
}>

export type ServicesOptions = Readonly<{
  /** A second server party, `server_002`. */
  second?: boolean
  /** Further variables of the server parties. */
  partyEnv?: Readonly<Record<string, string>>
}>

/** One server party, `server_001`, that signs whatever it is asked to with keys that have no policy, unless told otherwise. */
export async function startServices(
  signingPolicy: 'allow' | 'deny' = 'allow',
  { second = false, partyEnv: furtherPartyEnv = {} }: ServicesOptions = {},
): Promise<Services> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-party-services-'))
  const freePorts = Promise.all(Array.from({ length: 8 }, freePort))
  const [nats, database, ports] = await Promise.all([startNats(), createDatabase(), freePorts])
  const [coordinatorGrpc = 0, coordinatorHttp, routerGrpc = 0, routerHttp, partyGrpc = 0, partyHttp = 0] = ports
  const [seed, secondSeed] = [randomBytes(32), randomBytes(32)]
  const [credentialKey, kek] = [randomBytes(32), randomBytes(32)]
  const deviceIds = second ? ['server_001', 'server_002'] : ['server_001']
  const identities = await Promise.all([seed, secondSeed].map((one) => identityFromSeed(one)))
  const registered = new Map(deviceIds.map((id, place) => [id, identities[place]?.publicKey ?? seed] as const))
  const file = async (name: string, content: string) => {
    await writeFile(join(folder, name), content, { mode: 0o600 })
    return join(folder, name)
  }
  const urlOf = (port: number) => `http://127.0.0.1:${port}`
  const open = (grpc: number | undefined, http: number | undefined) => ({
    MPC_OPEN_MODE: 'true',
    MPC_GRPC_PORT: String(grpc),
    MPC_HTTP_PORT: String(http),
    MPC_LOG_LEVEL: 'silent',
    MPC_CLOSE_GRACE_MS: '200',
  })
  const listed = [...registered].map(([id, key]) => ({ device_id: id, identity_key: Buffer.from(key).toString('hex') }))
  const coordinatorEnv = {
    ...open(coordinatorGrpc, coordinatorHttp),
    NATS_URL: nats.url,
    DATABASE_URL: database.url,
    MPC_SERVER_PARTIES_FILE: await file('parties.json', JSON.stringify(listed)),
    MPC_CREDENTIAL_KEY_FILE: await file('credential-key', credentialKey.toString('hex')),
    MPC_COORDINATOR_IDENTITY_FILE: await file('coordinator-identity', randomBytes(32).toString('hex')),
  }
  const partyEnv = {
    ...open(partyGrpc, partyHttp),
    MPC_DEVICE_ID: 'server_001',
    MPC_COORDINATOR_URL: urlOf(coordinatorGrpc),
    MPC_ROUTER_URL: urlOf(routerGrpc),
    MPC_IDENTITY_FILE: await file('identity', seed.toString('hex')),
    MPC_KEK_FILE: await file('kek', kek.toString('hex')),
    MPC_SHARE_DIR: join(folder, 'shares'),
    MPC_SIGNING_POLICY: signingPolicy,
    MPC_PARTY_WORKERS: '1',
    ...furtherPartyEnv,
  }
  const secondPartyEnv = {
    ...partyEnv,
    ...open(ports[6], ports[7]),
    MPC_PARTY_NAME: 'server-party-2',
    MPC_DEVICE_ID: 'server_002',
    MPC_IDENTITY_FILE: await file('identity-2', secondSeed.toString('hex')),
    MPC_SHARE_DIR: join(folder, 'shares-2'),
  }
  const mains = {
    coordinator: () => coordinatorMain(coordinatorEnv),
    router: () => routerMain({ ...open(routerGrpc, routerHttp), NATS_URL: nats.url }),
    party: () => partyMain(partyEnv),
    party2: () => partyMain(secondPartyEnv),
  }
  const running = new Map<string, Closable>()
  const start = async (service: ServiceName) => void running.set(service, await mains[service]())
  const stop = async (service: ServiceName) => {
    await running.get(service)?.close()
    running.delete(service)
  }
  const all = ['coordinator', 'router', 'party', ...(second ? (['party2'] as const) : [])] as const
  for (const service of all) await start(service)
  const connections = [connectService(urlOf(coordinatorGrpc)), connectService(urlOf(partyGrpc))] as const
  return {
    natsUrl: nats.url,
    databaseUrl: database.url,
    longTermSecrets: { 'server identity': seed, 'credential key': credentialKey, 'server key-encryption key': kek },
    coordinatorUrl: urlOf(coordinatorGrpc),
    routerUrl: urlOf(routerGrpc),
    caller: connections[0].client(SessionCoordinator),
    registered,
    serverParty: connections[1].client(ServerParty),
    partyUrl: urlOf(partyGrpc),
    partyHttpUrl: urlOf(partyHttp),
    start,
    stop,
    restart: async (service) => {
      await stop(service)
      await start(service)
    },
    close: async () => {
      connections.forEach((connection) => connection.close())
      for (const service of [...all].reverse()) await stop(service)
      await Promise.all([nats.stop(), database.drop(), rm(folder, { recursive: true, force: true })])
    },
  }
}
