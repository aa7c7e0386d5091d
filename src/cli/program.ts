/** The `mpc` command. What goes wrong is one line on stderr and a non-zero exit code. */
import { Command, Option } from 'commander'
import { defaultKeyType, keyTypes, type KeyType } from '../crypto/key-type.ts'
import { ConfigurationError } from '../edge/configuration-error.ts'
import { version } from '../edge/version.ts'
import { addApproveCommands } from './approve/commands.ts'
import { addAuditCommands } from './audit/commands.ts'
import { addNatsCommands } from './nats/commands.ts'
import { addKeyCommands } from './keys/commands.ts'
import { addPartyCommands } from './party/commands.ts'
import { addProjectionCommands } from './projections/command.ts'
import { reportFailure, runService } from './run-service.ts'
import { closeEverything } from './stack/teardown.ts'
import type { ServiceCommand } from './stack/services.ts'
import { isStopping, onStopRequest } from './stop-request.ts'

const program = new Command('mpc')
  .description('Threshold signing without a key in one place: the services, a development stack and a demonstration.')
  .version(version)

program
  .command('start')
  .description('run the six services on this machine, open to it alone, with a nats-server and PostgreSQL of their own')
  .addOption(new Option('--data <folder>', 'keep everything here').default('.mpc').conflicts('ephemeral'))
  .option('--ephemeral', 'keep nothing: a temporary folder, deleted at the end')
  .addOption(
    new Option('--ports <which>', 'the documented ports, or any free ones')
      .choices(['documented', 'auto'])
      .default('documented'),
  )
  .addHelpText('after', '\nNATS_URL and DATABASE_URL, where set, are used in place of own servers.')
  .action(async (options: { data: string; ephemeral?: true; ports: 'documented' | 'auto' }) => {
    onStopRequest(async () => {
      say('stopping')
      await closeEverything()
    })
    const { startStack } = await import('./stack/stack.ts')
    const { announcement } = await import('./stack/announcement.ts')
    const stack = await startStack({
      ...(options.ephemeral === true ? { ephemeral: true } : { data: options.data }),
      ports: options.ports === 'auto' ? 'free' : 'documented',
      say,
    })
    console.log(announcement(stack))
  })

program
  .command('demo')
  .description('make a 2-of-3 key among a device, a server and a recovery party, and sign with every pair of them')
  .option('--json', 'print one JSON object instead of the story')
  .addOption(new Option('--key-type <type>', 'what the key signs with').choices(keyTypes).default(defaultKeyType))
  .addHelpText('after', '\nA documented port that is in use is replaced by a free one.')
  .action(async (options: { json?: true; keyType: KeyType }) => {
    onStopRequest(closeEverything)
    const { runDemo } = await import('./demo/demo.ts')
    await runDemo({ json: options.json === true, keyType: options.keyType })
    process.exit()
  })

addProjectionCommands(program)

const services: Readonly<Record<ServiceCommand, string>> = {
  coordinator: 'run the Session Coordinator (gRPC 50051, HTTP 8080)',
  router: 'run the Message Router (gRPC 50052, HTTP 8081)',
  party: 'run a Server Party (gRPC 50053, HTTP 8082)',
  account: 'run the Account Service (gRPC 50054, HTTP 8083)',
}

for (const [command, description] of Object.entries(services)) {
  const service = program
    .command(command)
    .description(`${description}, configured by environment variables: docs/operations.md`)
    // The keys of `services` are ServiceCommand.
    .action(() => runService(command as ServiceCommand))
  if (command === 'party') addPartyCommands(service)
}

addApproveCommands(program)
addAuditCommands(program)
addNatsCommands(program)
addKeyCommands(program)

function say(line: string): void {
  console.error(`mpc: ${line}`)
}

try {
  await program.parseAsync()
} catch (error) {
  // Whoever asked us to stop knows why what was under way has failed.
  if (isStopping()) await new Promise(() => {})
  const failure = error instanceof Error ? error.message : String(error)
  const known = error instanceof ConfigurationError || (error instanceof Error && error.name === 'StartupError')
  say(failure)
  if (!known && process.env['MPC_LOG_LEVEL'] === 'debug') console.error(error)
  await reportFailure(failure)
  await closeEverything().catch(() => {})
  process.exit(1)
}
