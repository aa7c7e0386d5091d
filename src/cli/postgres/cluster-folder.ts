/** A PostgreSQL data folder of our own: made once, in full or not at all. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { StartupError } from '../startup-error.ts'
import { sharedFolder, type PostgresBinaries } from './postgres-binaries.ts'
import { canReach, type User } from './unprivileged-user.ts'

export type ClusterFolder = Readonly<{ path: string; password: string }>

export const superuser = 'mpc'

/** The cluster in `folder`, initialised now if there is none, `durable` for power cuts too. Throws StartupError. */
export async function openClusterFolder(
  folder: string,
  durable: boolean,
  binaries: PostgresBinaries,
  user: User | null,
): Promise<ClusterFolder> {
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  const link = join(folder, 'cluster')
  const passwordFile = join(folder, 'password')
  if (!existsSync(link)) {
    const home = homeFor(folder, user)
    const password = randomBytes(24).toString('base64url')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    const cluster = await initialise(home, password, durable, binaries, user)
    if (home !== folder) {
      rmSync(link, { force: true })
      symlinkSync(cluster, link)
    }
  }
  return { path: realpathSync(link), password: readFileSync(passwordFile, 'utf8') }
}

/** Below a folder that only root can enter, the account that runs PostgreSQL needs a place elsewhere. */
function homeFor(folder: string, user: User | null): string {
  if (user === null || canReach(user, realpathSync(folder))) return folder
  mkdirSync(sharedFolder, { recursive: true, mode: 0o755 })
  const home = mkdtempSync(join(sharedFolder, 'postgres-'))
  chmodSync(home, 0o711)
  return home
}

/** Into a staging folder that is renamed at the end: what a killed initdb leaves is thrown away by the next one. */
async function initialise(
  home: string,
  password: string,
  durable: boolean,
  binaries: PostgresBinaries,
  user: User | null,
): Promise<string> {
  const staging = join(home, 'cluster.new')
  const passwordFile = join(home, 'initial-password')
  rmSync(staging, { recursive: true, force: true })
  mkdirSync(staging, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (user !== null) for (const path of [staging, passwordFile]) chownSync(path, user.uid, user.gid)
  try {
    await promisify(execFile)(
      binaries.initdb,
      [
        `--pgdata=${staging}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        ...(durable ? [] : ['--no-sync']),
      ],
      { cwd: '/', ...(user ?? {}) },
    )
  } catch (error) {
    const words = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : ''
    throw new StartupError(`PostgreSQL cannot make its data folder ${staging}: ${words || String(error)}`)
  } finally {
    rmSync(passwordFile, { force: true })
  }
  const cluster = join(home, 'cluster')
  renameSync(staging, cluster)
  return cluster
}
