/** Coordinators on a real log and a real database, called over gRPC as their clients do. */
import { randomBytes } from 'node:crypto'
import type { Client } from '@connectrpc/connect'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import type { CheckpointPolicy } from '../../../src/coordinator/checkpoints/checkpoint-policy.ts'
import { openCoordinator } from '../../../src/coordinator/coordinator.ts'
import { fixedApiKeys, type ApiKey } from '../../../src/edge/api-keys/api-key.ts'
import { defaultLimits } from '../../../src/edge/limits.ts'
import { createLogger } from '../../../src/edge/log.ts'
import { refusalOf } from '../../../src/edge/refusal-error.ts'
import type { Refusal } from '../../../src/edge/refusal.ts'
import { serve } from '../../../src/edge/serve.ts'
import { connectService, type ServiceConnection } from '../../../src/edge/service-client.ts'
import {
  SessionCoordinator,
  type CreateSessionResponse,
  type JoinSessionResponse,
} from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { SessionLog } from '../../../src/gen/mpc/coordinator/v1/session_log_pb.ts'
import { identityFromSeed, type Identity, type OpeningIdentity } from '../../../src/identity/identity-key.ts'
import { joinStatement, resultStatement } from '../../../src/identity/statement.ts'

export const callerApiKey = 'mpc_key_of_the_tests'
export const otherApiKey = 'mpc_key_of_others'
export const auditorApiKey = 'mpc_key_of_auditors'
const apiKeys = new Map<string, ApiKey>([
  [callerApiKey, { name: 'tests', scopes: ['sessions'] }],
  [otherApiKey, { name: 'others', scopes: ['sessions'] }],
  [auditorApiKey, { name: 'auditors', scopes: ['audit'] }],
])
const credentialKey = new Uint8Array(32).fill(7)
export const coordinatorIdentity = await identityFromSeed(new Uint8Array(32).fill(9))

export type TestCoordinator = Readonly<{
  client(bearer?: string): Client<typeof SessionCoordinator>
  feed(bearer?: string): Client<typeof SessionFeed>
  log(bearer?: string): Client<typeof SessionLog>
  grpcUrl: string
  httpUrl: string
  close(): Promise<void>
}>

export type TestCoordinatorOptions = Readonly<{
  natsUrl: string
  databaseUrl: string
  openMode?: boolean
  servers?: ReadonlyMap<string, Uint8Array>
  now?: () => number
  sweepIntervalMs?: number
  maxProjectionLagMs?: number
  checkpoints?: Partial<CheckpointPolicy>
}>

export async function startCoordinator(options: TestCoordinatorOptions): Promise<TestCoordinator> {
  const logger = createLogger('session-coordinator', 'silent')
  const coordinator = await openCoordinator(
    {
      natsUrl: options.natsUrl,
      databaseUrl: options.databaseUrl,
      replicas: 1,
      servers: options.servers ?? new Map(),
      credentialKey,
      checkpoints: {
        identity: coordinatorIdentity,
        formerKeys: [],
        intervalMs: 60_000,
        maxEvents: 1000,
        ...options.checkpoints,
      },
      sweepIntervalMs: options.sweepIntervalMs ?? 100,
      ...(options.maxProjectionLagMs !== undefined && { maxProjectionLagMs: options.maxProjectionLagMs }),
      now: options.now ?? Date.now,
      onFatal: (error) => {
        throw error
      },
    },
    logger,
  )
  const { routes, ready, metrics } = coordinator
  const service = await serve(
    { name: 'session-coordinator', services: [SessionCoordinator, SessionFeed, SessionLog], routes, ready, metrics },
    {
      host: '127.0.0.1',
      grpcPort: 0,
      httpPort: 0,
      openMode: options.openMode ?? false,
      tls: null,
      corsOrigins: [],
      apiKeys: fixedApiKeys((token) => apiKeys.get(token) ?? null),
      reflection: false,
      limits: { ...defaultLimits, closeGraceMs: 500 },
    },
    logger,
  )
  const connections: ServiceConnection[] = []
  const connection = (bearer: string): ServiceConnection => {
    const opened = connectService(service.grpcUrl, bearer === '' ? {} : { bearer })
    connections.push(opened)
    return opened
  }
  return {
    client: (bearer = callerApiKey) => connection(bearer).client(SessionCoordinator),
    feed: (bearer = callerApiKey) => connection(bearer).client(SessionFeed),
    log: (bearer = auditorApiKey) => connection(bearer).client(SessionLog),
    grpcUrl: service.grpcUrl,
    httpUrl: service.httpUrl,
    close: async () => {
      for (const open of connections) open.close()
      await service.close()
      await coordinator.close()
    },
  }
}

