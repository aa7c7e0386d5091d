/** `mpc projections …`: the read models that are kept in Postgres. */
import type { Command } from 'commander'

export function addProjectionCommands(program: Command): void {
  const projections = program
    .command('projections')
    .description('the read models in Postgres, which the log can always give back')
  projections
    .command('rebuild')
    .description(
      "build the coordinator's read model anew from the log while the system serves, compare, put it in place",
    )
    .option('--verify', 'compare only; exit code 1 where the log says otherwise')
    .option('--data <folder>', 'of a dev stack that runs: its NATS and PostgreSQL are used', '.mpc')
    .addHelpText(
      'after',
      `
NATS_URL and DATABASE_URL, where set, say where the log and the database are: the log may be
read as the user "auditor", the tables belong to the coordinator's user.
Killed half way, it changes nothing; called again, it goes on where it was.`,
    )
    .action(async (options: { verify?: true; data: string }) => {
      const { runRebuild } = await import('./rebuild.ts')
      process.exit(await runRebuild({ verify: options.verify === true, dataFolder: options.data, env: process.env }))
    })
}
