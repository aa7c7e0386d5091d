/** Commands of this machine. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Its path. Throws an Error that says that there is none. */
export function commandOnPath(name: string, env: NodeJS.ProcessEnv): string {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const found = folders.map((folder) => join(folder, name)).find((program) => existsSync(program))
  if (found === undefined) throw new Error(`${name} is not installed`)
  return found
}

/** A failed command's own last words say more than "Command failed". */
export function rethrowLastLine(error: unknown): never {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
  throw new Error(stderr.split('\n').at(-1)?.slice(0, 300) || (error instanceof Error ? error.message : String(error)))
}
