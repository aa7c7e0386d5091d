import { expect, test } from 'vitest'
import { decodeKeyShare, encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { peerState } from '../../../src/crypto/key-share.ts'
import type { Abort } from '../../../src/crypto/protocol.ts'
import type { ExecutionHost } from '../../../src/party/execution/execution-host.ts'
import { StorageError } from '../../../src/party/store/records.ts'
import { makeKey } from '../crypto/fixtures.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { giveToyKey, kek, orderOf, runAll, temporaryFolder, testParty, type PartyChanges } from './fixtures/parties.ts'
import { toyHost } from './fixtures/toy-protocol.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'

const partyIds = ['device', 'server']
const messageHash = new Uint8Array(32).fill(5)
const keyId = 'key-1'
const plan: SessionPlan = { sessionType: 'sign', thresholdT: 2, thresholdN: 2, partyIds, messageHash, keyId }
const cheating: Abort = { kind: 'abort', reason: 'rvole-check-failed', culprits: [1], severity: 'ban' }
const nobodysFault: Abort = { kind: 'abort', reason: 'signature-invalid', culprits: [], severity: 'retry' }
const [deviceShare] = makeKey(2, 2)
if (deviceShare === undefined) throw new Error('no share')
const encodedShare = encodeKeyShare(deviceShare)

/** A signing session of device and server, in which `device` can be changed. */
async function signing(changes: PartyChanges = {}) {
  const services = new MemoryServices(plan)
  const device = await testParty('device', services.transport(), changes)
  const server = await testParty('server', services.transport())
  if (!(await device.store.shares.has(keyId))) await giveToyKey(device, partyIds, keyId, {}, encodedShare)
  await giveToyKey(server, partyIds, keyId)
  return { services, device, server }
}

test('a peer that fails a check is banned and its OT state erased on disk before anyone is told', async () => {
  const folder = await temporaryFolder()
  const host = toyHost({ abortAt: { round: 2, abort: cheating } })
  const { services, device, server } = await signing({ folder, host })
  let onDiskWhenTold: unknown
  services.hooks.beforeReport = async (partyId, report) => {
    if (partyId !== 'device' || report.kind !== 'failed') return
    const { shares, guard } = await openPartyStore(folder, kek, 'device-of-device')
    const stored = await shares.get(keyId)
    const ot = stored === null ? 'no share' : peerState(decodeKeyShare(stored.share), 1).ot
    onDiskWhenTold = { bans: guard.bans(), ot, erasedPeers: stored?.key.erasedPeers }
  }
  const [outcome] = await runAll(services, [device, server])
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'rvole_check_failed', culprits: ['server'] })
  const ban = {
    keyId,
    partyId: 'server',
    reason: 'rvole_check_failed',
    sessionId: services.sessionId,
    bannedAtMs: expect.any(Number),
  }
  expect(onDiskWhenTold).toEqual({ bans: [ban], ot: null, erasedPeers: [1] })
  expect(services.reports[0]?.report).toEqual({ kind: 'failed', reason: 'rvole_check_failed', culprits: ['server'] })

  const next = await signing({ folder })
  expect((await runAll(next.services, [next.device, next.server]))[0]).toMatchObject({
    kind: 'failed',
    reason: 'peer_banned',
  })
  expect(next.services.routed).toEqual([])
})

test('erased OT state alone keeps a peer out, should the record of the ban be lost', async () => {
  const { services, device, server } = await signing()
  await giveToyKey(device, partyIds, keyId, { erasedPeers: [1] }, encodedShare)
  expect((await runAll(services, [device, server]))[0]).toMatchObject({ kind: 'failed', reason: 'peer_banned' })
})

test('nothing is reported while a ban cannot be stored, and the peer stays banned', async () => {
  const host = toyHost({ abortAt: { round: 2, abort: cheating } })
  const { services, device, server } = await signing({
    host,
    storeChanges: (store) => {
      store.shares.put = async () => {
        throw new StorageError('disk full')
      }
      return {}
    },
    folder: await folderWithKey(),
  })
  const stop = new AbortController()
  const serverRun = server.party.run(orderOf(services, server, { signal: stop.signal }))
  expect(await device.party.run(orderOf(services, device))).toMatchObject({ kind: 'failed', reason: 'storage_failed' })
  expect(services.reports).toEqual([])
  expect(device.store.guard.isBanned(keyId, 'server')).toBe(true)
  stop.abort()
  expect(await serverRun).toMatchObject({ kind: 'failed', reason: 'party_stopped' })
})

test('a check that fails while somebody ends the session bans all the same', async () => {
  const cheated = toyHost({ abortAt: { round: 2, abort: cheating } })
  let services: MemoryServices | undefined
  const host: ExecutionHost = {
    ...cheated,
    open: async (task) => {
      const run = await cheated.open(task)
      return {
        ...run,
        receive: async (round, inbound) => {
          if (round === 2) services?.fail('cancelled')
          // Until the party has heard of it, and longer.
          await new Promise((resolve) => setTimeout(resolve, 50))
          return run.receive(round, inbound)
        },
      }
    },
  }
  const folder = await folderWithKey()
  const set = await signing({ folder, host })
  services = set.services
  const [outcome] = await runAll(services, [set.device, set.server])
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'rvole_check_failed', culprits: ['server'] })
  const { guard } = await openPartyStore(folder, kek, 'device-of-device')
  expect(guard.isBanned(keyId, 'server')).toBe(true)
})

