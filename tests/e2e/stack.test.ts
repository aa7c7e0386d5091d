import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runStack, untilNothingRuns, type StackCommand } from './fixtures/stack-command.ts'

let folder: string
let commands: StackCommand[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-stack-test-'))
  chmodSync(folder, 0o755)
  commands = []
})

afterEach(async () => {
  for (const command of commands) command.process.kill('SIGTERM')
  await Promise.all(commands.map(untilNothingRuns))
  rmSync(folder, { recursive: true, force: true })
})

const data = () => join(folder, 'data')

function start(...args: string[]): StackCommand {
  const command = runStack(['--data', data(), '--ports', 'auto', ...args])
  commands.push(command)
  return command
}

async function json(url: string, body?: unknown): Promise<Record<string, unknown>> {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url, body === undefined ? {} : request)
  // Every answer of the documented API is a JSON object.
  return (await response.json()) as Record<string, unknown>
}

const keygen = {
  session_type: 'keygen',
  threshold_n: 3,
  threshold_t: 2,
  participants: [{ party_id: 'party_0' }, { party_id: 'party_1' }, { party_id: 'party_2' }],
}

describe('mpc start', () => {
  test('brings up the six services, each answering /health under its own name', async () => {
    const urls = await start().started()
    const names = await Promise.all(Object.values(urls).map(async (url) => (await json(`${url}/health`))['service']))
    expect(names).toEqual(Object.keys(urls))
    expect(names.toSorted()).toEqual([
      'account-service',
      'message-router',
      'server-party-1',
      'server-party-2',
      'server-party-3',
      'session-coordinator',
    ])
  })

  test('stops on Ctrl-C with nothing left running, and keeps sessions, accounts and keys for the next start', async () => {
    const first = start()
    const before = await first.started()
    const session = await json(`${before['session-coordinator']}/api/v1/sessions`, keygen)
    const identity = readFileSync(join(data(), 'keys', 'server-party-1-identity'), 'utf8')
    const account = { username: 'alice', email: 'alice@example.com', publicKey: generatorPoint }
    expect(await json(`${before['account-service']}/api/v1/accounts`, account)).toMatchObject({ username: 'alice' })

    process.kill(-(first.process.pid ?? 0), 'SIGINT')
    expect(await first.finished).toMatchObject({ code: 130 })
    await untilNothingRuns(first)

    const after = await start().started()
    const status = await json(`${after['session-coordinator']}/api/v1/sessions/${session['session_id']}`)
    expect(status).toMatchObject({ session_id: session['session_id'], status: 'created' })
    expect(await json(`${after['account-service']}/api/v1/accounts`, account)).toMatchObject({ error: 'conflict' })
    expect(readFileSync(join(data(), 'keys', 'server-party-1-identity'), 'utf8')).toBe(identity)
  })

  test.for([
    { victims: 'the launcher', match: (command: string) => command.includes('run.mjs') },
    { victims: 'the stack', match: (command: string) => command.includes('main.ts start') },
    { victims: 'every node process at once', match: (command: string) => /^\S*node /.test(command) },
  ])('leaves nothing running when $victims is killed, and starts again on the same data', async ({ match }) => {
    const first = start()
    const before = await first.started()
    const session = await json(`${before['session-coordinator']}/api/v1/sessions`, keygen)
    const victims = first.leftRunning().filter(({ command }) => match(command))
    expect(victims).not.toEqual([])
    for (const { pid } of victims) process.kill(pid, 'SIGKILL')
    await untilNothingRuns(first)

    const after = await start().started()
    const status = await json(`${after['session-coordinator']}/api/v1/sessions/${session['session_id']}`)
    expect(status).toMatchObject({ status: 'created' })
  })

  test('starts a service that crashed again', async () => {
    const stack = start()
    const urls = await stack.started()
    const router = stack.leftRunning().find(({ command }) => command.endsWith('main.ts router '))
    process.kill(router?.pid ?? 0, 'SIGKILL')
    await vi.waitFor(async () => {
      const running = stack.leftRunning().find(({ command }) => command.endsWith('main.ts router '))
      expect(running?.pid).not.toBe(router?.pid)
      expect((await fetch(`${urls['message-router']}/readyz`)).status).toBe(200)
    }, { timeout: 30_000, interval: 200 })
  })

  test('starts nats-server and PostgreSQL again when they die', async () => {
    const stack = start()
    const urls = await stack.started()
    for (const { pid, command } of stack.leftRunning()) {
      if (/^\S*(nats-server -c|postgres -D) /.test(command)) process.kill(pid, 'SIGKILL')
    }
    await vi.waitFor(async () => {
      expect(await json(`${urls['session-coordinator']}/api/v1/sessions`, keygen)).toHaveProperty('session_id')
    }, { timeout: 60_000, interval: 500 })
  })

  test('keeps keys and data where only their owner can read them', async () => {
    await start().started()
    for (const name of ['credential-key', 'server-party-1-identity', 'server-party-1-kek']) {
      expect(statSync(join(data(), 'keys', name)).mode & 0o777).toBe(0o600)
    }
    for (const name of ['keys', 'shares', 'logs', 'nats']) expect(statSync(join(data(), name)).mode & 0o077).toBe(0)
  })
})

describe('mpc start refuses in one line', () => {
  /** Everything on stderr but the launcher's own notices. */
  async function refusal(command: StackCommand): Promise<string> {
    const { code, stdout, stderr } = await command.finished
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr.trim().split('\n')).toHaveLength(1)
    return stderr.trim()
  }

  test('when a documented port is in use', async () => {
    const holder = createServer()
    // If somebody else holds it, that will do as well.
    await new Promise<void>((resolve) => holder.once('error', () => resolve()).listen(8083, '127.0.0.1', () => resolve()))
    const command = runStack(['--data', data()])
    commands.push(command)
    expect(await refusal(command)).toMatch(/port \d+ \(.*\) is already in use/)
    holder.close()
  })

  test('when another stack runs on the same data', async () => {
    const first = start()
    await first.started()
    const pid = first.leftRunning().find(({ command }) => command.includes('main.ts start'))?.pid
    expect(await refusal(start())).toContain(`in use by process ${pid}`)
  })

  test('when the data folder cannot be written', async () => {
    writeFileSync(data(), 'a file in its place')
    expect(await refusal(start())).toContain(`${data()} cannot be written`)
  })

  test('when NATS_SERVER is not a nats-server', async () => {
    const command = runStack(['--data', data(), '--ports', 'auto'], { NATS_SERVER: '/bin/true' })
    commands.push(command)
    expect(await refusal(command)).toContain('NATS_SERVER: /bin/true is not a nats-server')
  })

  test('when the NATS that NATS_URL names does not answer', async () => {
    const command = runStack(['--data', data(), '--ports', 'auto'], { NATS_URL: 'nats://127.0.0.1:1' })
    commands.push(command)
    expect(await refusal(command)).toMatch(/(session-coordinator|message-router) does not start: .*nats/i)
  })

  test('when an option is unknown', () => {
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
    const run = () => execFileSync(process.execPath, [main, 'start', '--dta', 'x'], { encoding: 'utf8', stdio: 'pipe' })
    expect(run).toThrow(/unknown option '--dta'/)
  })
})

/** A valid public key: the base point of secp256k1 (SEC 2, section 2.4.1). */
const generatorPoint = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
