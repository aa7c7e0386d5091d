/** `mpc audit …`: reading and judging the log. What a command needs is loaded when it runs. */
import { InvalidArgumentError, type Command } from 'commander'
import type { ArchiveCommand } from './archive.ts'
import type { ExportOptions } from './export.ts'
import type { ListOptions } from './list.ts'
import type { ProveOptions } from './prove.ts'
import type { ShowOptions } from './show.ts'
import type { TrimCommand } from './trim.ts'
import type { VerifyOptions } from './verify.ts'

const natsHelp =
  '\nThe log is read at NATS_URL (as the user "auditor", see deploy/nats), or where that is not set, at the stack\n' +
  'that runs on the data folder.'

const verifyHelp = `
Exit code: 0 intact, 1 tampered with (the first bad event and why), 2 cannot be judged.
A session comes with the session that made its key. With --database each session's chain is also compared with the
end that the coordinator keeps in Postgres, and the checkpoints with those that are kept there, which shows a log that
was cut short or rewritten as a whole. Without --coordinator-key the key of the first checkpoint is trusted, and shown.
What is checked, and the form of an export: docs/audit.md.`

const archiveHelp = `
The log and what is archived of it are checked first, as by verify --all --archive: of one that is not intact nothing is
taken. Each file is read back and checked before the manifest names it. Killed, a run leaves the archive as it was; the
next goes on there. Nothing is taken out of the log. Exit code as of verify.`

const trimHelp = `
Only the beginning of MESSAGES can be dropped, up to the first event that is not of a session that is over, archived,
checked and under a checkpoint. SESSIONS and CHECKPOINTS stay. With --yes NATS_URL names the operator (deploy/nats).
Routers wait for a moment. Afterwards audits of the whole log need --archive. Exit code as of verify.`

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('what happened in the log, and whether it was changed')

  located(audit.command('list').description('the newest sessions'))
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .option('--file <export>', 'of an export in place of the log')
    .option('--json', 'as one JSON array')
    .addHelpText('after', natsHelp)
    .action(async (options: ListOptions) => (await import('./list.ts')).list(options))

  located(
    audit.command('show <session>').description('a session event by event: who, when, size, hash, in order or not'),
  )
    .option('--file <export>', 'from an export in place of the log')
    .option('--archive <folder>', 'where messages are that were trimmed')
    .option('--follow', 'go on until the session is over')
    .option('--json', 'as JSON; with --follow one event a line')
    .addHelpText('after', natsHelp)
    .action(async (session: string, options: ShowOptions) => (await import('./show.ts')).show(session, options))

  located(audit.command('export [session...]').description('sessions, or the whole log, in one file'))
    .requiredOption('-o, --output <file>', 'where to')
    .option('--force', 'replace the file if it is there')
    .option('--archive <folder>', 'where messages are that were trimmed')
    .addHelpText('after', `\nA sign session brings the session that made its key. ${natsHelp}`)
    .action(async (sessions: string[], options: ExportOptions) => {
      await (await import('./export.ts')).exportLog(sessions, options)
    })

  located(audit.command('prove'))
    .description('prove that a checkpoint only adds to an earlier one, for whoever kept that: verify checks it')
    .option('--from <number>', 'the earlier checkpoint', wholeNumber, 1)
    .option('--to <number>', 'the later one (default: the newest)', wholeNumber)
    .option('--archive <folder>', 'where messages are that were trimmed')
    .addHelpText('after', natsHelp)
    .action(async (options: ProveOptions) => (await import('./prove.ts')).prove(options))

  const archive = located(audit.command('archive'))
    .description('copy sessions that are over into checked files, going on where the last run ended')
    .requiredOption('-o, --output <folder>', 'of the archive')
    .option(
      '--before <when>',
      'only sessions over for so long (30d, 12h), or before a time',
      endedBefore,
      endedBefore('30d'),
    )
    .option('--file-size <bytes>', 'begin another file after so many bytes of events', fileSize, 256 * 1024 * 1024)
    .option(
      '--database [url]',
      "compare with the checkpoints that Postgres keeps (default: DATABASE_URL, or the stack's)",
    )
    .option('--coordinator-key <hex>', 'public key that signs the checkpoints; may be repeated', publicKey, [])
    .option('--json', 'as one JSON object')
    .addHelpText('after', `${archiveHelp}\n${natsHelp}`)
    .action(async (options: ArchiveCommand) => {
      process.exitCode = await (await import('./archive.ts')).archive(options)
    })
  archive.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))

  const trim = located(audit.command('trim'))
    .description('drop from MESSAGES what an archive holds, after checking both once more')
    .requiredOption('--archive <folder>', 'of this log')
    .option('--yes', 'do it; without, only say what would be dropped')
    .option('--database [url]', "compare with what Postgres keeps (default: DATABASE_URL, or the stack's)")
    .option('--coordinator-key <hex>', 'public key that signs the checkpoints; may be repeated', publicKey, [])
    .addHelpText('after', `${trimHelp}\n${natsHelp}`)
    .action(async (options: TrimCommand) => {
      process.exitCode = await (await import('./trim.ts')).trim(options)
    })
  trim.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))

  const verify = located(audit.command('verify [target]'))
    .description('check an export file, a session, or the whole log')
    .option('--all', 'the whole log')
    .option('--database [url]', "compare with what Postgres keeps (default: DATABASE_URL, or the stack's)")
    .option('--coordinator-key <hex>', 'public key that signs the checkpoints; may be repeated', publicKey, [])
    .option('--since <export>', 'earlier export, whose checkpoints have to be there; may be repeated', repeated, [])
    .option('--archive <folder>', 'of this log, to check with it; alone: to check by itself')
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

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** An age, or a time: unix milliseconds. */
function endedBefore(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const time = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (unitMs[unit] ?? 0)
  if (Number.isNaN(time)) throw new InvalidArgumentError('must be an age such as 30d, 12h, 15m, 0s, or a date.')
  return time
}

function fileSize(text: string): number {
  const bytes = Number(text)
  if (!/^\d{1,12}$/.test(text) || bytes < 1) throw new InvalidArgumentError('must be a number of bytes.')
  return bytes
}

function wholeNumber(text: string): number {
  const number = Number(text)
  if (!/^\d{1,6}$/.test(text) || number < 1) throw new InvalidArgumentError('must be a whole number from 1 to 999999.')
  return number
}
