/** `mpc nats …`: what an operator needs for the set-up in deploy/nats. */
import type { Command } from 'commander'

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
      const { createStreams } = await import('./create-streams.ts')
      await createStreams(process.env)
      process.exit()
    })
}
