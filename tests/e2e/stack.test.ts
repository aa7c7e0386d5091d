import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import pg from 'pg'
import secp256k1 from 'secp256k1'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createDatabase } from '../setup/database.ts'
import { startNats } from '../setup/nats.ts'
import { runStack, untilNothingRuns, type StackCommand } from './fixtures/stack-command.ts'

let folder: string
const commands: StackCommand[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-stack-test-'))
  chmodSync(folder, 0o755)
})

afterAll(async () => {
  for (const command of commands) command.process.kill('SIGTERM')
  await Promise.all(commands.map(untilNothingRuns))
  rmSync(folder, { recursive: true, force: true })
})

const anyPorts = ['--ports', 'auto']

function start(data: string, env: NodeJS.ProcessEnv = {}, ports: readonly string[] = anyPorts): StackCommand {
  const command = runStack(['--data', data, ...ports], env)
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

/** The base point of secp256k1 (SEC 2, section 2.4.1): a valid public key. */
const publicKey = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'

function pidOf(stack: StackCommand, pattern: RegExp): number {
  const found = stack.leftRunning().filter(({ command }) => pattern.test(command))
  expect(found).toHaveLength(1)
  return found[0]?.pid ?? 0
}

describe('a running stack', () => {
  let stack: StackCommand
  let urls: Readonly<Record<string, string>>
  const data = () => join(folder, 'running')

  beforeAll(async () => {
    stack = start(data())
    urls = await stack.started()
  })

  test('has six services, each answering /health under its own name', async () => {
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

  test('keeps keys and data where only their owner can read them', () => {
    for (const name of ['credential-key', 'server-party-1-identity', 'server-party-1-kek']) {
      expect(statSync(join(data(), 'keys', name)).mode & 0o777).toBe(0o600)
    }
    for (const name of ['keys', 'shares', 'logs', 'nats', join('postgres', 'cluster')]) {
      expect(statSync(join(data(), name)).mode & 0o077).toBe(0)
    }
  })

  test('tells server parties neither of NATS nor of the database', () => {
    const environment = readFileSync(`/proc/${partyPid(stack)}/environ`, 'utf8')
    expect(environment).not.toMatch(/nats:\/\/|postgres:\/\//)
  })

  test('keeps a second stack off its data', async () => {
    const holder = pidOf(stack, /main\.ts start /)
    expect(await refusal(start(data()))).toContain(`in use by process ${holder}`)
  })

  test('starts a service that crashed again', async () => {
    const crashed = pidOf(stack, /main\.ts router /)
    process.kill(crashed, 'SIGKILL')
    await vi.waitFor(
      async () => {
        expect(pidOf(stack, /main\.ts router /)).not.toBe(crashed)
        expect((await fetch(`${urls['message-router']}/readyz`)).status).toBe(200)
      },
      { timeout: 60_000, interval: 200 },
    )
  })

  test('starts nats-server and PostgreSQL again when they die', async () => {
    process.kill(pidOf(stack, /^\S*nats-server -c /), 'SIGKILL')
    process.kill(pidOf(stack, /^\S*postgres -D /), 'SIGKILL')
    await vi.waitFor(
      async () => {
        expect(await json(`${urls['session-coordinator']}/api/v1/sessions`, keygen)).toHaveProperty('session_id')
      },
      { timeout: 60_000, interval: 500 },
    )
  })
})

test('whatever ends a stack, nothing is left running and nothing kept is lost', { timeout: 300_000 }, async () => {
  const data = join(folder, 'kept')
  const first = start(data)
  const urls = await first.started()
  const { session_id: id } = await json(`${urls['session-coordinator']}/api/v1/sessions`, keygen)
  const account = { username: 'alice', email: 'alice@example.com', publicKey }
  expect(await json(`${urls['account-service']}/api/v1/accounts`, account)).toMatchObject({ username: 'alice' })
  const identity = readFileSync(join(data, 'keys', 'server-party-1-identity'), 'utf8')

  const nodes = /^\S*node /
  const endings: readonly ((stack: StackCommand) => void)[] = [
    (stack) => killAll(stack, /run\.mjs/),
    (stack) => killAll(stack, /main\.ts start/),
    (stack) => killAll(stack, nodes),
    // As a terminal does: to everything in the foreground.
    (stack) => process.kill(-(stack.process.pid ?? 0), 'SIGINT'),
  ]
  let stack = first
  for (const end of endings) {
    end(stack)
    await untilNothingRuns(stack)
    if (end === endings.at(-1)) expect(await stack.finished).toMatchObject({ code: 130 })
    stack = start(data)
    const again = await stack.started()
    expect(await json(`${again['session-coordinator']}/api/v1/sessions/${id}`)).toMatchObject({ status: 'created' })
    expect(await json(`${again['account-service']}/api/v1/accounts`, account)).toMatchObject({ error: 'conflict' })
    expect(readFileSync(join(data, 'keys', 'server-party-1-identity'), 'utf8')).toBe(identity)
  }
})

test('shares that were stored before a restart sign after it', { timeout: 300_000 }, async () => {
  const data = join(folder, 'shares')
  const participants = [
    { party_id: 'one', device_type: 'server', device_id: 'server_001' },
    { party_id: 'two', device_type: 'server', device_id: 'server_002' },
  ]
  const before = start(data)
  const { 'account-service': accounts = '' } = await before.started()
  const keygen = await json(`${accounts}/api/v1/mpc/keygen`, { threshold_n: 2, threshold_t: 2, participants })
  const { public_key: publicKey } = await completed(accounts, keygen)
  const account = await json(`${accounts}/api/v1/accounts`, { username: 'bob', publicKey })
  before.process.kill('SIGTERM')
  await untilNothingRuns(before)

  const { 'account-service': again = '' } = await start(data).started()
  const request = { account_id: account['id'], message_hash: 'ab'.repeat(32), participants }
  const signed = await completed(again, await json(`${again}/api/v1/mpc/sign`, request))
  const hex = (value: unknown) => Buffer.from(String(value), 'hex')
  expect(secp256k1.ecdsaVerify(hex(signed['signature']), hex(request.message_hash), hex(publicKey))).toBe(true)
})

test('a stack that is given NATS_URL and DATABASE_URL uses those, and starts no server of its own', async () => {
  const [nats, database] = await Promise.all([startNats(), createDatabase()])
  try {
    const stack = start(join(folder, 'given'), { NATS_URL: nats.url, DATABASE_URL: database.url })
    const urls = await stack.started()
    expect(stack.leftRunning().filter(({ command }) => /nats-server|postgres/.test(command))).toEqual([])
    const { session_id: id } = await json(`${urls['session-coordinator']}/api/v1/sessions`, keygen)
    expect(await storedSessions(nats.url)).toBe(1)
    await vi.waitFor(async () => expect(await sessionsInReadModel(database.url)).toEqual([{ session_id: id }]))
    stack.process.kill('SIGTERM')
    expect((await stack.finished).code).toBe(0)
    await untilNothingRuns(stack)
  } finally {
    await Promise.all([nats.stop(), database.drop()])
  }
})

describe('mpc start refuses in one line', () => {
  const data = () => join(folder, 'refused')

  test('when a documented port is in use', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => {
      // Whoever else holds the port serves as well.
      holder.once('error', () => resolve())
      holder.listen(8083, '127.0.0.1', () => resolve())
    })
    expect(await refusal(start(data(), {}, []))).toMatch(/port \d+ \(.*\) is already in use/)
    holder.close()
  })

  test('when the data folder cannot be written', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, 'a file in its place')
    expect(await refusal(start(file))).toContain(`${file} cannot be written (not a folder)`)
    expect(await refusal(start('/proc/mpc'))).toContain('/proc/mpc cannot be written')
  })

  test('when NATS_SERVER is not a nats-server', async () => {
    expect(await refusal(start(data(), { NATS_SERVER: '/bin/true' }))).toContain('/bin/true is not a nats-server')
  })

  test('when the NATS that NATS_URL names does not answer', async () => {
    const command = start(data(), { NATS_URL: 'nats://127.0.0.1:1' })
    expect(await refusal(command)).toMatch(/(session-coordinator|message-router) does not start: .*nats/i)
  })

  test('when an option is unknown', async () => {
    expect(await refusal(start(data(), {}, ['--prots', 'auto']))).toContain("unknown option '--prots'")
  })
})

