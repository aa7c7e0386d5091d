/** The server party as a process: configuration from the environment, its ports, its store, its worker threads. */
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { equalBytes } from '../crypto/bytes.ts'
import { edgeConfigFromEnv } from '../edge/config.ts'
import { ConfigurationError } from '../edge/configuration-error.ts'
import { httpUrlVariable, logLevelVariable, readEnv, wholeNumberVariable } from '../edge/environment.ts'
import { createLogger } from '../edge/log.ts'
import { readSecretKeyFile } from '../edge/secret-key-file.ts'
import { serve } from '../edge/serve.ts'
import { readServerParties, type ServerParties } from '../edge/server-parties.ts'
import { connectService } from '../edge/service-client.ts'
import { clientTlsFromEnv, namedFile, requireHttps } from '../edge/tls/tls-config.ts'
import { ServerParty } from '../gen/mpc/party/v1/server_party_pb.ts'
import { fingerprint, identityFromSeed, type Identity } from '../identity/identity-key.ts'
import { allowAllSigning, denyAllSigning, type SigningPolicy } from './approval.ts'
import { systemClock } from './clock.ts'
import { keyEncryptionFromEnv } from './node/key-encryption-from-env.ts'
import { guardFolderOf, openPartyFolders } from './node/party-store.ts'
import { createWorkerHost } from './node/worker-host.ts'
import type { PartyStore } from './party-parts.ts'
import { isHookUrl, policyHook } from './server/policy-hook.ts'
import { registerPartyMetrics } from './server/metrics.ts'
import { serverPartyService } from './server/server-party-service.ts'
import { startServerParty } from './server/server-party.ts'
import { StorageError } from './store/records.ts'
import { GuardMissing } from './store/store-keys.ts'

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must have 1 to 64 characters of A-Z a-z 0-9 _ -')

const variables = z.object({
  MPC_PARTY_NAME: id.default('server-party-1'),
  MPC_DEVICE_ID: id,
  MPC_COORDINATOR_URL: httpUrlVariable,
  MPC_ROUTER_URL: httpUrlVariable,
  MPC_IDENTITY_FILE: z.string(),
  MPC_SHARE_DIR: z.string(),
  MPC_GUARD_DIR: z.string().optional(),
  MPC_PEER_IDENTITIES_FILE: z.string().optional(),
  MPC_SIGNING_POLICY: z.enum(['deny', 'allow'], 'must be deny or allow').default('deny'),
  MPC_POLICY_HOOK_URL: z.string().refine(isHookUrl, 'must be an https:// URL, or http:// on this machine').optional(),
  MPC_POLICY_HOOK_CA_FILE: z.string().optional(),
  MPC_POLICY_HOOK_TIMEOUT_MS: wholeNumberVariable(1, 60_000).default(5_000),
  MPC_PARTY_WORKERS: wholeNumberVariable(1, 64).optional(),
  MPC_LOG_LEVEL: logLevelVariable,
})

