import { Code, ConnectError, createRouterTransport, type ServiceImpl } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { connectErrorOf } from '../../../src/edge/refusal-error.ts'
import { Refusal } from '../../../src/edge/refusal.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import type { Clock } from '../../../src/party/clock.ts'
import { createConnectTransport } from '../../../src/party/transport/connect-transport.ts'

const member = { sessionId: 'session-1', partyId: 'device', credential: 'mpc_party_x' }
const never = new AbortController().signal
const message = (sequence: number) => ({
  fromParty: 'server',
  round: 1,
  payload: Uint8Array.of(sequence),
  sequence: BigInt(sequence),
})

/** Time passes only by sleeping, and where a test says so. */
function sleeplessClock() {
  const delays: number[] = []
  let nowMs = 0
  const pass = (durationMs: number) => {
    nowMs += durationMs
  }
  const clock: Clock = {
    nowMs: () => nowMs,
    sleep: async (delayMs, signal) => {
      signal.throwIfAborted()
      delays.push(delayMs)
      pass(delayMs)
    },
  }
  return { clock, delays, pass }
}

type Services = Readonly<{
  coordinator?: Partial<ServiceImpl<typeof SessionCoordinator>>
  feed?: Partial<ServiceImpl<typeof SessionFeed>>
  router?: Partial<ServiceImpl<typeof MessageRouter>>
}>