/** The session as the account service shows it at its end. */
async function completed(accounts: string, { session_id: id }: Record<string, unknown>): Promise<Record<string, unknown>> {
  return vi.waitFor(
    async () => {
      const session = await json(`${accounts}/api/v1/mpc/sessions/${id}`)
      expect(session).toMatchObject({ status: 'completed' })
      return session
    },
    { timeout: 60_000, interval: 200 },
  )
}

async function storedSessions(natsUrl: string): Promise<number> {
  const client = await connect({ servers: natsUrl })
  const { state } = await (await jetstreamManager(client)).streams.info('SESSIONS')
  await client.close()
  return state.messages
}

async function sessionsInReadModel(databaseUrl: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  return (await client.query('select session_id from coordinator.sessions').finally(() => client.end())).rows
}

async function refusal(command: StackCommand): Promise<string> {
  const { code, stdout, stderr } = await command.finished
  expect(stderr.trim().split('\n').filter((line) => !line.startsWith('(Did you mean'))).toHaveLength(1)
  expect(code).toBe(1)
  expect(stdout).toBe('')
  return stderr.trim()
}

function killAll(stack: StackCommand, pattern: RegExp): void {
  const victims = stack.leftRunning().filter(({ command }) => pattern.test(command))
  expect(victims).not.toEqual([])
  for (const { pid } of victims) process.kill(pid, 'SIGKILL')
}

function partyPid(stack: StackCommand): number {
  return stack.leftRunning().find(({ command }) => command.endsWith('main.ts party '))?.pid ?? 0
}
