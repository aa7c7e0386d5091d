/** `mpc nats …`: what an operator needs for the set-up in deploy/nats. */
import type { Command } from 'commander'
import { z } from 'zod'
import { eventLogVariables, readEnv } from '../../edge/environment.ts'
import { natsAccessFromEnv } from '../../edge/nats-access.ts'
import { parseNatsAddress } from '../../events/nats-address.ts'
import { streamSizes } from '../../events/streams.ts'

export function addNatsCommands(program: Command): void {
  const nats = program.command('nats').description('keys and streams for the nats-server of a production set-up')
  nats
    .command('keys')
    .description('make an nkey for each user of deploy/nats: <user>.seed for the service, users.conf for nats-server')
    .argument('<folder>', 'where to; made if absent')
    .addHelpText('after', '\nSeeds that are there already are kept.')
    .action(async (folder: string) => {
      const { makeUserKeys } = await import('./user-keys.ts')
      for (const file of makeUserKeys(folder)) console.log(file)
    })
  nats
    .command('streams')
    .description('create the three streams, or bring their limits up to date, as the user "operator"')
    .addHelpText(
      'after',
      `
Configured by the environment like the coordinator: NATS_URL, NATS_NKEY_SEED_FILE, NATS_TLS_CA_FILE,
MPC_NATS_REPLICAS, MPC_SESSIONS_MAX_BYTES, MPC_MESSAGES_MAX_BYTES, MPC_CHECKPOINTS_MAX_BYTES.`,
    )
    .action(async () => {
      const values = readEnv(z.object(eventLogVariables(parseNatsAddress)), process.env)
      const { NATS_URL: url, MPC_NATS_REPLICAS: replicas } = values
      const { MPC_SESSIONS_MAX_BYTES, MPC_MESSAGES_MAX_BYTES, MPC_CHECKPOINTS_MAX_BYTES } = values
      const sizes = streamSizes(MPC_SESSIONS_MAX_BYTES, MPC_MESSAGES_MAX_BYTES, MPC_CHECKPOINTS_MAX_BYTES)
      const { setUpStreams } = await import('../../events/set-up-streams.ts')
      const address = { url, name: 'mpc nats streams', ...natsAccessFromEnv(process.env) }
      for (const stream of await setUpStreams(address, replicas, sizes)) {
        const { name, events, bytes, maxBytes, replicas: copies } = stream
        console.log(`${name.padEnd(12)} ${events} events, ${bytes} of ${maxBytes} bytes, ${copies} on disk`)
      }
      process.exit()
    })
}
