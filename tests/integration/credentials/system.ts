/** Coordinator and router as their processes run them, each once outside open mode and once in it, on one log. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Client } from '@connectrpc/connect'
import { main as coordinatorMain } from '../../../src/coordinator/main.ts'
import type { RunningService } from '../../../src/edge/serve.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { main as routerMain } from '../../../src/router/main.ts'
import { createDatabase } from '../../setup/database.ts'
import { startNats } from '../../setup/nats.ts'
import { newIdentity, partyKeys } from '../coordinator/fixture.ts'
import { transportOf, type Urls } from '../edge/protocols.ts'

export type Mode = 'closed' | 'open'
export type ServiceName = 'coordinator' | 'router'

export type System = Readonly<{
  urls: Readonly<Record<Mode, Readonly<Record<ServiceName, Urls>>>>
  /** By their one scope. */
  apiKeys: Readonly<Record<'sessions' | 'audit', string>>
  /** Sessions of alice and bob, who bring keys, and carol, who does not. */
  open: (stage: Stage) => Promise<Session>
  close: () => Promise<void>
}>

export type Stage = 'running' | 'closed' | 'expired'
export type PartyId = 'alice' | 'bob' | 'carol'

export type Session = Readonly<{
  id: string
  joinTokens: Readonly<Record<PartyId, string>>
  credentials: Readonly<Record<PartyId, string>>
}>

const partyIds = ['alice', 'bob', 'carol'] as const

export async function startSystem(): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-credentials-'))
  const [nats, database] = await Promise.all([startNats(), createDatabase()])
  const keep = async (name: string, content: string) => {
    await writeFile(join(folder, name), content, { mode: 0o600 })
    return join(folder, name)
  }
  const apiKeys = { sessions: newApiKey(), audit: newApiKey() }
  const entries = Object.entries(apiKeys).map(([scope, key]) => {
    return { name: scope, sha256: createHash('sha256').update(key).digest('hex'), scopes: [scope] }
  })
  const common = {
    MPC_HOST: '127.0.0.1',
    MPC_GRPC_PORT: '0',
    MPC_HTTP_PORT: '0',
    MPC_LOG_LEVEL: 'silent',
    MPC_CLOSE_GRACE_MS: '200',
    MPC_AUTH_FAILURE_LIMIT: '1000000',
    NATS_URL: nats.url,
  }
  const coordinatorEnv = {
    ...common,
    DATABASE_URL: database.url,
    MPC_SWEEP_INTERVAL_MS: '100',
    MPC_CREDENTIAL_KEY_FILE: await keep('credential-key', randomBytes(32).toString('hex')),
    MPC_COORDINATOR_IDENTITY_FILE: await keep('identity', randomBytes(32).toString('hex')),
  }
  const modes = {
    closed: { MPC_API_KEYS_FILE: await keep('api-keys.json', JSON.stringify(entries)) },
    open: { MPC_OPEN_MODE: 'true' },
  }
  const services: RunningService[] = []
  const start = async (mode: Mode) => {
    const coordinator = await coordinatorMain({ ...coordinatorEnv, ...modes[mode] })
    const router = await routerMain({ ...common, ...modes[mode] })
    services.push(coordinator, router)
    return { coordinator, router }
  }
  const urls = { closed: await start('closed'), open: await start('open') }
  const client = createClient(SessionCoordinator, transportOf('grpc', urls.closed.coordinator))
  return {
    urls,
    apiKeys,
    open: (stage) => openSession(client, apiKeys.sessions, stage),
    close: async () => {
      for (const service of services) await service.close()
      await Promise.all([nats.stop(), database.drop(), rm(folder, { recursive: true, force: true })])
    },
  }
}

function newApiKey(): string {
  return `mpc_key_${randomBytes(32).toString('hex')}`
}

async function openSession(
  client: Client<typeof SessionCoordinator>,
  apiKey: string,
  stage: Stage,
): Promise<Session> {
  const as = (bearer: string) => ({ headers: { authorization: `Bearer ${bearer}` } })
  const participants = partyIds.map((partyId) => ({ partyId }))
  const expiresInSeconds = stage === 'expired' ? 6 : 300
  const request = { sessionType: 'keygen', thresholdN: 3, thresholdT: 2, participants, expiresInSeconds }
  const { sessionId, joinTokens } = await client.createSession(request, as(apiKey))
  const credentials: Record<string, string> = {}
  for (const partyId of partyIds) {
    const keys = partyId === 'carol' ? {} : { keys: await partyKeys(await newIdentity(), sessionId, partyId) }
    const joined = await client.joinSession({ joinToken: joinTokens[partyId] ?? '', partyId, ...keys })
    credentials[partyId] = joined.partyCredential
  }
  if (stage === 'running') {
    for (const partyId of partyIds) await client.markPartyReady({ sessionId, partyId }, as(credentials[partyId] ?? ''))
    await client.startSession({ sessionId }, as(apiKey))
  }
  if (stage === 'closed') await client.closeSession({ sessionId }, as(apiKey))
  if (stage === 'expired') {
    const status = async () => (await client.getSessionStatus({ sessionId }, as(apiKey))).status
    while ((await status()) !== 'expired') await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // Each of `partyIds` has one.
  return { id: sessionId, joinTokens, credentials } as Session
}
