/** `mpc approve` and `mpc approver`: approving signatures without a service, with a key of one's own. */
import { Option, type Command } from 'commander'
import { defaultKeyType, keyTypes } from '../../crypto/key-type.ts'
import type { ApproveOptions } from './approve.ts'

const policyHelp = `
The policy is the JSON that the key was made with: "policy" in POST /api/v1/mpc/keygen, or as
GET /api/v1/sessions/<key id> shows it:
  {"approvers": ["<64 hex digits>"], "required_approvals": 1}

The approval is good for one signature of exactly this hash or message, by exactly these parties, until it expires.
It goes into "approvals" of POST /api/v1/mpc/sign or of POST /api/v1/sessions. Nothing is sent anywhere.`

export function addApproveCommands(program: Command): void {
  program
    .command('approve')
    .description('approve one signature: prints the approval as JSON')
    .requiredOption('--approver-key <file>', 'secret key of the approver, as mpc approver new makes it')
    .requiredOption('--key-id <id>', 'the key to sign with: id of the session that made it')
    .requiredOption('--public-key <hex>', 'its public key')
    .addOption(new Option('--key-type <type>', 'what it signs with').choices(keyTypes).default(defaultKeyType))
    .requiredOption('--policy <file>', 'its policy, as JSON')
    .requiredOption('--participants <ids>', 'party ids of those who sign, with commas between them')
    .addOption(new Option('--message-hash <hex>', 'the hash to sign, 64 hex digits').conflicts('message'))
    .option('--message <file>', 'the message to sign, for eddsa-ed25519 keys')
    .option('--expires-in <seconds>', 'until when a session may begin that it is for', '600')
    .addHelpText('after', policyHelp)
    .action(async (options: ApproveOptions) => {
      const { approve } = await import('./approve.ts')
      console.log(await approve(options))
    })

  const approver = program.command('approver').description('keys of those who approve signatures')
  approver
    .command('new')
    .description('make a key and print its public half, which goes into "approvers" of a policy')
    .requiredOption('--out <file>', 'where the secret half goes; readable by you alone')
    .action(async ({ out }: { out: string }) => {
      const { newApproverKey } = await import('./approver-key.ts')
      console.log(await newApproverKey(out))
    })
  approver
    .command('show')
    .description('print the public half of a key')
    .argument('<file>', 'the secret half')
    .action(async (file: string) => {
      const { showApproverKey } = await import('./approver-key.ts')
      console.log(await showApproverKey(file))
    })
}
