/** What each service of the dev stack is told through its environment. */
import type { DataFolder } from './data-folder.ts'
import type { Ports, ServiceName, ServiceSpec } from './services.ts'

export type Backing = Readonly<{ natsUrl: string; databaseUrl: string }>

export const host = '127.0.0.1'

/** Everything in `base` (log level, limits, allowed origins …) reaches the service, except what the stack decides. */
export function serviceEnvironment(
  spec: ServiceSpec,
  ports: Readonly<Record<ServiceName, Ports>>,
  folder: DataFolder,
  backing: Backing,
  base: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const own = ports[spec.name]
  return {
    ...withoutTransportSecurity(base),
    MPC_OPEN_MODE: 'true',
    MPC_HOST: host,
    MPC_GRPC_PORT: String(own.grpcPort),
    MPC_HTTP_PORT: String(own.httpPort),
    MPC_COORDINATOR_URL: `http://${host}:${ports['session-coordinator'].grpcPort}`,
    MPC_ROUTER_URL: `http://${host}:${ports['message-router'].grpcPort}`,
    // Server parties live in another trust domain: neither NATS nor the database is told to them.
    NATS_URL: spec.command === 'coordinator' || spec.command === 'router' ? backing.natsUrl : '',
    DATABASE_URL: spec.command === 'coordinator' || spec.command === 'account' ? backing.databaseUrl : '',
    ...(spec.command === 'coordinator' && {
      MPC_SERVER_PARTIES_FILE: folder.serverPartiesFile,
      MPC_CREDENTIAL_KEY_FILE: folder.credentialKeyFile,
      MPC_COORDINATOR_IDENTITY_FILE: folder.coordinatorIdentityFile,
    }),
    ...noKeySources,
    ...(spec.deviceId !== undefined && partyEnvironment(spec.name, spec.deviceId, folder)),
  }
}

/** Of our own environment: a party has one key and one guard, and no other service has any. */
const noKeySources = { MPC_KEK_FILE: '', MPC_KEK: '', MPC_KMS_URL: '', MPC_GUARD_DIR: '' }

/** The stack is open mode on loopback, its own NATS too: keys and certificates of another set-up are not for it. */
function withoutTransportSecurity(base: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = base['NATS_URL'] ? /^MPC_TLS_/ : /^(MPC_TLS|NATS_TLS|NATS_NKEY)_/
  return Object.fromEntries(Object.entries(base).filter(([name]) => !foreign.test(name)))
}

function partyEnvironment(name: ServiceName, deviceId: string, folder: DataFolder): NodeJS.ProcessEnv {
  const { identityFile, kekFile, shareFolder } = folder.party(name)
  return {
    MPC_PARTY_NAME: name,
    MPC_DEVICE_ID: deviceId,
    MPC_IDENTITY_FILE: identityFile,
    MPC_KEK_FILE: kekFile,
    MPC_SHARE_DIR: shareFolder,
    MPC_PEER_IDENTITIES_FILE: folder.peerIdentitiesFile,
    MPC_SIGNING_POLICY: 'allow',
  }
}
