/** Where lies are told: real services, lying ones before them, honest parties with real storage and cryptography. */
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesToHex } from '@noble/hashes/utils.js'
import { connectService, type ServiceConnection } from '../../src/edge/service-client.ts'
import type { KeyType } from '../../src/crypto/key-type.ts'
import type { MPCMessage } from '../../src/gen/mpc/router/v1/message_router_pb.ts'
import { approveKeygen, approveSigning } from '../../src/party/approval.ts'
import type { ExecutionHost } from '../../src/party/execution/execution-host.ts'
import { defaultPartyLimits } from '../../src/party/limits.ts'
import { createWorkerHost } from '../../src/party/node/worker-host.ts'
import type { SessionOutcome } from '../../src/party/session/run.ts'
import type { Approve } from '../../src/party/session/terms.ts'
import type { StoredShare } from '../../src/party/store/share-store.ts'
import { createConnectTransport } from '../../src/party/transport/connect-transport.ts'
import type { Approval } from '../../src/policy/approval.ts'
import { approvalMessage, policyMessage } from '../../src/policy/wire.ts'
import { startServices, type Services } from '../integration/party/services.ts'
import { temporaryFolder, testParty, type TestParty } from '../unit/party/fixtures/parties.ts'
import { approval } from './approvals.ts'
import { hurriedClock, roundTimeoutMs } from './hurried-clock.ts'
import { mallory, type Lie, type Scene } from './lie.ts'
import { corruptHost } from './lying-party.ts'
import { startLyingServices, type LyingServices } from './lying-services.ts'
import { nothingSeen, recordedCalls, recordingLog, type Seen } from './recorded.ts'

export const group = ['alice', 'bob', mallory] as const
export const messageHash = new Uint8Array(32).fill(5)
export const message = new TextEncoder().encode('what the owners of the key agreed to sign')

export type MadeKey = Readonly<{
  keyId: string
  keyType: KeyType
  publicKey: Uint8Array
  shares: ReadonlyMap<string, StoredShare>
  /** Messages of its key generation, and of one signature of alice and bob. */
  earlier: Readonly<Record<Lie['session'], readonly MPCMessage[]>>
}>

export type Arena = Readonly<{
  services: Services
  lying: LyingServices
  host: ExecutionHost
  /** By `keyNameOf`. */
  keys: ReadonlyMap<string, MadeKey>
  close: () => Promise<void>
}>

/** How a session with a lie in it went. */
export type Told = Readonly<{
  lies: number
  key: MadeKey | null
  sessionId: string
  honest: readonly Readonly<{
    partyId: string
    outcome: SessionOutcome | 'still running'
    party: TestParty
    /** The share it has now; null where it has none. */
    stored: StoredShare | null
    log: string
  }>[]
  seen: Seen
  /** What the owner of the key has approved. */
  approvals: readonly Approval[]
}>

/** Longer than any session here takes on a slow machine: what runs on is a party that was held. */
const patienceMs = 170_000

export async function openArena(lies: readonly Lie[]): Promise<Arena> {
  const services = await startServices()
  await services.stop('party')
  const lying = await startLyingServices(services)
  const host = createWorkerHost({ workers: 1 })
  const keys = new Map<string, MadeKey>()
  const arena: Arena = {
    services,
    lying,
    host,
    keys,
    close: async () => {
      await lying.close()
      await Promise.all([services.close(), host.close()])
    },
  }
  const oneOfEach = new Map(lies.map((lie) => [keyNameOf(lie), lie]))
  await Promise.all([...oneOfEach].map(async ([name, lie]) => keys.set(name, await makeKey(arena, lie))))
  return arena
}

function keyNameOf({ keyType, policy }: Lie): string {
  return policy === undefined ? keyType : `${keyType} with a policy`
}

async function makeKey(arena: Arena, lie: Lie): Promise<MadeKey> {
  const { keyType, policy } = lie
  const governed = policy === undefined ? {} : { policy }
  const honest = { name: 'none', step: 'none', keyType, end: 'harmless', tell: () => {}, ...governed } as const
  const made = await runSession(arena, { ...honest, session: 'keygen', parties: group })
  const shares = new Map(made.honest.flatMap(({ partyId, stored }) => (stored === null ? [] : [[partyId, stored]])))
  const publicKey = shares.get('alice')?.key.publicKey
  if (publicKey === undefined || shares.size < 3) throw new Error(`no key: ${JSON.stringify(made.honest[0]?.outcome)}`)
  const earlier = { keygen: made.seen.messages, sign: [] }
  const key = { keyId: made.sessionId, keyType, publicKey, shares, earlier }
  const signing = { ...arena, keys: new Map([[keyNameOf(lie), key]]) }
  const signed = await runSession(signing, { ...honest, session: 'sign', parties: ['alice', 'bob'] })
  return { ...key, earlier: { ...earlier, sign: signed.seen.messages } }
}

type Stores = Readonly<{ folders: ReadonlyMap<string, string>; spent: readonly Approval[] }>

/** Runs one session in which the lie is told, to its end. */
export async function runSession(arena: Arena, lie: Lie): Promise<Told> {
  return tellIn(arena, lie, lie.after === undefined ? noStores : await storesWithSignature(arena, lie))
}

const noStores: Stores = { folders: new Map(), spent: [] }

