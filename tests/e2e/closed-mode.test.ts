import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@connectrpc/connect'
import secp256k1 from 'secp256k1'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDevice, type Device } from '../../src/cli/device.ts'
import { connectService } from '../../src/edge/service-client.ts'
import { MessageRouter } from '../../src/gen/mpc/router/v1/message_router_pb.ts'
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts'
import { createWorkerHost } from '../../src/party/node/worker-host.ts'
import { createDatabase } from '../setup/database.ts'
import { startNats } from '../setup/nats.ts'
import {
  apiKeys,
  keep,
  newApiKey,
  newKeyFile,
  runToEnd,
  startServices,
  type Services,
} from './fixtures/closed-system.ts'
import { credentialDeviations } from './fixtures/declared-credentials.ts'
import { messageHash, type Opened } from './fixtures/documented.ts'
import { rest } from './fixtures/rest.ts'
import { makeKey, sign, tokenOf } from './fixtures/system.ts'

const user = { party_id: 'user_device', device_type: 'iOS', device_id: 'iphone_001' }
const willing = { party_id: 'willing_server', device_type: 'server', device_id: 'server_001' }
const unwilling = { party_id: 'unwilling_server', device_type: 'server', device_id: 'server_002' }
const keygen = { threshold_n: 3, threshold_t: 2, participants: [user, willing, unwilling] }

const cleanUp: (() => unknown)[] = []
let folder: string
let natsUrl: string
let databaseUrl: string
let services: Services
let device: Device

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-closed-'))
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }))
  const nats = await startNats()
  cleanUp.push(nats.stop)
  const database = await createDatabase()
  cleanUp.push(database.drop)
  natsUrl = nats.url
  databaseUrl = database.url
  services = await startServices({ folder, natsUrl, databaseUrl, onCleanUp: (step) => cleanUp.push(step) })
  const host = createWorkerHost()
  cleanUp.push(host.close)
  device = await openDevice({
    deviceType: user.device_type,
    deviceId: user.device_id,
    folder: join(folder, 'device'),
    coordinatorUrl: services.coordinator.grpcUrl,
    routerUrl: services.router.grpcUrl,
    host,
  })
  cleanUp.push(device.close)
})

afterAll(async () => {
  for (const step of cleanUp.reverse()) await step()
})

const sessionsUrl = () => `${services.coordinator.httpUrl}/api/v1/sessions`
const accountApi = () => `${services.account.httpUrl}/api/v1`

describe('callers', () => {
  const newAccount = { username: 'alice', email: 'alice@example.com', publicKey: `02${'79be667e'.repeat(8)}` }
  const calls: readonly [string, () => string, string, object | undefined, keyof typeof apiKeys][] = [
    ['creating a session', sessionsUrl, 'POST', { session_type: 'keygen', ...keygen }, 'accounts'],
    ['creating an account', () => `${accountApi()}/accounts`, 'POST', newAccount, 'service'],
    ['making a key', () => `${accountApi()}/mpc/keygen`, 'POST', keygen, 'service'],
    ['listing keys of a party', () => `${services.party.httpUrl}/api/v1/party/keys`, 'GET', undefined, 'backend'],
  ]

  test.each(calls)('%s needs a key that is known and has the scope', async (_what, url, method, body, unfit) => {
    expect(await rest(method, url(), body)).toMatchObject({ status: 401, body: { error: 'unauthorized' } })
    expect(await rest(method, url(), body, newApiKey())).toMatchObject({ status: 401, body: { error: 'unauthorized' } })
    expect(await rest(method, url(), body, apiKeys[unfit])).toMatchObject({ status: 403, body: { error: 'forbidden' } })
  })

  test('a key with the scope is let in', async () => {
    const { participants } = keygen
    const bare = { ...keygen, participants: participants.map(({ party_id }) => ({ party_id })) }
    expect(await rest('POST', sessionsUrl(), { session_type: 'keygen', ...bare }, apiKeys.backend)).toMatchObject({
      status: 201,
    })
    const keys = `${services.party.httpUrl}/api/v1/party/keys`
    expect(await rest('GET', keys, undefined, apiKeys.auditor)).toMatchObject({ status: 200 })
  })

  test('every operation asks for the credential that docs/openapi declares', async () => {
    expect(await credentialDeviations(services)).toEqual([])
  })

  test('no service describes itself through reflection', async () => {
    for (const { grpcUrl } of Object.values(services)) {
      const connection = connectService(grpcUrl)
      const asked = (async function* () {
        yield { messageRequest: { case: 'listServices' as const, value: '' } }
      })()
      const answers = createClient(ServerReflection, connection.transport).serverReflectionInfo(asked)
      await expect(answers[Symbol.asyncIterator]().next()).rejects.toThrow(/unimplemented/)
      connection.close()
    }
  })
})