test('a ban ends the other running sessions of that key with that peer, and only those', async () => {
  const folder = await folderWithKey()
  const store = await openPartyStore(folder, kek, 'device-of-device')
  const sessions = [new MemoryServices(plan), new MemoryServices(plan), new MemoryServices({ ...plan, keyId: 'key-2' })]
  const [cheated, sameKey, otherKey] = sessions
  if (cheated === undefined || sameKey === undefined || otherKey === undefined) throw new Error('no session')
  // One device in all three, over a transport that goes to the service of each.
  const inSession = <T>(sessionId: string, use: (transport: ReturnType<MemoryServices['transport']>) => T): T => {
    const services = sessions.find((candidate) => candidate.sessionId === sessionId)
    if (services === undefined) throw new Error('unknown session')
    return use(services.transport())
  }
  const tokens = new Map(sessions.map((services) => [services.tokenOf('device'), services.sessionId]))
  const device = await testParty(
    'device',
    {
      join: (request, signal) => inSession(tokens.get(request.joinToken) ?? '', (to) => to.join(request, signal)),
      ready: (member, signal) => inSession(member.sessionId, (to) => to.ready(member, signal)),
      start: (member, signal) => inSession(member.sessionId, (to) => to.start(member, signal)),
      watchSession: (member, signal) => inSession(member.sessionId, (to) => to.watchSession(member, signal)),
      route: (member, message, signal) => inSession(member.sessionId, (to) => to.route(member, message, signal)),
      subscribe: (member, signal) => inSession(member.sessionId, (to) => to.subscribe(member, signal)),
      report: (member, report, signal) => inSession(member.sessionId, (to) => to.report(member, report, signal)),
    },
    { storeChanges: () => store, host: toyHost({ abortAt: { round: 2, abort: cheating } }) },
  )
  await giveToyKey({ ...device, store }, partyIds, 'key-2')
  // In these two the server never joins: the device waits.
  const waiting = [sameKey, otherKey].map((services) => {
    const stop = new AbortController()
    return { stop, outcome: device.party.run(orderOf(services, device, { signal: stop.signal })) }
  })
  await expect.poll(() => device.events.filter(({ type }) => type === 'ready')).toHaveLength(2)
  const server = await testParty('server', cheated.transport())
  await giveToyKey(server, partyIds, keyId)
  await runAll(cheated, [device, server])
  expect(await waiting[0]?.outcome).toMatchObject({ kind: 'failed', reason: 'peer_banned', culprits: ['server'] })
  expect(device.party.isRunning(otherKey.sessionId)).toBe(true)
  waiting[1]?.stop.abort()
  expect(await waiting[1]?.outcome).toMatchObject({ reason: 'party_stopped' })
})

test('aborts that nobody can be blamed for are counted across restarts, and freeze the key', async () => {
  const folder = await temporaryFolder()
  const run = async (abort?: Abort) => {
    const { services, device, server } = await signing(
      abort === undefined ? { folder } : { folder, host: toyHost({ abortAt: { round: 3, abort } }) },
    )
    return (await runAll(services, [device, server]))[0]
  }
  for (let time = 0; time < 2; time++) expect(await run(nobodysFault)).toMatchObject({ reason: 'signature_invalid' })
  expect(await run()).toMatchObject({ kind: 'signed' })
  expect(await run(nobodysFault)).toMatchObject({ reason: 'signature_invalid' })
  expect(await run()).toMatchObject({ kind: 'failed', reason: 'key_frozen' })
})

test("an abort that is nobody's crime neither bans nor counts", async () => {
  const folder = await temporaryFolder()
  const host = toyHost({
    abortAt: { round: 2, abort: { kind: 'abort', reason: 'view-mismatch', culprits: [], severity: 'retry' } },
  })
  for (let time = 0; time < 4; time++) {
    const { services, device, server } = await signing({ folder, host })
    expect((await runAll(services, [device, server]))[0]).toMatchObject({ reason: 'view_mismatch' })
    expect(device.store.guard.bans()).toEqual([])
  }
})

test('a signature that does not verify under the stored key is not reported', async () => {
  const { services, device, server } = await signing({ host: toyHost({ signature: 'invalid' }) })
  expect((await runAll(services, [device, server]))[0]).toMatchObject({ kind: 'failed', reason: 'signature_invalid' })
  expect(services.reports.filter(({ partyId }) => partyId === 'device')).toMatchObject([{ report: { kind: 'failed' } }])
})

async function folderWithKey(): Promise<string> {
  const folder = await temporaryFolder()
  const store = await openPartyStore(folder, kek, 'device-of-device')
  await giveToyKey({ partyId: 'device', store }, partyIds, keyId, {}, encodedShare)
  return folder
}