/** Throws ConfigurationError naming the variable that keeps the party from starting. */
export async function main(env: NodeJS.ProcessEnv): Promise<{ close(): Promise<void> }> {
  const config = readEnv(variables, env)
  const edge = edgeConfigFromEnv(env, { grpcPort: 50053, httpPort: 8082 })
  const tls = clientTlsFromEnv(env)
  for (const url of ['MPC_COORDINATOR_URL', 'MPC_ROUTER_URL'] as const) requireHttps(url, config[url], tls)
  const log = createLogger(config.MPC_PARTY_NAME, config.MPC_LOG_LEVEL)
  const deviceId = config.MPC_DEVICE_ID
  const seed = readSecretKeyFile('MPC_IDENTITY_FILE', config.MPC_IDENTITY_FILE)
  const identity = await identityFromSeed(seed)
  seed.fill(0)
  const peers = readPeers(config.MPC_PEER_IDENTITIES_FILE, deviceId, identity.publicKey)
  const hook = hookOf(config, identity)
  const store = await openStore(config, env)
  const workers = config.MPC_PARTY_WORKERS
  const host = createWorkerHost(workers === undefined ? {} : { workers })
  const coordinator = connectService(config.MPC_COORDINATOR_URL, { tls })
  const router = connectService(config.MPC_ROUTER_URL, { tls })
  const serverParty = await startServerParty({
    identity,
    deviceId,
    peers,
    coordinator: coordinator.transport,
    router: router.transport,
    store,
    host,
    policy: config.MPC_SIGNING_POLICY === 'allow' ? allowAllSigning : denyAllSigning,
    ...(hook !== null && { hook }),
    clock: systemClock,
    log,
  })
  const stop = async () => {
    await serverParty.close()
    coordinator.close()
    router.close()
    await host.close()
  }
  const { shares, guard } = store
  const { runningSessions } = serverParty
  const view = { deviceId, identityKey: identity.publicKey, shares, guard, runningSessions }
  const definition = {
    name: config.MPC_PARTY_NAME,
    openApi: 'server-party',
    services: [ServerParty],
    routes: (routes: Parameters<Parameters<typeof serve>[0]['routes']>[0]) =>
      void routes.service(ServerParty, serverPartyService(view)),
    metrics: (registry: Registry) => registerPartyMetrics(registry, view),
    ready: async () => ({ coordinator: serverParty.isConnected(), store: await canRead(store) }),
  }
  try {
    const running = await serve(definition, edge, log)
    const policy = config.MPC_SIGNING_POLICY
    const own = { deviceId, fingerprint: fingerprint(identity.publicKey), policy, hook: hook !== null }
    log.info(own, 'party is up')
    return {
      close: async () => {
        await Promise.all([running.close(), stop()])
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Null without one. */
function hookOf(config: z.output<typeof variables>, identity: Identity): SigningPolicy | null {
  const { MPC_POLICY_HOOK_URL: url, MPC_POLICY_HOOK_TIMEOUT_MS: timeoutMs, MPC_DEVICE_ID: deviceId } = config
  const authorities = namedFile('MPC_POLICY_HOOK_CA_FILE', config)
  if (authorities !== null && url?.startsWith('https:') !== true) {
    throw new ConfigurationError(authorities.variable, 'needs MPC_POLICY_HOOK_URL, and that to be an https:// URL')
  }
  return url === undefined ? null : policyHook({ url, authorities, timeoutMs, deviceId, identity, clock: systemClock })
}

/** With this party itself, whether it is listed or not. Null without a file: then any server party will do. */
function readPeers(path: string | undefined, deviceId: string, identityKey: Uint8Array): ServerParties | null {
  const variable = 'MPC_PEER_IDENTITIES_FILE'
  if (path === undefined) return null
  const peers = readServerParties(variable, path)
  const listed = peers.get(deviceId)
  if (listed !== undefined && !equalBytes(listed, identityKey)) {
    throw new ConfigurationError(variable, `${path}: ${deviceId}, this party, is listed with another identity_key`)
  }
  return new Map([...peers, [deviceId, identityKey]])
}

async function openStore(config: z.output<typeof variables>, env: NodeJS.ProcessEnv): Promise<PartyStore> {
  const { MPC_SHARE_DIR: shares, MPC_GUARD_DIR: guard = guardFolderOf(shares), MPC_DEVICE_ID: deviceId } = config
  const encryption = keyEncryptionFromEnv(env, 'MPC_')
  try {
    return await openPartyFolders({ shares, guard }, encryption, deviceId)
  } catch (error) {
    if (error instanceof GuardMissing) throw new ConfigurationError('MPC_GUARD_DIR', `${guard} ${error.message}`)
    if (error instanceof StorageError) throw new ConfigurationError('MPC_SHARE_DIR', error.message)
    throw error
  } finally {
    encryption.close()
  }
}

async function canRead({ shares }: PartyStore): Promise<boolean> {
  try {
    await shares.count()
    return true
  } catch {
    return false
  }
}
