/** How sessions end when something outside the protocol goes wrong, and in which order things become durable. */
import { expect, test } from 'vitest'
import { Refusal } from '../../../src/edge/refusal.ts'
import { defaultPartyLimits } from '../../../src/party/limits.ts'
import type { ExecutionHost, HostedRun } from '../../../src/party/execution/execution-host.ts'
import { StorageError } from '../../../src/party/store/records.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { orderOf, partiesOf, runAll, temporaryFolder, testParty } from './fixtures/parties.ts'

const two = ['device', 'server']
const plan: SessionPlan = { sessionType: 'keygen', thresholdT: 2, thresholdN: 2, partyIds: two }

test('a key is reported only when its share is in the store', async () => {
  const services = new MemoryServices(plan)
  const parties = await partiesOf(services, two)
  const storedWhenReported: boolean[] = []
  services.hooks.beforeReport = async (partyId) => {
    const party = parties.find((candidate) => candidate.partyId === partyId)
    storedWhenReported.push((await party?.store.shares.has(services.sessionId)) ?? false)
  }
  await runAll(services, parties)
  expect(storedWhenReported).toEqual([true, true])
})

test('a party that cannot store its share reports a failure, not a key', async () => {
  const services = new MemoryServices(plan)
  const broken = async () => {
    throw new StorageError('disk full')
  }
  const device = await testParty('device', services.transport(), {
    storeChanges: ({ shares }) => ({ shares: { ...shares, put: broken } }),
  })
  const server = await testParty('server', services.transport())
  const [outcome] = await runAll(services, [device, server])
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'storage_failed' })
  expect(services.reports.filter(({ partyId }) => partyId === 'device')).toMatchObject([
    { report: { kind: 'failed', reason: 'storage_failed' } },
  ])
})

test('the journal names a session before it is joined, and not after it has ended', async () => {
  const services = new MemoryServices(plan)
  const parties = await partiesOf(services, two)
  const [device] = parties
  const openWhenJoined: Promise<string[]>[] = []
  services.hooks.beforeJoin = (partyId) => {
    if (partyId !== 'device' || device === undefined) return
    openWhenJoined.push(device.store.journal.unfinished().then((open) => open.map(({ sessionId }) => sessionId)))
  }
  await runAll(services, parties)
  expect(await Promise.all(openWhenJoined)).toEqual([[services.sessionId]])
  expect(await device?.store.journal.unfinished()).toEqual([])
})

test('a party that was restarted in mid-protocol fails the session and does not go on with it', async () => {
  const services = new MemoryServices(plan)
  const folder = await temporaryFolder()
  // The first process ends in the middle: its coordinator connection is gone, so it cannot even say so.
  const crashed = new AbortController()
  const transport = services.transport()
  const before = await testParty(
    'device',
    { ...transport, report: async () => Promise.reject(new Refusal('unavailable', 'gone')) },
    { folder },
  )
  const server = await testParty('server', services.transport())
  services.hooks.deliver = () => crashed.abort()
  const serverRun = server.party.run(orderOf(services, server))
  await before.party.run(orderOf(services, before, { signal: crashed.signal }))
  expect(services.status).toBe('in_progress')

  const after = await testParty('device', services.transport(), { folder })
  expect(await after.party.unfinishedSessions()).toEqual([services.sessionId])
  expect(await after.party.run(orderOf(services, after))).toMatchObject({ kind: 'failed', reason: 'party_restarted' })
  await after.party.recover(new AbortController().signal)
  expect(services.reports).toEqual([
    { partyId: 'device', report: { kind: 'failed', reason: 'party_restarted', culprits: [] } },
  ])
  expect(await serverRun).toMatchObject({ kind: 'failed', reason: 'session_over' })
  expect(await after.store.journal.unfinished()).toEqual([])
})

test('recovery waits for a coordinator that is away, and forgets sessions that it no longer knows', async () => {
  const services = new MemoryServices(plan)
  const folder = await temporaryFolder()
  const transport = services.transport()
  const keys = {
    identityKey: new Uint8Array(32),
    ephemeralKey: new Uint8Array(32),
    nonce: new Uint8Array(32),
    signature: new Uint8Array(64),
  }
  const { store } = await testParty('device', transport, { folder })
  await store.journal.open('session-1', {
    joinToken: 'a dead token',
    partyId: 'device',
    deviceType: '',
    deviceId: '',
    keys,
  })
  let away = true
  const join: typeof transport.join = async (request, signal) => {
    if (away) throw new Refusal('unavailable', 'away')
    return transport.join(request, signal)
  }
  const { party, store: reopened } = await testParty('device', { ...transport, join }, { folder })
  await expect(party.recover(new AbortController().signal)).rejects.toMatchObject({ code: 'unavailable' })
  expect(await reopened.journal.unfinished()).toHaveLength(1)
  away = false
  await party.recover(new AbortController().signal)
  expect(await reopened.journal.unfinished()).toEqual([])
})

test('a round that lacks a message ends in a time-out that bans nobody', async () => {
  const services = new MemoryServices(plan)
  services.hooks.deliver = (to, message, push) => {
    if (!(to === 'device' && message.round === 2)) push(message)
  }
  const limits = { ...defaultPartyLimits, roundTimeoutMs: 150 }
  const parties = await partiesOf(services, two, (partyId) => (partyId === 'device' ? { limits } : {}))
  const [outcome] = await runAll(services, parties)
  expect(outcome).toMatchObject({
    kind: 'failed',
    reason: 'round_timed_out',
    culprits: [],
    detail: 'round 2: still waiting for server',
  })
  expect(services.reports[0]?.report).toEqual({ kind: 'failed', reason: 'round_timed_out', culprits: [] })
})