function transportTo({ coordinator = {}, feed = {}, router = {} }: Services) {
  const { clock, delays, pass } = sleeplessClock()
  const services = createRouterTransport((routes) => {
    routes.service(SessionCoordinator, coordinator)
    routes.service(SessionFeed, feed)
    routes.service(MessageRouter, router)
  })
  return { transport: createConnectTransport(services, services, { clock }), delays, pass }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('a unary call', () => {
  test.each([Code.Unavailable, Code.Aborted, Code.Internal, Code.Canceled])(
    'is repeated after code %s, with growing pauses',
    async (code) => {
      let calls = 0
      const { transport, delays } = transportTo({
        coordinator: {
          markPartyReady: () => {
            if (++calls < 5) throw new ConnectError('lost', code)
            return { allReady: true }
          },
        },
      })
      expect(await transport.ready(member, never)).toMatchObject({ allReady: true })
      expect(calls).toBe(5)
      expect(delays).toHaveLength(4)
      delays.forEach((delay, i) => expect(delay).toBeLessThanOrEqual(50 * 2 ** i))
    },
  )

  test('is not repeated when the service refused it', async () => {
    let calls = 0
    const { transport } = transportTo({
      coordinator: {
        joinSession: () => {
          calls += 1
          throw connectErrorOf(new Refusal('unauthorized', 'the join token is not valid'))
        },
      },
    })
    const keys = {
      identityKey: new Uint8Array(32),
      ephemeralKey: new Uint8Array(32),
      nonce: new Uint8Array(32),
      signature: new Uint8Array(64),
    }
    const request = { joinToken: 'x', partyId: 'device', deviceType: '', deviceId: '', keys }
    await expect(transport.join(request, never)).rejects.toMatchObject({ code: 'unauthorized' })
    expect(calls).toBe(1)
  })

  const passing = ['unavailable', 'rate_limited'] as const
  test.each(passing)('is repeated when it was %s, after the wait that was asked for', async (code) => {
    let calls = 0
    const { transport, delays } = transportTo({
      coordinator: {
        markPartyReady: () => {
          if (++calls === 1) throw connectErrorOf(new Refusal(code, 'later', {}, 9))
          return { allReady: true }
        },
      },
    })
    expect(await transport.ready(member, never)).toMatchObject({ allReady: true })
    expect(delays).toEqual([9_000])
  })

  test('is not repeated when the service asks for a longer wait than there is patience for', async () => {
    const { transport, delays } = transportTo({
      coordinator: {
        markPartyReady: () => {
          throw connectErrorOf(new Refusal('rate_limited', 'later', {}, 3_600))
        },
      },
    })
    await expect(transport.ready(member, never)).rejects.toMatchObject({ code: 'rate_limited' })
    expect(delays).toEqual([])
  })

  test('ends with a refusal when the service stays away', async () => {
    const { transport, delays } = transportTo({
      router: {
        routeMessage: () => {
          throw new ConnectError('lost', Code.Unavailable)
        },
      },
    })
    const sending = transport.route(member, { round: 1, to: null, payload: Uint8Array.of(1) }, never)
    await expect(sending).rejects.toMatchObject({ code: 'unavailable' })
    expect(delays.reduce((sum, delay) => sum + delay)).toBeGreaterThan(50_000)
    expect(Math.max(...delays)).toBeLessThanOrEqual(2_000)
  })

  test('ends at once with the reason of its signal', async () => {
    const stop = new AbortController()
    const { transport } = transportTo({
      coordinator: {
        startSession: () => {
          stop.abort(new Error('stopped'))
          throw new ConnectError('lost', Code.Unavailable)
        },
      },
    })
    await expect(transport.start(member, stop.signal)).rejects.toThrow('stopped')
  })

  test('carries the credential of the party, and a broadcast names no recipient', async () => {
    const seen: unknown[] = []
    const { transport } = transportTo({
      router: {
        routeMessage: ({ fromParty, toParties, isBroadcast }, context) => {
          seen.push({ fromParty, toParties, isBroadcast, authorization: context.requestHeader.get('authorization') })
          return {}
        },
      },
    })
    await transport.route(member, { round: 1, to: null, payload: Uint8Array.of(1) }, never)
    await transport.route(member, { round: 1, to: 'server', payload: Uint8Array.of(1) }, never)
    const authorization = 'Bearer mpc_party_x'
    expect(seen).toEqual([
      { fromParty: 'device', toParties: [], isBroadcast: true, authorization },
      { fromParty: 'device', toParties: ['server'], isBroadcast: false, authorization },
    ])
  })
})

test('a subscription that breaks goes on after the last message it has seen, and ends with the session', async () => {
  const asked: bigint[] = []
  const { transport } = transportTo({
    router: {
      async *subscribeMessages({ afterSequence }) {
        asked.push(afterSequence)
        if (asked.length === 1) {
          yield message(3)
          yield message(7)
          throw new ConnectError('lost', Code.Unavailable)
        }
        if (asked.length === 2) throw new ConnectError('still lost', Code.Unavailable)
        yield message(7)
        yield message(9)
      },
    },
  })
  const received = await collect(transport.subscribe(member, never))
  expect(asked).toEqual([0n, 7n, 7n])
  expect(received.map(({ payload }) => payload[0])).toEqual([3, 7, 9])
})

test('a watch is reopened until the session is over', async () => {
  let opened = 0
  const status = (text: string) => ({ session: { sessionId: 'session-1', status: text } })
  const { transport } = transportTo({
    feed: {
      async *watchSession() {
        opened += 1
        yield status(opened === 1 ? 'waiting' : 'in_progress')
        if (opened === 2) throw new ConnectError('lost', Code.Unavailable)
        if (opened === 3) yield status('completed')
      },
    },
  })
  const statuses = (await collect(transport.watchSession(member, never))).map((snapshot) => snapshot.status)
  expect(statuses).toEqual(['waiting', 'in_progress', 'in_progress', 'completed'])
})

describe('a stream that ends again and again', () => {
  const lost = new ConnectError('lost', Code.Unavailable)
  /** More than anybody patient would: no failure that is worth trying again. */
  const tooOften = new ConnectError('reopened too often', Code.PermissionDenied)

  test('after a minute without a message each time, as behind a proxy, is reopened for as long as it takes', async () => {
    let opened = 0
    const { transport, pass, delays } = transportTo({
      router: {
        async *subscribeMessages() {
          opened += 1
          if (opened < 10) {
            pass(60_000)
            throw lost
          }
          yield message(1)
        },
      },
    })
    expect(await collect(transport.subscribe(member, never))).toHaveLength(1)
    expect(Math.max(...delays)).toBeLessThanOrEqual(50)
  })

  test('right after the state of the session, is reopened more and more seldom, and given up', async () => {
    const { transport, delays } = transportTo({
      feed: {
        async *watchSession() {
          if (delays.length > 200) throw tooOften
          yield { session: { sessionId: 'session-1', status: 'in_progress' } }
        },
      },
    })
    await expect(collect(transport.watchSession(member, never))).rejects.toMatchObject({ code: 'unavailable' })
    expect(delays.reduce((sum, delay) => sum + delay)).toBeGreaterThan(50_000)
  })

  test('right after messages that were seen before, likewise', async () => {
    const { transport, delays } = transportTo({
      router: {
        async *subscribeMessages() {
          if (delays.length > 200) throw tooOften
          yield message(1)
          throw lost
        },
      },
    })
    await expect(collect(transport.subscribe(member, never))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('after changes each time, is reopened at once and never given up', async () => {
    let opened = 0
    const status = (text: string) => ({ session: { sessionId: 'session-1', status: text } })
    const { transport, delays } = transportTo({
      feed: {
        async *watchSession() {
          opened += 1
          yield status('waiting')
          yield status(opened < 1_000 ? 'in_progress' : 'completed')
        },
      },
    })
    expect(await collect(transport.watchSession(member, never))).toHaveLength(2_000)
    expect(Math.max(...delays)).toBeLessThanOrEqual(50)
  })
})
