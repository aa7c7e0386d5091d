/** Streams that are full, end to end: coordinator and router as their processes run, on the smallest streams there are. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../../src/cli/processes/free-port.ts'
import { main as coordinatorMain } from '../../../src/coordinator/main.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { main as routerMain } from '../../../src/router/main.ts'
import { rest, type RestAnswer } from '../../e2e/fixtures/rest.ts'
import { createDatabase, type TestDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'

type Service = Readonly<{ httpUrl: string; grpcUrl: string }>

let nats: TestNats
let database: TestDatabase
let folder: string
let running: { close(): Promise<void> }[] = []

beforeEach(async () => {
  ;[nats, database, folder] = await Promise.all([startNats(), createDatabase(), mkdtemp(join(tmpdir(), 'mpc-full-'))])
})
afterEach(async () => {
  await stop()
  await Promise.all([nats.stop(), database.drop(), rm(folder, { recursive: true, force: true })])
})

async function stop(): Promise<void> {
  for (const service of running.splice(0).reverse()) await service.close()
}

/** Both services, with these limits. */
async function start(limits: Readonly<Record<string, string>>) {
  const keyFile = async (name: string) => {
    const path = join(folder, name)
    await writeFile(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' }).catch(() => undefined)
    return path
  }
  const env = {
    NATS_URL: nats.url,
    DATABASE_URL: database.url,
    MPC_OPEN_MODE: 'true',
    MPC_HOST: '127.0.0.1',
    MPC_GRPC_PORT: '0',
    MPC_HTTP_PORT: '0',
    MPC_LOG_LEVEL: 'silent',
    MPC_CLOSE_GRACE_MS: '100',
    MPC_CREDENTIAL_KEY_FILE: await keyFile('credential-key'),
    MPC_COORDINATOR_IDENTITY_FILE: await keyFile('identity'),
    MPC_SERVER_PARTIES_FILE: '',
    ...limits,
  }
  const [grpc, http] = [await freePort(), await freePort()]
  const coordinator = await coordinatorMain({ ...env, MPC_GRPC_PORT: String(grpc), MPC_HTTP_PORT: String(http) })
  running = [coordinator]
  const router = await routerMain(env)
  running.push(router)
  const urlOf = (port: number) => `http://127.0.0.1:${port}`
  return { coordinator: { grpcUrl: urlOf(grpc), httpUrl: urlOf(http) }, router }
}

const parties = ['alice', 'bob']
const createBody = {
  session_type: 'keygen',
  threshold_n: 2,
  threshold_t: 2,
  participants: parties.map((party_id) => ({ party_id, device_type: 'iOS', device_id: party_id })),
}
const createAt = ({ httpUrl }: Service, body: unknown = createBody) => rest('POST', `${httpUrl}/api/v1/sessions`, body)

/** The largest there can be, so that few of them fill a stream. */
const crowd = Array.from({ length: 20 }, (_, n) => `${n}`.padStart(64, 'p'))
const crowdedBody = {
  session_type: 'keygen',
  threshold_n: crowd.length,
  threshold_t: 2,
  participants: crowd.map((party_id) => ({ party_id, device_type: 'iOS', device_id: party_id })),
}

/** A session in progress, of parties that bring a protocol of their own. */
async function startedSession(at: Service): Promise<string> {
  const { body } = await createAt(at)
  const { session_id: id, join_tokens: tokens } = body as { session_id: string; join_tokens: Record<string, string> }
  for (const party_id of parties) {
    const joined = { join_token: tokens[party_id], party_id, device_type: 'iOS', device_id: party_id }
    expect(await rest('POST', `${at.httpUrl}/api/v1/sessions/join`, joined)).toMatchObject({ status: 200 })
  }
  for (const party_id of parties) {
    await rest('PUT', `${at.httpUrl}/api/v1/sessions/${id}/parties/${party_id}/ready`, { party_id })
  }
  await rest('POST', `${at.httpUrl}/api/v1/sessions/${id}/start`)
  return id
}

const messageOf = (session_id: string, round: number) => ({
  session_id,
  from_party: 'alice',
  to_parties: ['bob'],
  round,
  payload: Buffer.alloc(60_000, round).toString('base64'),
})
const sendAt = ({ httpUrl }: Service, id: string, round: number) =>
  rest('POST', `${httpUrl}/api/v1/messages`, messageOf(id, round))

/** Until it is refused; resolves to the refusal and how many were taken before. */
async function fill(call: (n: number) => Promise<RestAnswer>): Promise<Readonly<{ taken: RestAnswer[]; refused: RestAnswer }>> {
  const taken: RestAnswer[] = []
  for (;;) {
    const answer = await call(taken.length + 1)
    if (answer.status >= 400) return { taken, refused: answer }
    taken.push(answer)
    if (taken.length > 500) throw new Error('the stream does not get full')
  }
}

function expectUnavailable({ status, body, headers }: RestAnswer): void {
  expect({ status, error: body['error'] }).toEqual({ status: 503, error: 'unavailable' })
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
}

async function firstAndCount(stream: string) {
  const client = await connect({ servers: nats.url })
  try {
    const { state } = await (await jetstreamManager(client)).streams.info(stream)
    return { first: state.first_seq, count: state.messages }
  } finally {
    await client.close()
  }
}

test('a full stream of sessions refuses new sessions, keeps every old one, and takes new ones again with more room', async () => {
  const { coordinator } = await start({ MPC_SESSIONS_MAX_BYTES: '1048576' })
  const { taken, refused } = await fill(() => createAt(coordinator, crowdedBody))
  expectUnavailable(refused)
  const connection = connectService(coordinator.grpcUrl)
  const call = connection.client(SessionCoordinator).createSession({
    sessionType: 'keygen',
    thresholdN: crowd.length,
    thresholdT: 2,
    participants: crowd.map((partyId) => ({ partyId, deviceType: 'iOS', deviceId: partyId })),
  })
  await expect(call).rejects.toSatisfy((error) => ConnectError.from(error).code === Code.Unavailable)
  connection.close()
  expect(taken.length).toBeGreaterThan(5)
  const kept = async (at: Service) => {
    for (const { body } of [...taken.slice(0, 3), ...taken.slice(-3)]) {
      const { status } = await rest('GET', `${at.httpUrl}/api/v1/sessions/${String(body['session_id'])}`)
      expect(status).toBe(200)
    }
  }
  await kept(coordinator)
  expect(await firstAndCount('SESSIONS')).toEqual({ first: 1, count: taken.length })

  await stop()
  const again = await start({ MPC_SESSIONS_MAX_BYTES: '2097152' })
  await kept(again.coordinator)
  expect(await createAt(again.coordinator, crowdedBody)).toMatchObject({ status: 201 })
})

test('a full stream of messages refuses new messages, delivers every old one, and takes new ones again with more room', async () => {
  const { coordinator, router } = await start({ MPC_MESSAGES_MAX_BYTES: '1048576' })
  const id = await startedSession(coordinator)
  const { taken, refused } = await fill((round) => sendAt(router, id, round))
  expectUnavailable(refused)
  const connection = connectService(router.grpcUrl)
  const payload = Buffer.alloc(60_000, 1)
  const message = { sessionId: id, fromParty: 'alice', toParties: ['bob'], round: taken.length + 1, payload }
  const call = connection.client(MessageRouter).routeMessage(message)
  await expect(call).rejects.toSatisfy((error) => ConnectError.from(error).code === Code.Unavailable)
  connection.close()
  expect(taken.length).toBeGreaterThan(5)
  // What was sent before is answered as before, and can be fetched.
  expect(await sendAt(router, id, 1)).toMatchObject({ status: taken[0]?.status })
  const pending = async (at: Service) => {
    const { body } = await rest('GET', `${at.httpUrl}/api/v1/sessions/${id}/messages?party_id=bob&limit=1000`)
    return (body['messages'] as { round: number }[]).map(({ round }) => round)
  }
  const rounds = taken.map((_, index) => index + 1)
  expect(await pending(router)).toEqual(rounds)
  expect(await firstAndCount('MESSAGES')).toEqual({ first: 1, count: taken.length })
  // Sessions go on to be made and seen.
  expect(await createAt(coordinator)).toMatchObject({ status: 201 })

  await stop()
  const again = await start({ MPC_MESSAGES_MAX_BYTES: '2097152' })
  const next = taken.length + 1
  expect((await sendAt(again.router, id, next)).status).toBeLessThan(300)
  expect(await pending(again.router)).toEqual([...rounds, next])
})
