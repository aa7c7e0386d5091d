import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pageCode } from './fixtures/page-code.ts'
import { useProject } from './fixtures/packed-package.ts'
import { useSystem } from './fixtures/system.ts'

const project = useProject(['typescript', '@types/node'])
const system = useSystem()

const tsc = 'node_modules/typescript/bin/tsc'

test('the package holds built JavaScript, its declarations and what the command needs, and no sources', () => {
  const files = readdirSync(project().installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(project().installed.length + 1))
  const besides = files.filter((file) => !/^(dist|docs\/openapi)\//.test(file)).sort()
  const nats = ['README.md', 'accounts.conf', 'dev.conf.template', 'nats-server.conf'].map((file) => `deploy/nats/${file}`)
  expect(besides).toEqual(['LICENSE', 'README.md', ...nats, 'package.json', 'scripts/mpc.mjs'])
  expect(files.filter((file) => file.startsWith('dist/') && !/\.(js|d\.ts)$/.test(file))).toEqual([])
})

/** What must compile, and what must not, in a project of its own. */
const typedUse = `
import { connectMpc, MpcError, type Device, type ProgressEvent } from 'mpc-system/client'
declare const device: Device
const mpc = connectMpc({ coordinatorUrl: 'http://x', routerUrl: 'http://x' })
const opened = await mpc.sessions.create({
  sessionType: 'keygen',
  thresholdT: 2,
  thresholdN: 2,
  participants: [{ partyId: 'a' }, { partyId: 'b' }],
})
const joinToken: string = opened.joinTokens.a
// @ts-expect-error nobody of this id was invited
opened.joinTokens.c
// @ts-expect-error a key has thresholds
void mpc.sessions.create({ sessionType: 'keygen', participants: [{ partyId: 'a' }] })
// @ts-expect-error neither a hash nor anyone to ask
void device.sign({ joinToken, partyId: 'a' })
// @ts-expect-error Ed25519 signs messages
void device.sign({ joinToken, partyId: 'a', keyType: 'eddsa-ed25519', messageHash: '' })
const message = new Uint8Array(1)
void device.sign({ joinToken, partyId: 'a', keyType: 'eddsa-ed25519', message }).then(({ signature }) => signature)
const onProgress = (event: ProgressEvent) => (event.type === 'round' ? event.round : undefined)
const { ethereumAddress } = await device.keygen({ joinToken, partyId: 'a', onProgress, signal: AbortSignal.timeout(1) })
export const address: string = ethereumAddress
export const codeOf = (error: unknown) => (error instanceof MpcError ? error.code : undefined)
`

describe('the declarations satisfy a strict project', () => {
  const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmit: true }
  const lib = ['es2024', 'dom', 'dom.iterable', 'dom.asynciterable']
  test.each([
    ['Node, checking the declarations too', { module: 'nodenext', types: ['node'], lib, skipLibCheck: false }],
    ['Node, without the dom library', { module: 'nodenext', types: ['node'], lib: ['es2024'], skipLibCheck: true }],
    ['a bundler', { module: 'esnext', moduleResolution: 'bundler', types: [], lib, skipLibCheck: false }],
  ])('of %s', async (_, options) => {
    const tsconfig = { compilerOptions: { target: 'es2024', ...strict, ...options }, include: ['typed-use.ts'] }
    await project().write('typed-use.ts', typedUse)
    await project().write('tsconfig.json', JSON.stringify(tsconfig))
    const { code, stdout } = await project().node(tsc, '-p', 'tsconfig.json')
    expect(stdout).toBe('')
    expect(code).toBe(0)
  })
})

test("the page's code compiles, and runs in Node from top to bottom", async () => {
  await project().write('page.ts', pageCode('client.md', 'ts', system().stack))
  const compilerOptions = { target: 'es2024', module: 'nodenext', types: ['node'], strict: true, noEmit: true }
  await project().write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['page.ts'] }))
  expect(await project().node(tsc, '-p', 'tsconfig.json')).toMatchObject({ stdout: '', code: 0 })

  const { code, stdout, stderr } = await project().node('page.ts')
  expect(code, stderr).toBe(0)
  const lines = stdout.trim().split('\n')
  expect(lines.slice(0, 8)).toEqual([1, 2, 3, 4].flatMap((n) => [`round ${n} sent`, `round ${n} received`]))
  expect(lines.slice(8)).toEqual([
    expect.stringMatching(/^04[0-9a-f]{128} 0x[0-9a-fA-F]{40}$/),
    expect.stringMatching(/^[0-9a-f]{128} [0-3] 7[0-2]$/),
    'completed phone completed, server completed, backup completed',
    expect.stringMatching(/^invalid_request \{ username: .* [0-9a-f-]{36}$/),
    'message_hash_mismatch []',
    'completed',
    'alice 1 to everyone else',
    'alice 1 to bob',
    '{ allCompleted: true }',
  ])
})

test('the installed command runs the whole system', async () => {
  const command = 'node_modules/mpc-system/scripts/mpc.mjs'
  const { code, stdout, stderr } = await project().node(command, 'demo', '--json')
  expect(code, stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ signatures: [{}, {}, {}] })
})
