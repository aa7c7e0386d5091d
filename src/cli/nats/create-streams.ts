/** `mpc nats streams`: the three streams as the environment wants them, and how full they are. */
import { z } from 'zod'
import { eventLogVariables, readEnv } from '../../edge/environment.ts'
import { natsAccessFromEnv } from '../../edge/nats-access.ts'
import { parseNatsAddress } from '../../events/nats-address.ts'
import { setUpStreams } from '../../events/set-up-streams.ts'
import { streamSizes } from '../../events/streams.ts'

/** Throws ConfigurationError, LogUnavailable. */
export async function createStreams(env: NodeJS.ProcessEnv): Promise<void> {
  const values = readEnv(z.object(eventLogVariables(parseNatsAddress)), env)
  const { NATS_URL: url, MPC_NATS_REPLICAS: replicas } = values
  const { MPC_SESSIONS_MAX_BYTES, MPC_MESSAGES_MAX_BYTES, MPC_CHECKPOINTS_MAX_BYTES } = values
  const sizes = streamSizes(MPC_SESSIONS_MAX_BYTES, MPC_MESSAGES_MAX_BYTES, MPC_CHECKPOINTS_MAX_BYTES)
  const address = { url, name: 'mpc nats streams', ...natsAccessFromEnv(env) }
  for (const stream of await setUpStreams(address, replicas, sizes)) {
    const { name, events, bytes, maxBytes, replicas: copies } = stream
    console.log(`${name.padEnd(12)} ${events} events, ${bytes} of ${maxBytes} bytes, ${copies} on disk`)
  }
}