describe('a 2-of-3 key of a device and two server parties', () => {
  let publicKey: Uint8Array
  let accountId: string

  const openSigning = async (participants: readonly object[]): Promise<Opened> => {
    const request = { account_id: accountId, message_hash: messageHash, participants }
    const { status, body } = await rest('POST', `${accountApi()}/mpc/sign`, request, apiKeys.backend)
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
    return body as Opened // the documented shape, checked elsewhere
  }

  beforeAll(async () => {
    const { body } = await rest('POST', `${accountApi()}/mpc/keygen`, keygen, apiKeys.backend)
    const made = await makeKey(device, user.party_id, body as Opened) // as above
    if (made.kind !== 'key-made') throw new Error(JSON.stringify(made))
    publicKey = made.publicKey
    const hex = Buffer.from(publicKey).toString('hex')
    const owner = { username: 'bob', email: 'bob@example.com', publicKey: hex }
    accountId = String((await rest('POST', `${accountApi()}/accounts`, owner, apiKeys.backend)).body['id'])
  })

  test('device and server party sign, and an independent library agrees', async () => {
    const signed = await sign(device, user.party_id, await openSigning([user, willing]), messageHash)
    if (signed.kind !== 'signed') throw new Error(JSON.stringify(signed))
    const signature = Buffer.concat([signed.r, signed.s])
    expect(secp256k1.ecdsaVerify(signature, Buffer.from(messageHash, 'hex'), publicKey)).toBe(true)
  })

  test('a server party that was told nothing about signing declines', async () => {
    const { session_id, join_tokens } = await openSigning([user, unwilling])
    const outcome = await sign(device, user.party_id, { session_id, join_tokens }, messageHash)
    expect(outcome).toMatchObject({ kind: 'failed' })
    const { body } = await rest('GET', `${sessionsUrl()}/${session_id}`, undefined, apiKeys.backend)
    expect(body).toMatchObject({
      status: 'failed',
      failure: { reason: 'declined', reported_by: unwilling.party_id },
    })
  })
})