/** What a call was refused with. Fails the test when it was not. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call
  } catch (error) {
    return refusalOf(error)
  }
  throw new Error('the call was not refused')
}

/** A party that brings keys. */
export async function newIdentity(): Promise<OpeningIdentity> {
  return identityFromSeed(randomBytes(32))
}

export async function partyKeys(identity: Identity, sessionId: string, partyId: string) {
  const contribution = {
    identityKey: identity.publicKey,
    ephemeralKey: Uint8Array.from(randomBytes(32)),
    nonce: Uint8Array.from(randomBytes(32)),
  }
  const signature = await identity.sign(joinStatement({ sessionId, partyId, ...contribution }))
  return { ...contribution, signature }
}

export type JoinedParty = Readonly<{
  partyId: string
  identity: Identity
  credential: string
  joined: JoinSessionResponse
}>

/** Joins every party of a session with keys; identities are those given, or fresh. */
export async function joinAll(
  coordinator: TestCoordinator,
  created: CreateSessionResponse,
  identities: Readonly<Record<string, Identity>> = {},
): Promise<readonly JoinedParty[]> {
  const parties: JoinedParty[] = []
  for (const [partyId, joinToken] of Object.entries(created.joinTokens)) {
    const identity = identities[partyId] ?? (await newIdentity())
    const keys = await partyKeys(identity, created.sessionId, partyId)
    const joined = await coordinator.client('').joinSession({ joinToken, partyId, keys })
    parties.push({ partyId, identity, credential: joined.partyCredential, joined })
  }
  return parties
}

/** Readies every party and starts. The roster hash that was fixed. */
export async function startAll(
  coordinator: TestCoordinator,
  sessionId: string,
  parties: readonly JoinedParty[],
): Promise<Uint8Array<ArrayBuffer>> {
  for (const { partyId, credential } of parties) {
    await coordinator.client(credential).markPartyReady({ sessionId, partyId })
  }
  await coordinator.client().startSession({ sessionId })
  const { rosterHash } = await coordinator.client().getSessionStatus({ sessionId })
  return Uint8Array.from(rosterHash ?? [])
}

/** One party's signed report. `result`: compressed key, or r||s and the recovery id. */
export async function report(
  coordinator: TestCoordinator,
  sessionId: string,
  rosterHash: Uint8Array,
  { partyId, identity, credential }: JoinedParty,
  result: Uint8Array,
) {
  const resultSignature = await identity.sign(resultStatement({ sessionId, partyId, rosterHash, result }))
  const stated =
    result.length === 33
      ? { publicKey: bytesToHex(result) }
      : { signature: bytesToHex(result.subarray(0, 64)), recoveryId: result[64] ?? 0 }
  return coordinator.client(credential).reportCompletion({ sessionId, partyId, ...stated, resultSignature })
}

export type TestKey = Readonly<{
  keyId: string
  secret: Uint8Array
  publicKey: Uint8Array
  identities: Readonly<Record<string, Identity>>
}>

/** A 2-of-3 key generation among alice, bob and carol, which nobody has joined yet. */
export function createKeygen(coordinator: TestCoordinator): Promise<CreateSessionResponse> {
  const participants = ['alice', 'bob', 'carol'].map((partyId) => ({ partyId }))
  return coordinator.client().createSession({ sessionType: 'keygen', thresholdN: 3, thresholdT: 2, participants })
}

/**
 * A completed 2-of-3 key generation among alice, bob and carol. What the parties computed is known here: it is a test.
 */
export async function makeKey(coordinator: TestCoordinator): Promise<TestKey> {
  const { secretKey: secret, publicKey } = secp256k1.keygen()
  const created = await createKeygen(coordinator)
  const parties = await joinAll(coordinator, created)
  const rosterHash = await startAll(coordinator, created.sessionId, parties)
  for (const party of parties) await report(coordinator, created.sessionId, rosterHash, party, publicKey)
  const identities = Object.fromEntries(parties.map(({ partyId, identity }) => [partyId, identity]))
  return { keyId: created.sessionId, secret, publicKey, identities }
}

/** r||s and the recovery id, 65 bytes. */
export function signHash(hash: Uint8Array, secret: Uint8Array): Uint8Array {
  const recovered = secp256k1.sign(hash, secret, { prehash: false, format: 'recovered' })
  return concatBytes(recovered.subarray(1), recovered.subarray(0, 1))
}
