/** `mpc audit …`: reading and judging the log. Everything here only reads. */
import { InvalidArgumentError, type Command } from 'commander'
import { natsHelp } from './audited-log.ts'
import type { ExportOptions } from './export.ts'
import type { ListOptions } from './list.ts'
import type { ShowOptions } from './show.ts'
import type { VerifyOptions } from './verify.ts'

const verifyHelp = `
Exit code: 0 intact, 1 tampered with (the first bad event and why), 2 cannot be judged.
A session comes with the session that made its key. With --database each session's chain is also compared with the
end that the coordinator keeps in Postgres, and the checkpoints with those that are kept there, which shows a log that
was cut short or rewritten as a whole. Without --coordinator-key the key of the first checkpoint is trusted, and shown.
What is checked, and the form of an export: docs/audit.md.`

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('what happened in the log, and whether it was changed')

  located(audit.command('list').description('the newest sessions'))
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .option('--file <export>', 'of an export in place of the log')
    .option('--json', 'as one JSON array')
    .addHelpText('after', natsHelp)
    .action(async (options: ListOptions) => (await import('./list.ts')).list(options))

  located(audit.command('show <session>').description('a session event by event: who, when, size, hash, in order or not'))
    .option('--file <export>', 'from an export in place of the log')
    .option('--follow', 'go on until the session is over')
    .option('--json', 'as JSON; with --follow one event a line')
    .addHelpText('after', natsHelp)
    .action(async (session: string, options: ShowOptions) => (await import('./show.ts')).show(session, options))

  located(audit.command('export [session...]').description('sessions, or the whole log, in one file'))
    .requiredOption('-o, --output <file>', 'where to')
    .option('--force', 'replace the file if it is there')
    .addHelpText('after', `\nA sign session brings the session that made its key. ${natsHelp}`)
    .action(async (sessions: string[], options: ExportOptions) => {
      await (await import('./export.ts')).exportLog(sessions, options)
    })

  const verify = located(audit.command('verify [target]'))
    .description('check an export file, a session, or the whole log')
    .option('--all', 'the whole log')
    .option('--database [url]', "compare with what Postgres keeps (default: DATABASE_URL, or the stack's)")
    .option('--coordinator-key <hex>', 'public key that signs the checkpoints; may be repeated', publicKey, [])
    .option('--since <export>', 'earlier export, whose checkpoints have to be there; may be repeated', repeated, [])
    .option('--json', 'as one JSON object, with all findings')
    .addHelpText('after', `${verifyHelp}\n${natsHelp}`)
    .action(async (target: string | undefined, options: VerifyOptions) => {
      process.exitCode = await (await import('./verify.ts')).verify(target, options)
    })
  // A wrong option must not pass for a verdict.
  verify.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}

function located(command: Command): Command {
  return command.option('--data <folder>', 'data folder of the stack', '.mpc')
}

function publicKey(text: string, before: readonly string[]): readonly string[] {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new InvalidArgumentError('must be 64 hex digits.')
  return [...before, text.toLowerCase()]
}

function repeated(text: string, before: readonly string[]): readonly string[] {
  return [...before, text]
}

function wholeNumber(text: string): number {
  const number = Number(text)
  if (!/^\d{1,6}$/.test(text) || number < 1) throw new InvalidArgumentError('must be a whole number from 1 to 999999.')
  return number
}