describe('a party that has joined', () => {
  const [alice, bob] = ['alice', 'bob'] as const
  const credentials = new Map<string, string>()
  let session: Opened

  /** Everything a party does in its own name, over whatever port it does it. */
  const actions = (bearer?: string): Readonly<Record<string, () => Promise<unknown>>> => {
    const own = `${sessionsUrl()}/${session.session_id}`
    const messages = `${services.router.httpUrl}/api/v1`
    const id = { session_id: session.session_id }
    const party = `party_id=${alice}`
    const status = async (...call: Parameters<typeof rest>) => (await rest(...call)).status
    return {
      ready: () => status('PUT', `${own}/parties/${alice}/ready`, {}, bearer),
      complete: () => status('POST', `${own}/complete`, { party_id: alice, failure: { reason: 'other' } }, bearer),
      start: () => status('POST', `${own}/start`, {}, bearer),
      status: () => status('GET', own, undefined, bearer),
      pending: () => status('GET', `${messages}/sessions/${id.session_id}/messages?${party}`, undefined, bearer),
      route: () => {
        const message = { ...id, from_party: alice, to_parties: [bob], round: 1, payload: 'AQID' }
        return status('POST', `${messages}/messages`, message, bearer)
      },
      subscribe: async () => {
        const connection = connectService(services.router.grpcUrl, bearer === undefined ? {} : { bearer })
        const ended = AbortSignal.timeout(10_000)
        const request = { sessionId: session.session_id, partyId: alice }
        const call = createClient(MessageRouter, connection.transport).subscribeMessages(request, { signal: ended })
        return call[Symbol.asyncIterator]()
          .next()
          .then(
            () => 200,
            (error: unknown) => (/unauthenticated/.test(String(error)) ? 401 : String(error)),
          )
          .finally(connection.close)
      },
    }
  }
  const outcomes = async (bearer: string | undefined, names: readonly string[]) =>
    Promise.all(names.map(async (name) => [name, await actions(bearer)[name]?.()] as const))

  const partyOnly = ['ready', 'complete', 'pending', 'route', 'subscribe']

  beforeAll(async () => {
    const request = { session_type: 'keygen', threshold_n: 2, threshold_t: 2 }
    const participants = [alice, bob].map((party_id) => ({ party_id }))
    const created = await rest('POST', sessionsUrl(), { ...request, participants }, apiKeys.backend)
    session = created.body as Opened // as above
    for (const party_id of [alice, bob]) {
      const join = { join_token: tokenOf(session, party_id), party_id }
      const { body } = await rest('POST', `${sessionsUrl()}/join`, join)
      credentials.set(party_id, String(body['party_credential']))
    }
  })

  test.each([
    ['nobody', () => undefined],
    ['an API key', () => apiKeys.backend],
    ['the other party', () => credentials.get(bob)],
  ])('is not spoken for by %s', async (_who, bearer) => {
    expect(await outcomes(bearer(), partyOnly)).toEqual(partyOnly.map((name) => [name, 401]))
  })

  test('has its session seen and started by no stranger', async () => {
    const names = ['status', 'start']
    expect(await outcomes(undefined, names)).toEqual(names.map((name) => [name, 401]))
  })

  test('does it all with its own credential', async () => {
    const own = credentials.get(alice)
    const other = `${sessionsUrl()}/${session.session_id}/parties/${bob}/ready`
    expect(await rest('PUT', other, {}, credentials.get(bob))).toMatchObject({ status: 200 })
    for (const name of ['ready', 'start', 'status', 'route', 'pending', 'complete']) {
      expect([name, await actions(own)[name]?.()]).toEqual([name, 200])
    }
  })
})

describe('a bad configuration', () => {
  const badKeys = () => ({ MPC_API_KEYS_FILE: keep(folder, 'bad.json', apiKeys.backend) })
  const openKey = () => {
    const file = newKeyFile(folder, 'open.key')
    chmodSync(file, 0o644)
    const identity = newKeyFile(folder, 'open-identity.key')
    const keys = { MPC_CREDENTIAL_KEY_FILE: file, MPC_COORDINATOR_IDENTITY_FILE: identity }
    return { NATS_URL: natsUrl, DATABASE_URL: databaseUrl, ...keys }
  }
  const noIdentity = () => ({ ...openKey(), MPC_COORDINATOR_IDENTITY_FILE: '' })

  test.each([
    ['coordinator', 'MPC_CREDENTIAL_KEY_FILE', 'must be set', () => ({ NATS_URL: natsUrl, DATABASE_URL: databaseUrl })],
    ['coordinator', 'MPC_CREDENTIAL_KEY_FILE', 'chmod 600 [^ ]*open.key', openKey],
    ['coordinator', 'MPC_COORDINATOR_IDENTITY_FILE', 'must be set', noIdentity],
    ['router', 'NATS_URL', 'must be set', () => ({})],
    ['router', 'NATS_URL', 'or several with commas', () => ({ NATS_URL: 'http://127.0.0.1:4222' })],
    ['account', 'MPC_API_KEYS_FILE', 'is not JSON', badKeys],
    [
      'party',
      'MPC_IDENTITY_FILE',
      'must hold 64 hex digits',
      () => ({
        MPC_DEVICE_ID: 'server_001',
        MPC_COORDINATOR_URL: services.coordinator.grpcUrl,
        MPC_ROUTER_URL: services.router.grpcUrl,
        MPC_IDENTITY_FILE: keep(folder, 'short.key', 'c0ffee'),
        MPC_KEK_FILE: newKeyFile(folder, 'unused.kek'),
        MPC_SHARE_DIR: join(folder, 'unused'),
      }),
    ],
  ] as const)('keeps the %s from starting, in one line naming %s', async (command, variable, problem, env) => {
    const { code, stderr } = await runToEnd(command, env())
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`^mpc: ${variable}: [^\\n]*${problem}\\n$`))
  })
})
