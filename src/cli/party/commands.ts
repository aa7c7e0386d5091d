/** `mpc party …`: looking after a server party's shares. Without a word behind it, `mpc party` runs the party. */
import type { Command } from 'commander'
import type { BansOptions } from './bans.ts'

const storeHelp = `
MPC_SHARE_DIR, MPC_GUARD_DIR, MPC_DEVICE_ID and the key-encryption key (MPC_KEK_FILE, MPC_KEK or MPC_KMS_URL …) are
those of the party.`

const withoutUrl = 'Without --url the share folder is read, and nothing\nin it changed.'

const rewrapHelp = `
The key in use is the party's (MPC_KEK_FILE, MPC_KEK or MPC_KMS_URL …); the new one is named by the same variables with
MPC_NEW_ in place of MPC_: MPC_NEW_KEK_FILE, MPC_NEW_KEK, or MPC_NEW_KMS_URL, MPC_NEW_KMS_KEY, MPC_NEW_KMS_TOKEN_FILE …
With --newest it is the newest version of the key in use, which the key service has rotated.
The party may run on the folder and goes on serving; its next start needs the new key. Killed half way, the store opens
with one of the two, and the command can be called again.`

const acceptHelp = `
For a party that does not start because its guard folder was lost, and after restoring that folder from a backup. Stop
the party. What the shares know of bans and freezes is taken up, the rest is forgotten. Keys with a policy sign no more
than it allows: approvals made until now are refused, so new ones must be good for a whole day, or wait for one; a limit
of signatures is taken to be reached.`

export function addPartyCommands(party: Command): void {
  party
    .command('bans')
    .description('peers that the party no longer signs with, and keys that it has frozen, with the reason')
    .option('--url <url>', "ask a running party on its gRPC port; MPC_API_KEY holds a key with the scope 'audit'")
    .option('--json', 'as one JSON object')
    .addHelpText('after', `\nWith an https:// URL MPC_TLS_CA_FILE names its authority. ${withoutUrl}${storeHelp}`)
    .action(async (options: BansOptions) => (await import('./bans.ts')).bans(options, process.env))

  party
    .command('rewrap')
    .description('put the store under another key-encryption key, while the party runs or not')
    .option('--newest', 'under the newest version of the same key')
    .addHelpText('after', rewrapHelp)
    .action(async (options: { newest?: true }) => {
      await (await import('./rewrap.ts')).rewrap(options.newest === true, process.env)
    })

  party
    .command('accept-guard')
    .description('go on with a guard folder that has forgotten bans, freezes or spent approvals')
    .addHelpText('after', acceptHelp + storeHelp)
    .action(async () => (await import('./accept-guard.ts')).acceptGuard(process.env))
}
