import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Release } from '../../../src/cli/nats/fetch-nats-server.ts'
import { findNatsServer } from '../../../src/cli/nats/find-nats-server.ts'

let folder: string
let said: string[]
let server: Server | null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-find-'))
  for (const inner of ['bin', 'home']) mkdirSync(join(folder, inner))
  // The tools that the fetching itself needs; whatever else this machine has must not be found.
  for (const tool of ['sh', 'tar', 'gzip', 'mkdir', 'cp', 'chmod']) symlinkSync(which(tool), join(folder, 'bin', tool))
  said = []
  server = null
})

afterEach(() => {
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const bin = () => join(folder, 'bin')
const cached = () => join(folder, 'home', '.cache', 'mpc-system', 'nats-server')

function which(tool: string): string {
  return execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim()
}

function executable(path: string, script: string): string {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `#!${which('sh')}\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const natsServer = (path: string, version: string) => executable(path, `echo "nats-server: v${version}"`)

/** A release that no server offers. */
const unreachable: Release = { version: '2.14.5', baseUrl: 'http://127.0.0.1:1', sha256: { amd64: '00', arm64: '00' } }

function find(env: NodeJS.ProcessEnv = {}, release = unreachable): Promise<string> {
  const base = { PATH: bin(), HOME: join(folder, 'home') }
  return findNatsServer({ env: { ...base, ...env }, say: (line) => said.push(line), release })
}

/** An HTTP server with a release archive that holds an executable telling `version`. */
async function offerRelease(version: string, tamper = false): Promise<Release> {
  const [architecture] = process.arch === 'arm64' ? ['arm64'] : ['amd64']
  const name = `nats-server-v${version}-linux-${architecture}`
  natsServer(join(folder, 'release', name, 'nats-server'), version)
  execFileSync('tar', ['-czf', join(folder, 'release.tar.gz'), '-C', join(folder, 'release'), name])
  const archive = readFileSync(join(folder, 'release.tar.gz'))
  const sha256 = createHash('sha256').update(archive).digest('hex')
  const started = createServer((request, response) => {
    const known = request.url === `/v${version}/${name}.tar.gz`
    response.writeHead(known ? 200 : 404).end(known ? (tamper ? archive.subarray(1) : archive) : '')
  })
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  // A listening TCP server has an address.
  const { port } = started.address() as AddressInfo
  return { version, baseUrl: `http://127.0.0.1:${port}`, sha256: { [architecture ?? '']: sha256 } }
}

describe('a nats-server is looked for', () => {
  test('first where NATS_SERVER says', async () => {
    natsServer(join(bin(), 'nats-server'), '2.12.0')
    const chosen = natsServer(join(folder, 'chosen'), '2.10.0')
    expect(await find({ NATS_SERVER: chosen })).toBe(chosen)
  })

  test('nowhere else if what NATS_SERVER names does not do', async () => {
    natsServer(join(bin(), 'nats-server'), '2.12.0')
    const old = natsServer(join(folder, 'chosen'), '2.8.4')
    await expect(find({ NATS_SERVER: old })).rejects.toThrow(`NATS_SERVER: ${old} is 2.8.4, older than 2.9.0`)
  })

  test('then on PATH, before the cache', async () => {
    natsServer(cached(), '2.14.5')
    const onPath = natsServer(join(bin(), 'nats-server'), '2.9.10')
    expect(await find()).toBe(onPath)
    expect(said).toEqual([])
  })

  test('then in the cache, where the one on PATH is too old', async () => {
    natsServer(join(bin(), 'nats-server'), '2.8.4')
    natsServer(cached(), '2.14.5')
    expect(await find()).toBe(cached())
  })

  test('in XDG_CACHE_HOME where that is set', async () => {
    const path = natsServer(join(folder, 'xdg', 'mpc-system', 'nats-server'), '2.14.5')
    expect(await find({ XDG_CACHE_HOME: join(folder, 'xdg') })).toBe(path)
  })

  test('then in the pinned release, which is kept in the cache', async () => {
    executable(join(bin(), 'go'), 'exit 1')
    expect(await find({}, await offerRelease('2.14.5'))).toBe(cached())
    expect(execFileSync(cached(), ['--version'], { encoding: 'utf8' })).toContain('v2.14.5')
    expect(said).toEqual(['fetching nats-server 2.14.5 from 127.0.0.1:' + new URL(serverUrl()).port])
  })

  test('then by go install of the pinned version, once the release cannot be fetched', async () => {
    executable(
      join(bin(), 'go'),
      '[ "$1 $2" = "install github.com/nats-io/nats-server/v2@v2.14.5" ] || exit 1\n' +
        'printf \'#!/bin/sh\\necho "nats-server: v2.14.5"\\n\' > "$GOBIN/nats-server"; chmod 755 "$GOBIN/nats-server"',
    )
    expect(await find()).toBe(cached())
    expect(said.at(-1)).toContain('building nats-server 2.14.5')
  })

  test('at last in Debian\'s package, which is unpacked and not installed', async () => {
    executable(join(bin(), 'apt-get'), '[ "$1" = download ] && echo > nats-server_2.9.10_any.deb')
    executable(
      join(bin(), 'dpkg-deb'),
      'mkdir -p "$3/usr/sbin"; f="$3/usr/sbin/nats-server"\n' +
        'printf \'#!/bin/sh\\necho "nats-server: v2.9.10"\\n\' > $f; chmod 755 $f',
    )
    expect(await find()).toBe(cached())
    expect(said.at(-1)).toContain('Debian')
  })
})

describe('a nats-server that is fetched', () => {
  test('is refused when its checksum is not the pinned one, and leaves nothing behind', async () => {
    await expect(find({}, await offerRelease('2.14.5', true))).rejects.toThrow(/SHA-256 [0-9a-f]{64}, not the pinned/)
    expect(readdirSync(join(folder, 'home'))).toEqual([])
  })

  test('leaves nothing half-done in the cache when building fails', async () => {
    executable(join(bin(), 'go'), 'echo "go: no network" >&2; exit 1')
    await expect(find()).rejects.toThrow('go install: go: no network')
    expect(readdirSync(join(folder, 'home', '.cache', 'mpc-system'))).toEqual([])
  })
})

test('where there is none, one line tells what was tried and what to do', async () => {
  const error = await find().then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Error)
  const message = error instanceof Error ? error.message : ''
  const ways = ['PATH:', 'cache:', 'release download:', 'go install:', 'Debian package:']
  for (const way of ways) expect(message).toContain(way)
  expect(message).toContain('set NATS_SERVER to its path or NATS_URL to a running one')
  expect(message).not.toContain('\n')
})

function serverUrl(): string {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : ''
}
