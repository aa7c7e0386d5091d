/** Where we keep what can be had again: the fetched nats-server, compiled modules. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** One folder per user. XDG Base Directory Specification: a relative XDG_CACHE_HOME does not count. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const xdg = env['XDG_CACHE_HOME']
  const base = xdg?.startsWith('/') ? xdg : join(env['HOME'] || homedir(), '.cache')
  return join(base, 'mpc-system')
}
