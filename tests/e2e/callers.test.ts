/** Who may call what, and what the services write about it: a closed system that logs all it can. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toJson, type DescMethod } from '@bufbuild/protobuf'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { created, revoked } from '../../src/cli/keys/entries.ts'
import { changeKeys } from '../../src/cli/keys/key-store.ts'
import { accessOf } from '../../src/edge/access.ts'
import { newApiKey, scopes, type Scope } from '../../src/edge/api-keys/api-key.ts'
import { fieldNamesOf } from '../../src/edge/field-names.ts'
import { messageToJson } from '../../src/edge/rest-json.ts'
import { restRoutesOf } from '../../src/edge/rest-routes.ts'
import { createDatabase } from '../setup/database.ts'
import { startNats } from '../setup/nats.ts'
import type { ProtocolName } from '../integration/edge/protocols.ts'
import { statusOver, statusWith } from './fixtures/any-call.ts'
import { filledWith, formsOfText, headersWith } from './fixtures/canaries.ts'
import { apiKeys, runToEnd, startServices, type LoneService, type Services } from './fixtures/closed-system.ts'
import { contracts } from './fixtures/contracts.ts'
import { somePublicKey, type Opened } from './fixtures/documented.ts'
import { rest } from './fixtures/rest.ts'
import { tokenOf } from './fixtures/system.ts'

const cleanUp: (() => unknown)[] = []
let folder: string
let databaseUrl: string
let services: Services
let stopNats: () => Promise<void>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-callers-'))
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }))
  const nats = await startNats()
  stopNats = nats.stop
  cleanUp.push(nats.stop)
  const database = await createDatabase()
  cleanUp.push(database.drop)
  databaseUrl = database.url
  const environment = { MPC_LOG_LEVEL: 'trace', MPC_AUTH_FAILURE_LIMIT: '1000000' }
  const onCleanUp = (step: () => Promise<void>) => cleanUp.push(step)
  services = await startServices({ folder, natsUrl: nats.url, databaseUrl, onCleanUp, environment })
  await addKeys(join(folder, 'api-keys.json'))
})
afterAll(async () => {
  for (const step of cleanUp.reverse()) await step()
})

const keyWith = Object.fromEntries(scopes.map((scope) => [scope, newApiKey()])) as Record<Scope, string>
const [revokedKey, expiredKey] = [newApiKey(), newApiKey()]

/** While the services run. Resolves when all three that know keys have taken up the last change. */
async function addKeys(file: string): Promise<void> {
  const add = (name: string, key: string, granted: readonly Scope[], nowMs: number, lifetimeMs: number | null) =>
    changeKeys(file, (entries) => created(entries, { key, nowMs }, { name, scopes: granted, lifetimeMs }))
  for (const scope of scopes) await add(`only-${scope}`, keyWith[scope], [scope], Date.now(), null)
  await add('expired', expiredKey, scopes, Date.now() - 60_000, 30_000)
  await add('revoked', revokedKey, scopes, Date.now(), null)
  const withRevoked = (JSON.parse(readFileSync(file, 'utf8')) as readonly unknown[]).length
  await untilKeys(withRevoked)
  await changeKeys(file, (entries) => revoked(entries, 'revoked'))
  await untilKeys(withRevoked - 1)
}

async function untilKeys(count: number): Promise<void> {
  for (const { httpUrl } of [services.coordinator, services.account, services.party]) {
    for (;;) {
      const text = await (await fetch(`${httpUrl}/metrics`)).text()
      if (new RegExp(`^mpc_api_keys\\{[^}]*\\} ${count}$`, 'm').test(text)) break
      await pause()
    }
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 50))

const places = [
  ['session-coordinator', () => services.coordinator],
  ['message-router', () => services.router],
  ['account-service', () => services.account],
  ['server-party-1', () => services.party],
] as const

type Target = Readonly<{ name: string; method: DescMethod; at: () => LoneService }>
const targets: readonly Target[] = places.flatMap(([name, at]) =>
  contracts
    .filter((contract) => contract.at === name)
    .flatMap(({ services: offered }) => offered.flatMap(({ methods }) => methods))
    .map((method) => ({ name: `${method.parent.name}.${method.name}`, method, at })),
)

