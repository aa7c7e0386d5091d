import { once } from 'node:events'
import { status as grpcStatus, type ClientReadableStream } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grpcClient, type GrpcClient } from './fixtures/grpc-client.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
let coordinator: GrpcClient
let router: GrpcClient

const parties = ['party_0', 'party_1', 'party_2'] as const
const publicKey =
  '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8'

beforeAll(() => {
  const { services } = system().stack
  const [coordinatorFile, routerFile] = [
    'mpc/coordinator/v1/session_coordinator.proto',
    'mpc/router/v1/message_router.proto',
  ]
  coordinator = grpcClient(
    services['session-coordinator'].grpcUrl,
    coordinatorFile,
    'mpc.coordinator.v1.SessionCoordinator',
  )
  router = grpcClient(services['message-router'].grpcUrl, routerFile, 'mpc.router.v1.MessageRouter')
})

afterAll(() => {
  coordinator.close()
  router.close()
})

async function createKeygen() {
  const participants = parties.map((party_id) => ({ party_id }))
  return coordinator.call('CreateSession', { session_type: 'keygen', threshold_n: 3, threshold_t: 2, participants })
}

async function startedSession(): Promise<string> {
  const created = await createKeygen()
  const session_id = String(created['session_id'])
  const tokens = created['join_tokens'] as Record<string, string>
  for (const party_id of parties) {
    await coordinator.call('JoinSession', {
      join_token: tokens[party_id],
      party_id,
      device_type: 'iOS',
      device_id: 'device_001',
    })
  }
  for (const party_id of parties) await coordinator.call('MarkPartyReady', { session_id, party_id })
  await coordinator.call('StartSession', { session_id })
  return session_id
}

async function messages(stream: ClientReadableStream<Record<string, unknown>>, count: number) {
  const received: Record<string, unknown>[] = []
  for await (const message of stream as AsyncIterable<Record<string, unknown>>) {
    if (received.push(message) === count) break
  }
  return received
}

test('parties with a protocol of their own go through a whole session over gRPC alone', async () => {
  const created = await createKeygen()
  const session_id = String(created['session_id'])
  const tokens = created['join_tokens'] as Record<string, string>
  expect(Number(created['expires_at'])).toBeGreaterThan(Date.now() / 1000)
  expect(Object.keys(tokens).sort()).toEqual([...parties])

  const first = await coordinator.call('JoinSession', { join_token: tokens['party_0'], party_id: 'party_0' })
  expect(first).toMatchObject({ session_id, party_index: 0, status: 'joined' })
  expect(first['participants']).toMatchObject([{ status: 'joined' }, { status: 'waiting' }, { status: 'waiting' }])
  for (const party_id of parties.slice(1)) {
    await coordinator.call('JoinSession', { join_token: tokens[party_id], party_id })
  }

  const ready = []
  for (const party_id of parties) ready.push(await coordinator.call('MarkPartyReady', { session_id, party_id }))
  expect(ready).toMatchObject([
    { success: true, all_ready: false, ready_count: 1, total_parties: 3 },
    { success: true, all_ready: false, ready_count: 2, total_parties: 3 },
    { success: true, all_ready: true, ready_count: 3, total_parties: 3 },
  ])
  expect(await coordinator.call('StartSession', { session_id })).toMatchObject({ success: true, status: 'in_progress' })

  const subscription = router.stream('SubscribeMessages', { session_id, party_id: 'party_1' })
  const payload = Buffer.from('a round message of some other protocol')
  await router.call('RouteMessage', { session_id, from_party: 'party_0', round: 1, payload, is_broadcast: true })
  await router.call('RouteMessage', { session_id, from_party: 'party_2', to_parties: ['party_1'], round: 1, payload })
  await router.call('RouteMessage', { session_id, from_party: 'party_2', to_parties: ['party_0'], round: 1, payload })
  expect(await messages(subscription, 2)).toMatchObject([
    { session_id, from_party: 'party_0', to_parties: [], round: 1, payload, is_broadcast: true },
    { session_id, from_party: 'party_2', to_parties: ['party_1'], round: 1, payload, is_broadcast: false },
  ])
  const pending = await router.call('GetPendingMessages', { session_id, party_id: 'party_0' })
  expect(pending['messages']).toMatchObject([{ from_party: 'party_2', round: 1, payload }])

  for (const party_id of parties) {
    const report = await coordinator.call('ReportCompletion', { session_id, party_id, public_key: publicKey })
    expect(report).toMatchObject({ success: true, all_completed: party_id === 'party_2' })
  }
  expect(await coordinator.call('GetSessionStatus', { session_id })).toMatchObject({
    status: 'completed',
    threshold_t: 2,
    threshold_n: 3,
    public_key: publicKey,
    participants: parties.map((party_id, party_index) => ({ party_id, party_index, status: 'completed' })),
  })
})

test('a subscription replays from a position and ends when the session is closed', async () => {
  const session_id = await startedSession()
  const payload = Buffer.from('m')
  const send = (round: number) =>
    router.call('RouteMessage', { session_id, from_party: 'party_0', round, payload, is_broadcast: true })
  const positions = [await send(1), await send(2), await send(3)].map((answer) => answer['sequence'])
  const subscription = router.stream('SubscribeMessages', {
    session_id,
    party_id: 'party_1',
    after_sequence: positions[0],
  })
  const rounds: unknown[] = []
  subscription.on('data', (message: Record<string, unknown>) => rounds.push(message['round']))
  const ended = once(subscription, 'end')
  await coordinator.call('CloseSession', { session_id })
  await ended
  expect(rounds).toEqual([2, 3])
})

test('the same message again is answered with the first position; another one in its place is refused', async () => {
  const session_id = await startedSession()
  const message = { session_id, from_party: 'party_0', to_parties: ['party_1'], round: 1 }
  const first = await router.call('RouteMessage', { ...message, payload: Buffer.from('a') })
  const again = await router.call('RouteMessage', { ...message, payload: Buffer.from('a') })
  expect(again).toMatchObject({ success: true, sequence: first['sequence'], duplicate: true })
  await expect(router.call('RouteMessage', { ...message, payload: Buffer.from('b') })).rejects.toMatchObject({
    code: grpcStatus.FAILED_PRECONDITION,
  })
  const pending = await router.call('GetPendingMessages', { session_id, party_id: 'party_1' })
  expect(pending['messages']).toMatchObject([{ payload: Buffer.from('a') }])
})

test('a refusal carries the field over gRPC', async () => {
  const participants = [{ party_id: 'party_0' }, { party_id: 'not ok!' }]
  const request = { session_type: 'keygen', threshold_n: 2, threshold_t: 2, participants }
  const refusal = await coordinator.call('CreateSession', request).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: grpcStatus.INVALID_ARGUMENT })
  expect(
    String((refusal as { metadata: { get(key: string): Buffer[] } }).metadata.get('grpc-status-details-bin')[0]),
  ).toContain('participants[1].party_id')
})
