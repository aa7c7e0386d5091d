/**
 * Finds a nats-server executable, or gets one: NATS_SERVER, PATH, our cache, the pinned release, `go install`, Debian's
 * package. What it fetches goes into the cache of this user and nowhere else.
 */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cacheFolder } from '../cache-folder.ts'
import { StartupError } from '../startup-error.ts'
import { fromDebian, fromGo, fromRelease, pinnedRelease, type Search } from './fetch-nats-server.ts'
import { checkVersion, minimumVersion } from './nats-server-version.ts'

type Way = Readonly<{
  name: string
  /** The path of an executable; throws an Error with the reason why there is none. */
  find: (search: Required<Search>, cache: string) => Promise<string>
}>

/** In the order in which they are tried. */
const ways: readonly Way[] = [
  { name: 'PATH', find: async ({ env }) => onPath(env) },
  { name: 'cache', find: async (_, cache) => inCache(cache) },
  { name: 'release download', find: fromRelease },
  { name: 'go install', find: fromGo },
  { name: 'Debian package', find: fromDebian },
]

/** The path of a nats-server of at least `minimumVersion`. Throws StartupError: what was tried, and what to do. */
export async function findNatsServer(search: Search): Promise<string> {
  const chosen = search.env['NATS_SERVER']
  if (chosen !== undefined && chosen !== '') return chosenByHand(chosen)
  const cache = cacheFolder(search.env)
  const failures: string[] = []
  for (const way of ways) {
    try {
      const program = await way.find({ release: pinnedRelease, ...search }, cache)
      await checkVersion(program)
      return program
    } catch (error) {
      failures.push(`${way.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new StartupError(
    `no nats-server found (${failures.join('; ')}). ` +
      `Install nats-server ${minimumVersion} or newer, or set NATS_SERVER to its path or NATS_URL to a running one.`,
  )
}

async function chosenByHand(program: string): Promise<string> {
  try {
    await checkVersion(program)
    return program
  } catch (error) {
    throw new StartupError(`NATS_SERVER: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Where packages put servers, though an ordinary user's PATH often lacks it. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin']

function onPath(env: NodeJS.ProcessEnv): string {
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...systemFolders]
  const found = folders.map((folder) => join(folder, 'nats-server')).find((program) => existsSync(program))
  if (found === undefined) throw new Error('not there')
  return found
}

function inCache(cache: string): string {
  const program = join(cache, 'nats-server')
  if (!existsSync(program)) throw new Error(`${program} is not there`)
  return program
}
