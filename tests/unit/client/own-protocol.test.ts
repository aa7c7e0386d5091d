import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import type { Message, MpcOptions, Party } from '../../../src/client/node.ts'
import { connectErrorOf } from '../../../src/edge/refusal-error.ts'
import { Refusal } from '../../../src/edge/refusal.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { servicesWith, type Asked } from './services.ts'

const routed = (sequence: number) => ({
  sessionId: 's',
  fromParty: 'alice',
  round: sequence,
  payload: Uint8Array.of(sequence),
  isBroadcast: true,
  timestamp: 1_700_000_000n,
  sequence: BigInt(sequence),
})

async function bobAt(
  router: Partial<ServiceImpl<typeof MessageRouter>>,
  options: Partial<MpcOptions> = {},
): Promise<Readonly<{ bob: Party; asked: readonly Asked[] }>> {
  const { mpc, asked } = servicesWith((routes) => {
    routes.service(SessionCoordinator, {
      joinSession: () => ({ sessionId: 's', partyIndex: 1, status: 'joined', partyCredential: 'mpc_party_b' }),
      markPartyReady: () => ({ success: true, allReady: false, readyCount: 1, totalParties: 2 }),
      startSession: () => ({ success: true, status: 'in_progress' }),
      reportCompletion: ({ publicKey }) => ({ success: true, allCompleted: publicKey !== '' }),
    })
    routes.service(MessageRouter, router)
  }, options)
  return { bob: await mpc.join({ joinToken: 'mpc_join_b', partyId: 'bob' }), asked }
}

async function roundsOf(messages: AsyncIterable<Message>): Promise<number[]> {
  const rounds: number[] = []
  for await (const { round } of messages) rounds.push(round)
  return rounds
}

test("a party's calls carry its credential, in place of the API key that its join carried", async () => {
  const { bob, asked } = await bobAt({ routeMessage: () => ({ sequence: 9n }) }, { apiKey: 'mpc_key_x' })
  expect(bob).toMatchObject({ sessionId: 's', partyId: 'bob', partyIndex: 1 })
  expect(await bob.ready()).toEqual({ allReady: false, readyCount: 1, totalParties: 2 })
  expect(await bob.start()).toBe('in_progress')
  expect(await bob.route({ round: 1, payload: Uint8Array.of(1) })).toEqual({ sequence: 9, duplicate: false })
  expect(await bob.complete({ publicKey: '02' })).toEqual({ allCompleted: true })
  const [join, ...others] = asked.map(({ headers }) => headers.get('authorization'))
  expect(join).toBe('Bearer mpc_key_x')
  expect(others).toEqual(Array(4).fill('Bearer mpc_party_b'))
})

describe('messages', () => {
  test('go on after the last position when the stream breaks, without a gap or a repetition', async () => {
    const positions: bigint[] = []
    const { bob } = await bobAt({
      async *subscribeMessages({ afterSequence }) {
        positions.push(afterSequence)
        if (positions.length === 1) {
          yield routed(4)
          yield routed(5)
          throw new ConnectError('lost', Code.Unavailable)
        }
        yield routed(5) // a router that repeats itself
        yield routed(8)
      },
    })
    expect(await roundsOf(bob.messages({ afterSequence: 3 }))).toEqual([4, 5, 8])
    expect(positions).toEqual([3n, 5n])
  })

  test('come with sender, position and time', async () => {
    const { bob } = await bobAt({
      async *subscribeMessages() {
        yield routed(4)
      },
    })
    const received: Message[] = []
    for await (const message of bob.messages()) received.push(message)
    const common = { from: 'alice', to: [], isBroadcast: true, sentAtMs: 1_700_000_000_000 }
    expect(received).toEqual([{ ...common, round: 4, sequence: 4, payload: Uint8Array.of(4) }])
  })

  test('end with an MpcError when they are refused', async () => {
    const { bob } = await bobAt({
      async *subscribeMessages() {
        throw connectErrorOf(new Refusal('unauthorized', 'the credential is not valid'))
      },
    })
    await expect(roundsOf(bob.messages())).rejects.toMatchObject({ name: 'MpcError', code: 'unauthorized' })
  })

  /** One message, then silence. */
  async function* endless() {
    yield routed(1)
    await new Promise(() => {})
  }

  test('that nobody reads any more end the request', async () => {
    const { bob, asked } = await bobAt({ subscribeMessages: endless })
    for await (const message of bob.messages()) {
      expect(message.round).toBe(1)
      break
    }
    expect(asked.at(-1)?.signal.aborted).toBe(true)
  })

  test('end with the reason of their signal', async () => {
    const { bob } = await bobAt({ subscribeMessages: endless })
    const stop = new AbortController()
    const reason = new Error('enough')
    const reading = async () => {
      for await (const message of bob.messages({ signal: stop.signal })) {
        expect(message.round).toBe(1)
        stop.abort(reason)
      }
    }
    await expect(reading()).rejects.toBe(reason)
  })
})

test('what is stored is read page by page', async () => {
  const { bob } = await bobAt({
    getPendingMessages: ({ afterSequence, limit }) => ({
      messages: [routed(Number(afterSequence) + 1)],
      hasMore: limit === 1,
    }),
  })
  const page = await bob.pending({ afterSequence: 6, limit: 1 })
  expect(page).toMatchObject({ messages: [{ sequence: 7 }], hasMore: true })
})