test('a coordinator that never lets a session expire does not hold a party for ever', async () => {
  const services = new MemoryServices({ ...plan, expiresInMs: -1_000 })
  const limits = { ...defaultPartyLimits, clockSkewMs: 100 }
  const device = await testParty('device', services.transport(), { limits })
  expect(await device.party.run(orderOf(services, device))).toMatchObject({
    kind: 'failed',
    reason: 'session_timed_out',
  })
  expect(device.party.runningSessions()).toBe(0)
})

test('a session that the coordinator ends, ends for the party, with the reason', async () => {
  const services = new MemoryServices(plan)
  const device = await testParty('device', services.transport())
  const running = device.party.run(orderOf(services, device))
  await expect.poll(() => device.events.some(({ type }) => type === 'ready')).toBe(true)
  services.fail('closed')
  expect(await running).toMatchObject({ kind: 'failed', reason: 'session_over', detail: 'the session failed: closed' })
  expect(services.reports).toEqual([])
})

test('whom the coordinator says to be to blame is told, in plain letters, and blamed by nobody', async () => {
  const services = new MemoryServices(plan)
  const device = await testParty('device', services.transport())
  services.hooks.show = (_partyId, session) => ({
    ...session,
    status: 'failed',
    failure: { reason: 'rvole-check-failed', reportedBy: 'server\u001b[2J', culprits: ['server', '\u001b]0;mine\u0007'] },
  })
  expect(await device.party.run(orderOf(services, device))).toEqual({
    kind: 'failed',
    reason: 'session_over',
    culprits: [],
    detail: 'the session failed: rvole-check-failed, reported by server??2J, who blames server, ??0?mine?',
  })
})

test('a party that is told to stop says so to the coordinator', async () => {
  const services = new MemoryServices(plan)
  const device = await testParty('device', services.transport())
  const stop = new AbortController()
  const running = device.party.run(orderOf(services, device, { signal: stop.signal }))
  await expect.poll(() => device.events.some(({ type }) => type === 'ready')).toBe(true)
  stop.abort()
  expect(await running).toMatchObject({ kind: 'failed', reason: 'party_stopped' })
  expect(services.reports[0]?.report).toMatchObject({ kind: 'failed', reason: 'party_stopped' })
})

test('a host that fails ends the session and blames nobody', async () => {
  const host: ExecutionHost = {
    open: async () => ({
      start: async () => Promise.reject(new Error('the worker ran out of memory')),
      receive: async () => Promise.reject(new Error('never')),
      close: () => {},
    }),
    close: async () => {},
  }
  const services = new MemoryServices(plan)
  const parties = await partiesOf(services, two, (partyId) => (partyId === 'device' ? { host } : {}))
  expect((await runAll(services, parties))[0]).toMatchObject({
    kind: 'failed',
    reason: 'execution_failed',
    culprits: [],
  })
})

test('a party takes part in a session once at a time', async () => {
  const services = new MemoryServices(plan)
  const [device, server] = await partiesOf(services, two)
  if (device === undefined || server === undefined) throw new Error('no parties')
  const first = device.party.run(orderOf(services, device))
  expect(await device.party.run(orderOf(services, device))).toMatchObject({ kind: 'failed', reason: 'already_running' })
  expect(await server.party.run(orderOf(services, server))).toMatchObject({ kind: 'key-made' })
  expect(await first).toMatchObject({ kind: 'key-made' })
})

test('a session is started by another party when the one that was ready last does not do it', async () => {
  const services = new MemoryServices(plan)
  const limits = { ...defaultPartyLimits, startPatienceMs: 50 }
  const transport = services.transport()
  const forgetful = {
    ...transport,
    ready: async (...call: Parameters<typeof transport.ready>) => ({
      ...(await transport.ready(...call)),
      allReady: false,
    }),
  }
  const device = await testParty('device', forgetful, { limits })
  const server = await testParty('server', forgetful, { limits })
  expect((await runAll(services, [device, server])).map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
})

test('what is no join token is refused before anyone is asked', async () => {
  const services = new MemoryServices(plan)
  const device = await testParty('device', services.transport())
  services.hooks.beforeJoin = () => {
    throw new Error('asked')
  }
  const outcome = await device.party.run(orderOf(services, device, { joinToken: 'mpc_join_short' }))
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'join_refused' })
})

test('a progress callback that throws does not disturb the session', async () => {
  const services = new MemoryServices(plan)
  const [device, server] = await partiesOf(services, two)
  if (device === undefined || server === undefined) throw new Error('no parties')
  const onProgress = () => {
    throw new Error('the terminal is gone')
  }
  const outcomes = [device.party.run(orderOf(services, device, { onProgress })), server.party.run(orderOf(services, server))]
  expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
})

test('a host that opens a run after its session has ended is told to close it', async () => {
  const services = new MemoryServices(plan)
  let open: (run: HostedRun) => void = () => {}
  let closed = 0
  const host: ExecutionHost = { open: () => new Promise((resolve) => (open = resolve)), close: async () => {} }
  const parties = await partiesOf(services, two, (partyId) => (partyId === 'device' ? { host } : {}))
  const outcomes = runAll(services, parties)
  await expect.poll(() => parties[0]?.events.some(({ type }) => type === 'started')).toBe(true)
  services.fail('closed')
  expect((await outcomes)[0]).toMatchObject({ kind: 'failed', reason: 'session_over' })
  const late = { start: async () => Promise.reject(new Error()), receive: async () => Promise.reject(new Error()) }
  open({ ...late, close: () => (closed += 1) })
  await expect.poll(() => closed).toBe(1)
})