describe.each(targets)('$name', (target) => {
  const access = accessOf(target.method)
  const hasRoute = restRoutesOf([target.method.parent]).some(({ method }) => method === target.method)
  const overs: readonly ProtocolName[] = [...(hasRoute ? ['rest' as const] : []), 'connect', 'grpc', 'grpc-web']

  test.each(overs)('over %s is answered as proto declares, whoever calls', async (protocol) => {
    const status = (bearer?: string) => statusOver(protocol, target.method, target.at(), bearer)
    const invalid = [newApiKey(), revokedKey, expiredKey]
    expect(await Promise.all(invalid.map(status))).toEqual([401, 401, 401])
    const unknown = await status()
    const answers = await Promise.all(scopes.map(async (scope) => [scope, await status(keyWith[scope])] as const))
    if (access.anyone) {
      // What the message carries decides: a key changes nothing.
      expect(answers.map(([, code]) => code)).toEqual(scopes.map(() => unknown))
      return
    }
    expect(unknown).toBe(401)
    const allowed = answers.filter(([scope]) => access.scopes.includes(scope))
    const refused = answers.filter(([scope]) => !access.scopes.includes(scope))
    expect(allowed.filter(([, code]) => code === 401 || code === 403 || code >= 500)).toEqual([])
    const wanted = access.scopes.length > 0 ? 403 : 401
    expect(refused).toEqual(refused.map(([scope]) => [scope, wanted]))
  })
})