async function storesWithSignature(arena: Arena, { keyType, policy, parties, step, name }: Lie): Promise<Stores> {
  const folders = new Map(await Promise.all(parties.map(async (partyId) => [partyId, await temporaryFolder()] as const)))
  const honest = { keyType, parties, step, name, session: 'sign', end: 'harmless', tell: () => {}, ...(policy && { policy }) } as const
  const { honest: signers, approvals } = await tellIn(arena, honest, { folders, spent: [] })
  const failed = signers.find(({ outcome }) => outcome === 'still running' || outcome.kind === 'failed')
  if (failed !== undefined) throw new Error(`no signature: ${JSON.stringify(failed.outcome)}`)
  return { folders, spent: approvals }
}

async function tellIn(arena: Arena, lie: Lie, { folders, spent }: Stores): Promise<Told> {
  const { services, lying } = arena
  const key = lie.session === 'sign' ? (arena.keys.get(keyNameOf(lie)) ?? null) : null
  if (lie.session === 'sign' && key === null) throw new Error(`no key: ${keyNameOf(lie)}`)
  const approvals = lie.policy === undefined || key === null ? [] : [await approval(key, lie.parties)]
  const { sessionId, joinTokens } = await services.caller.createSession({
    ...(key === null ? { sessionType: 'keygen', thresholdT: 2, thresholdN: lie.parties.length } : aboutOf(key)),
    keyType: key === null ? lie.keyType : '',
    ...(lie.policy !== undefined && key === null && { policy: policyMessage(lie.policy) }),
    approvals: approvals.map(approvalMessage),
    participants: lie.parties.map((partyId) => ({ partyId, deviceType: 'test', deviceId: `device-of-${partyId}` })),
  })
  let lies = 0
  let tellNow: () => void = () => {}
  const clock = hurriedClock(lie, new Promise((resolve) => (tellNow = resolve)))
  const scene: Scene = {
    sessionId,
    joinTokens,
    parties: lie.parties,
    key,
    hooks: lying.hooksOf(sessionId),
    lied: () => {
      lies += 1
      tellNow()
    },
    earlier: arena.keys.get(keyNameOf(lie))?.earlier[lie.session] ?? [],
    spent,
    url: lying.url,
  }
  const seen = nothingSeen()
  const connections: ServiceConnection[] = []
  const connected = (url: string) => {
    const connection = connectService(url)
    connections.push(connection)
    return connection.transport
  }
  try {
    const honest = lie.parties.filter((partyId) => lie.liar === undefined || partyId !== mallory)
    const liarEnds = new AbortController()
    await lie.tell(scene)
    const liar = lie.liar?.(scene) ?? {}
    const { coordinatorUrl, routerUrl } = lying.inPlaceOf(services, sessionId)
    const [coordinator, router] = [connected(coordinatorUrl), connected(routerUrl)]
    const running = lie.parties.map(async (partyId) => {
      const isLiar = !honest.includes(partyId)
      const changes = isLiar ? liar : {}
      const { log, text } = recordingLog()
      const recorded = (calls: typeof router) => recordedCalls(calls, partyId, seen)
      const transport = createConnectTransport(recorded(coordinator), recorded(router))
      const limits = { ...defaultPartyLimits, roundTimeoutMs, ...lie.limits }
      const { transportChanges = (same: typeof transport) => same, corrupt, ...parts } = changes
      const host = corrupt === undefined ? arena.host : corruptHost(arena.host, corrupt)
      const folder = folders.get(partyId) ?? (await temporaryFolder())
      const party = await testParty(partyId, transportChanges(transport), { host, log, limits, clock, folder, ...parts })
      const share = key?.shares.get(partyId)
      if (share !== undefined && !(await party.store.shares.has(share.key.keyId))) {
        if (share.key.policy !== null) await party.store.approvals.create(share.key.keyId)
        await party.store.shares.put(share)
      }
      const approve = lie.approve?.(partyId) ?? approvalOf(lie, key)
      const order = { joinToken: joinTokens[partyId] ?? '', partyId, approve }
      const signal = isLiar ? liarEnds.signal : undefined
      const run = party.party.run({ ...order, ...(signal && { signal }) })
      const outcome = await Promise.race([run, sleep(isLiar ? 2 * patienceMs : patienceMs, 'still running' as const)])
      const stored = await party.store.shares.get(key?.keyId ?? sessionId)
      return { partyId, isLiar, outcome, party, stored, log: text() }
    })
    const ofHonest = await Promise.all(running.filter((_, i) => honest.includes(lie.parties[i] ?? '')))
    liarEnds.abort()
    await Promise.allSettled(running)
    return { lies, key, sessionId, honest: ofHonest, seen, approvals }
  } finally {
    for (const connection of connections) connection.close()
    lying.forget(sessionId)
  }
}

function aboutOf({ keyId, keyType }: MadeKey) {
  const about = keyType === 'eddsa-ed25519' ? { message } : { messageHash: bytesToHex(messageHash) }
  return { sessionType: 'sign', keyId, ...about } as const
}

function approvalOf({ keyType, parties, policy }: Lie, key: MadeKey | null): Approve {
  const governed = policy === undefined ? {} : { policy }
  if (key === null) return approveKeygen({ thresholdT: 2, thresholdN: parties.length, keyType, ...governed })
  const expected = keyType === 'eddsa-ed25519' ? { message } : { messageHash }
  return approveSigning({ ...expected, keyId: key.keyId })
}
