/** Three ways to get a nats-server into the cache. Each puts it there in one rename: no half of one is ever run. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandOnPath, rethrowLastLine } from '../processes/command.ts'

export type Release = Readonly<{
  version: string
  /** Holds `v<version>/nats-server-v<version>-linux-<architecture>.tar.gz`. */
  baseUrl: string
  /** SHA-256 of the archives by architecture, hex. */
  sha256: Readonly<Record<string, string>>
}>

export type Search = Readonly<{
  env: NodeJS.ProcessEnv
  /** Told what takes time or changes the disk; one line each. */
  say: (line: string) => void
  release?: Release
}>

export const pinnedRelease: Release = {
  version: '2.14.5',
  baseUrl: 'https://github.com/nats-io/nats-server/releases/download',
  sha256: {
    amd64: '5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355',
    arm64: '673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c',
  },
}

const answerTimeoutMs = 6_000
const downloadTimeoutMs = 180_000
const buildTimeoutMs = 600_000
const packageTimeoutMs = 120_000
const maxArchiveBytes = 64 * 1024 * 1024

const run = promisify(execFile)

export async function fromRelease({ release, say }: Required<Search>, cache: string): Promise<string> {
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string]
  const expected = architecture === undefined ? undefined : release.sha256[architecture]
  if (process.platform !== 'linux' || expected === undefined) {
    throw new Error(`none pinned for ${process.platform} ${process.arch}`)
  }
  const name = `nats-server-v${release.version}-linux-${architecture}`
  const url = `${release.baseUrl}/v${release.version}/${name}.tar.gz`
  say(`fetching nats-server ${release.version} from ${new URL(url).host}`)
  const archive = await download(url)
  const actual = createHash('sha256').update(archive).digest('hex')
  if (actual !== expected) throw new Error(`${url} has SHA-256 ${actual}, not the pinned ${expected}`)
  return intoCache(cache, async (folder) => {
    await writeFile(join(folder, 'archive.tar.gz'), archive)
    await run('tar', ['-xzf', 'archive.tar.gz', `${name}/nats-server`], { cwd: folder })
    return join(folder, name, 'nats-server')
  })
}

export async function fromGo({ release, env, say }: Required<Search>, cache: string): Promise<string> {
  const go = commandOnPath('go', env)
  say(`building nats-server ${release.version} with ${go} (about a minute, once)`)
  return intoCache(cache, async (folder) => {
    const goEnv = { ...env, GOBIN: folder, CGO_ENABLED: '0' }
    await run(go, ['install', `github.com/nats-io/nats-server/v2@v${release.version}`], {
      env: goEnv,
      timeout: buildTimeoutMs,
    }).catch(rethrowLastLine)
    return join(folder, 'nats-server')
  })
}

/** Unpacks Debian's package instead of installing it: installing would start a second server and need root. */
export async function fromDebian({ env, say }: Required<Search>, cache: string): Promise<string> {
  const apt = commandOnPath('apt-get', env)
  const dpkg = commandOnPath('dpkg-deb', env)
  say('fetching Debian\'s nats-server package')
  return intoCache(cache, async (folder) => {
    const options = { env, cwd: folder, timeout: packageTimeoutMs }
    const fetchPackage = () => run(apt, ['download', '-qq', '-o', 'APT::Sandbox::User=root', 'nats-server'], options)
    await fetchPackage().catch(async () => {
      // No package lists yet, as in a fresh container; only root may fetch them.
      await run(apt, ['update', '-qq'], options).catch(rethrowLastLine)
      await fetchPackage().catch(rethrowLastLine)
    })
    await run('sh', ['-c', `exec "${dpkg}" -x nats-server_*.deb .`], options).catch(rethrowLastLine)
    return join(folder, 'usr', 'sbin', 'nats-server')
  })
}

async function download(url: string): Promise<Buffer> {
  const unanswered = new AbortController()
  const timer = setTimeout(() => unanswered.abort(), answerTimeoutMs)
  try {
    const signal = AbortSignal.any([unanswered.signal, AbortSignal.timeout(downloadTimeoutMs)])
    const response = await fetch(url, { signal })
    clearTimeout(timer)
    if (!response.ok) throw new Error(`${url} answers ${response.status}`)
    if (Number(response.headers.get('content-length') ?? 0) > maxArchiveBytes) throw new Error(`${url} is too large`)
    return Buffer.from(await response.arrayBuffer())
  } catch (error) {
    if (unanswered.signal.aborted) throw new Error(`${url} did not answer in ${answerTimeoutMs / 1000} s`)
    throw new Error(networkReason(error, url))
  } finally {
    clearTimeout(timer)
  }
}

/** undici says only "fetch failed" and keeps what happened in the cause. */
function networkReason(error: unknown, url: string): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : null
  if (cause === null) return error.message
  const code = 'code' in cause ? String(cause.code) : cause.message
  const { hostname } = new URL(url)
  return `${hostname} is not reachable (${isIP(hostname) === 0 ? code : cause.message})`
}

async function intoCache(cache: string, obtain: (folder: string) => Promise<string>): Promise<string> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'fetch-'))
  try {
    const program = await obtain(folder)
    const staged = join(folder, 'staged')
    await copyFile(program, staged)
    await chmod(staged, 0o755)
    const kept = join(cache, 'nats-server')
    await rename(staged, kept)
    return kept
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
