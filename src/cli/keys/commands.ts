/** `mpc keys …`: the file of API keys that MPC_API_KEYS_FILE names. */
import { InvalidArgumentError, type Command } from 'commander'
import { scopes, type Scope } from '../../edge/api-keys/api-key.ts'
import { keyName } from '../../edge/api-keys/key-file.ts'
import { parseDuration } from './duration.ts'
import type { CreateOptions, KeyOptions, RotateOptions } from './run.ts'

export function addKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('API keys of callers: made, listed, rotated and revoked; running services follow within two seconds')

  inFile(keys.command('create').description('a new key, which is printed once and kept nowhere'))
    .argument('<name>', 'who has the key: audit events and limits name it', name)
    .requiredOption('--scopes <list>', `what it opens, with commas: ${scopes.join(', ')}`, scopeList)
    .option('--expires-in <time>', 'how long it works, such as 12h or 90d', lifetime)
    .action(async (who: string, options: CreateOptions) => (await import('./run.ts')).create(who, options))

  inFile(keys.command('list').description('names, scopes and ages'))
    .action(async (options: KeyOptions) => (await import('./run.ts')).list(options))

  inFile(keys.command('rotate').description('a new key under the name and with the scopes of an old one'))
    .argument('<name>', 'whose key', name)
    .option('--overlap <time>', 'how long the old key still works, such as 1h', duration, 0)
    .option('--expires-in <time>', 'how long the new one works; as long as the old one was to where left out', lifetime)
    .action(async (who: string, options: RotateOptions) => (await import('./run.ts')).rotate(who, options))

  inFile(keys.command('revoke').description('end a key, also what a rotation left of it; its open streams end'))
    .argument('<name>', 'whose key', name)
    .action(async (who: string, options: KeyOptions) => (await import('./run.ts')).revoke(who, options))
}

function inFile(command: Command): Command {
  return command
    .option('--file <file>', 'the file of keys', process.env['MPC_API_KEYS_FILE'])
    .option('--json', 'as JSON')
}

function name(text: string): string {
  const parsed = keyName.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError(`The name ${parsed.error.issues[0]?.message ?? 'is not valid'}.`)
  return parsed.data
}

function scopeList(text: string): readonly Scope[] {
  const wanted = text.split(',').map((scope) => scope.trim())
  const unknown = wanted.find((scope) => !isScope(scope))
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${scopes.join(', ')}.`)
  return [...new Set(wanted.filter(isScope))]
}

function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text)
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('must be a time such as 30m, 12h or 90d.')
  return ms
}

function lifetime(text: string): number {
  const ms = duration(text)
  if (ms === 0) throw new InvalidArgumentError('must be longer than nothing.')
  return ms
}