test('guesses show in the metrics of every service, by what was shown', async () => {
  for (const [, at] of places) {
    const text = await (await fetch(`${at().httpUrl}/metrics`)).text()
    expect(Number(/^mpc_auth_failures_total\{credential="api_key"[^}]*\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0)
    expect(Number(/^mpc_auth_failures_total\{credential="none"[^}]*\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0)
  }
})

describe('a service', () => {
  const canary = `canary${randomBytes(8).toString('hex')}`
  const contact = { email: `${canary}@example.com`, phone: `+4917${randomBytes(4).readUInt32BE()}`.slice(0, 14) }
  const secrets = new Map<string, string>([
    ['a canary', canary],
    ['a phone number', contact.phone],
    ['a revoked key', revokedKey],
    ['an expired key', expiredKey],
    ...Object.entries(apiKeys),
    ...Object.entries(keyWith),
  ])

  test('writes no secret into its log, whatever carries it and whatever fails', async () => {
    for (const file of readdirSync(folder).filter((name) => /key|kek|identity/.test(name) && !name.endsWith('.json'))) {
      secrets.set(file, readFileSync(join(folder, file), 'utf8').trim())
    }
    await Promise.all(targets.map((target) => sendCanaries(target, canary)))
    const real = await useRealSecrets()
    for (const [what, secret] of real) secrets.set(what, secret)
    await failBySelf(real)
    for (const [, at] of places) await untilLogged(at())
    for (const [name, at] of places) {
      const output = at().output()
      expect(output).toMatch(/"route":"\/|"protocol":"grpc"/)
      const found = [...secrets].filter(([, secret]) => formsOfText(secret).some((form) => output.includes(form)))
      expect(found.map(([what]) => what), name).toEqual([])
    }
    expect(services.account.output()).toMatch(/"level":50,.*violates check constraint/)
    expect(services.coordinator.output()).toContain('"route":"/api/v1/sessions/:session_id"')
  })

  /** Lines come in order: when this one is there, all before it are. */
  async function untilLogged({ httpUrl, output }: LoneService): Promise<void> {
    const requestId = `last-${randomBytes(8).toString('hex')}`
    await fetch(`${httpUrl}/livez`, { headers: { 'x-request-id': requestId } })
    while (!output().includes(requestId)) await pause()
  }

  /** By every way into the service, in every place that can hold text. */
  async function sendCanaries({ method, at }: Target, text: string): Promise<void> {
    const { httpUrl, grpcUrl } = at()
    const message = filledWith(text, method.input)
    const headers = headersWith(text)
    const query = `?${text}=${text}&join_token=mpc_join_${text}&session_id=${text}&party_id=${text}`
    for (const route of restRoutesOf([method.parent]).filter((candidate) => candidate.method === method)) {
      const path = route.template.replaceAll(/\{\w+\}/g, text)
      const json = messageToJson(method.input, message, fieldNamesOf(method.parent))
      const body = route.hasBody ? { body: JSON.stringify(json) } : {}
      const type = { 'content-type': 'application/json' }
      await fetch(`${httpUrl}${path}${query}`, { method: route.verb, headers: { ...headers, ...type }, ...body })
      await fetch(`${httpUrl}${path}/${text}${query}`, { method: route.verb, headers })
    }
    const name = `/${method.parent.typeName}/${method.name}`
    const json = JSON.stringify(toJson(method.input, message))
    for (const body of [json, `${json.slice(0, -1)},`, text]) {
      const type = { 'content-type': 'application/json' }
      await fetch(`${httpUrl}${name}${query}`, { method: 'POST', headers: { ...headers, ...type }, body })
    }
    for (const authorization of [`Bearer mpc_key_${text}`, `Basic ${text}`, `Bearer ${apiKeys.backend}`]) {
      for (const protocol of ['grpc', 'grpc-web'] as const) {
        await statusWith(protocol, method, { httpUrl, grpcUrl }, { ...headers, authorization })
      }
    }
  }

  /** What a caller and its parties hold while all goes well. */
  async function useRealSecrets(): Promise<ReadonlyMap<string, string>> {
    const sessions = `${services.coordinator.httpUrl}/api/v1/sessions`
    const participants = ['alice', 'bob'].map((party_id) => ({ party_id }))
    const keygen = { session_type: 'keygen', threshold_n: 2, threshold_t: 2, participants }
    const opened = (await rest('POST', sessions, keygen, apiKeys.backend)).body as Opened // as documented
    const token = tokenOf(opened, 'alice')
    const joined = await rest('POST', `${sessions}/join`, { join_token: token, party_id: 'alice' })
    const credential = String(joined.body['party_credential'])
    const api = `${services.router.httpUrl}/api/v1/messages`
    const place = { session_id: opened.session_id, party_id: 'alice' }
    const { ticket } = (await rest('POST', `${api}/subscribe/ticket`, place, credential)).body
    expect(ticket).toMatch(/^mpc_ticket_/)
    for (const shown of [String(ticket), String(ticket)]) await openSocket(`${api}/subscribe?${query(place)}`, shown)
    await rest('GET', `${sessions}/${opened.session_id}?token=${token}`, undefined, credential)
    await rest('GET', `${sessions}/${token}/${credential}`, undefined, credential)
    return new Map([
      ['a join token', token],
      ["the other's join token", tokenOf(opened, 'bob')],
      ['a party credential', credential],
      ['a ticket', String(ticket)],
    ])
  }

  const query = (place: Readonly<Record<string, string>>) => new URLSearchParams(place).toString()

  function openSocket(url: string, ticket: string): Promise<void> {
    const socket = new WebSocket(url.replace('http', 'ws'), ['mpc.router.v1', ticket])
    return new Promise((resolve) => {
      socket.on('open', () => socket.close())
      socket.on('unexpected-response', () => socket.terminate())
      socket.on('error', () => undefined)
      socket.on('close', () => resolve())
    })
  }

  /** Postgres refuses a row and says which; then the log is gone. */
  async function failBySelf(real: ReadonlyMap<string, string>): Promise<void> {
    const database = new Client({ connectionString: databaseUrl })
    await database.connect()
    await database.query('alter table account.accounts add constraint refuses_all check (false) not valid')
    await database.end()
    const account = { username: 'alice', ...contact, publicKey: somePublicKey }
    const failed = await rest('POST', `${services.account.httpUrl}/api/v1/accounts`, account, apiKeys.backend)
    expect(failed.status).toBe(500)
    await stopNats()
    const session = { session_type: 'keygen', threshold_n: 1, threshold_t: 1, participants: [{ party_id: 'a' }] }
    const [sessions, pending] = ['/api/v1/sessions', `/api/v1/sessions/${canary}/messages?party_id=${canary}`]
    const [coordinator, router] = [services.coordinator.httpUrl, services.router.httpUrl]
    const join = { join_token: real.get("the other's join token"), party_id: 'bob' }
    const refused = await Promise.all([
      rest('POST', `${coordinator}${sessions}`, session, apiKeys.backend),
      rest('POST', `${coordinator}${sessions}/join`, join),
      rest('GET', `${router}${pending}`, undefined, real.get('a party credential')),
    ])
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503])
  }
})

test.each([
  ['account', { DATABASE_URL: 'postgres://someone:hidden-password@127.0.0.1:1/none', MPC_COORDINATOR_URL: 'http://127.0.0.1:1' }],
  ['router', { NATS_URL: 'nats://someone:hidden-password@127.0.0.1:1' }],
] as const)('the %s that cannot reach its store does not tell the password', async (command, env) => {
  const { code, output } = await runToEnd(command, { MPC_LOG_LEVEL: 'trace', ...env })
  expect(code).toBe(1)
  expect(output).toMatch(/127\.0\.0\.1:1|ECONNREFUSED|cannot|not/)
  expect(output).not.toContain('hidden-password')
})
