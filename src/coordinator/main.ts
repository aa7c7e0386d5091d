/** The session coordinator as a process: configuration from the environment, then its two ports. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { edgeConfigFromEnv } from '../edge/config.ts'
import {
  eventLogVariables,
  logLevelVariable,
  postgresUrlVariable,
  readEnv,
  wholeNumberVariable,
} from '../edge/environment.ts'
import { createLogger } from '../edge/log.ts'
import { natsAccessFromEnv } from '../edge/nats-access.ts'
import { readSecretKeyFile } from '../edge/secret-key-file.ts'
import { serve, type RunningService } from '../edge/serve.ts'
import { SessionCoordinator } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../gen/mpc/coordinator/v1/session_feed_pb.ts'
import { SessionLog } from '../gen/mpc/coordinator/v1/session_log_pb.ts'
import { parseNatsAddress } from '../events/nats-address.ts'
import { streamSizes } from '../events/streams.ts'
import { identityFromSeed } from '../identity/identity-key.ts'
import { openCoordinator } from './coordinator.ts'
import { readServerParties } from '../edge/server-parties.ts'

const name = 'session-coordinator'
const ports = { grpcPort: 50051, httpPort: 8080 }

/** Ed25519 public keys as hex, separated by commas. */
const identityKeysVariable = z
  .string()
  .default('')
  .transform((text) => text.split(',').filter((key) => key !== ''))
  .refine((keys) => keys.every((key) => /^[0-9a-fA-F]{64}$/.test(key)), 'must be keys of 64 hex digits, with commas')
  .transform((keys) => keys.map((key) => hexToBytes(key.toLowerCase())))

const variables = z.object({
  ...eventLogVariables(parseNatsAddress),
  DATABASE_URL: postgresUrlVariable,
  MPC_SERVER_PARTIES_FILE: z.string().optional(),
  MPC_CREDENTIAL_KEY_FILE: z.string(),
  MPC_COORDINATOR_IDENTITY_FILE: z.string(),
  MPC_COORDINATOR_FORMER_KEYS: identityKeysVariable,
  MPC_CHECKPOINT_INTERVAL_MS: wholeNumberVariable(50, 3_600_000).default(60_000),
  MPC_CHECKPOINT_EVENTS: wholeNumberVariable(1, 100_000).default(1000),
  MPC_SWEEP_INTERVAL_MS: wholeNumberVariable(50, 60_000).default(1000),
  MPC_MAX_PROJECTION_LAG_MS: wholeNumberVariable(100, 86_400_000).default(30_000),
  MPC_LOG_LEVEL: logLevelVariable,
})

/** Throws ConfigurationError naming the variable, or the reason why a dependency cannot be used. */
export async function main(env: NodeJS.ProcessEnv): Promise<RunningService> {
  const edge = edgeConfigFromEnv(env, ports)
  const values = readEnv(variables, env)
  const logger = createLogger(name, values.MPC_LOG_LEVEL)
  const { MPC_SERVER_PARTIES_FILE: partiesFile, MPC_CREDENTIAL_KEY_FILE: keyFile } = values
  const identityFile = values.MPC_COORDINATOR_IDENTITY_FILE
  const identity = await identityFromSeed(readSecretKeyFile('MPC_COORDINATOR_IDENTITY_FILE', identityFile))
  logger.info({ coordinator_key: bytesToHex(identity.publicKey) }, 'checkpoints are signed with this key')
  const coordinator = await openCoordinator(
    {
      natsUrl: values.NATS_URL,
      natsAccess: natsAccessFromEnv(env),
      databaseUrl: values.DATABASE_URL,
      replicas: values.MPC_NATS_REPLICAS,
      streamSizes: streamSizes(
        values.MPC_SESSIONS_MAX_BYTES,
        values.MPC_MESSAGES_MAX_BYTES,
        values.MPC_CHECKPOINTS_MAX_BYTES,
      ),
      servers: partiesFile === undefined ? new Map() : readServerParties('MPC_SERVER_PARTIES_FILE', partiesFile),
      credentialKey: readSecretKeyFile('MPC_CREDENTIAL_KEY_FILE', keyFile),
      checkpoints: {
        identity,
        formerKeys: values.MPC_COORDINATOR_FORMER_KEYS,
        intervalMs: values.MPC_CHECKPOINT_INTERVAL_MS,
        maxEvents: values.MPC_CHECKPOINT_EVENTS,
      },
      sweepIntervalMs: values.MPC_SWEEP_INTERVAL_MS,
      maxProjectionLagMs: values.MPC_MAX_PROJECTION_LAG_MS,
      now: Date.now,
      onFatal: (error) => {
        // A coordinator that no longer hears of changes would answer from the past: better none.
        logger.fatal({ err: error }, 'the event log can no longer be followed')
        setImmediate(() => process.exit(1))
      },
    },
    logger,
  )
  try {
    const { routes, ready, metrics } = coordinator
    const services = [SessionCoordinator, SessionFeed, SessionLog]
    const definition = { name, openApi: 'session-coordinator', services, routes, ready, metrics } as const
    const service = await serve(definition, edge, logger)
    return {
      ...service,
      close: async () => {
        await service.close()
        await coordinator.close()
      },
    }
  } catch (error) {
    await coordinator.close()
    throw error
  }
}
