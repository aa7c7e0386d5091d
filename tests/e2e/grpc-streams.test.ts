/** Streams whose clients leave, in every way in which a client can leave: nothing of them stays behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { status, type CallOptions } from '@grpc/grpc-js'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { contracts } from './fixtures/contracts.ts'
import { openStarted } from './fixtures/documented.ts'
import { grpcClient, type GrpcClient } from './fixtures/grpc-client.ts'
import { metric } from './fixtures/metrics.ts'
import { useSystem } from './fixtures/system.ts'
import { openRelay } from './fixtures/tcp-relay.ts'

const system = useSystem()
const routerUrls = () => system().stack.services['message-router']
const subscriberFile = fileURLToPath(new URL('fixtures/subscriber.ts', import.meta.url))
/** One subscription each. */
const parties = Array.from({ length: 12 }, (_, i) => `p${i}`)
/** Nothing here takes long; a machine that is busy with other things may. */
const patience = { timeout: 30_000, interval: 25 }

let nats: NatsConnection
let jetstream: JetStreamManager
let consumersBefore: number
let session_id: string
beforeAll(async () => {
  const { natsUrl, services } = system().stack
  nats = await connect({ servers: natsUrl })
  jetstream = await jetstreamManager(nats)
  const sessions = `${services['session-coordinator'].httpUrl}/api/v1/sessions`
  session_id = (await openStarted(sessions, parties)).session_id
  consumersBefore = await consumers()
})
afterAll(() => nats.close())

async function consumers(): Promise<number> {
  const streams = await Promise.all(['SESSIONS', 'MESSAGES'].map((name) => jetstream.streams.info(name)))
  return streams.reduce((sum, { state }) => sum + state.consumer_count, 0)
}

const openSubscriptions = () => metric(routerUrls().httpUrl, 'mpc_router_subscriptions')
const endedStreams = (httpUrl: string, method: string) => metric(httpUrl, 'mpc_calls_total', { method })
const until = (value: () => Promise<number>, wanted: number) =>
  vi.waitFor(async () => expect(await value()).toBe(wanted), patience)

const routerAt = (url: string) =>
  grpcClient(url, 'mpc/router/v1/message_router.proto', 'mpc.router.v1.MessageRouter')

function subscribeAll(client: GrpcClient, options: CallOptions = {}) {
  return parties.map((party_id) => {
    const stream = client.stream('SubscribeMessages', { session_id, party_id }, undefined, options)
    return stream.on('data', () => undefined).on('error', () => undefined)
  })
}

/** Subscribes through the HTTP port; the body is one enveloped message in both protocols. */
async function subscribeOver(contentType: string, party_id: string, signal: AbortSignal): Promise<unknown> {
  const message = Buffer.from(JSON.stringify({ session_id, party_id }))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  const url = `${routerUrls().httpUrl}/mpc.router.v1.MessageRouter/SubscribeMessages`
  const headers = { 'content-type': contentType }
  const body = Buffer.concat([head, message])
  return fetch(url, { method: 'POST', headers, body, signal }).catch((error: Error) => error.name)
}

/** Each subscribes as every party; the result makes the client leave. */
const ways: readonly (readonly [string, () => Promise<() => unknown>])[] = [
  [
    'cancels its calls',
    async () => {
      const client = routerAt(routerUrls().grpcUrl)
      const streams = subscribeAll(client)
      return () => streams.forEach((stream) => stream.cancel())
    },
  ],
  [
    'loses its connection',
    async () => {
      const relay = await openRelay(routerUrls().grpcUrl)
      const client = routerAt(relay.url)
      subscribeAll(client)
      return () => {
        relay.close()
        client.close()
      }
    },
  ],
  [
    'is killed',
    async () => {
      const args = [subscriberFile, routerUrls().grpcUrl, session_id, ...parties]
      const child = spawn(process.execPath, args, { stdio: 'inherit' })
      return async () => {
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      }
    },
  ],
  ...['application/connect+json', 'application/grpc-web+json'].map((contentType) => {
    const way = async () => {
      const leave = new AbortController()
      const calls = parties.map((party) => subscribeOver(contentType, party, leave.signal))
      return async () => {
        leave.abort()
        await Promise.all(calls)
      }
    }
    return [`leaves over ${contentType}`, way] as const
  }),
]

describe('of a client with subscriptions nothing stays in the router or in NATS', () => {
  const ended = () => endedStreams(routerUrls().httpUrl, 'MessageRouter/SubscribeMessages')
  let endedBefore: number
  beforeEach(async () => void (endedBefore = await ended()))

  test.each(ways)('that %s', async (_, come) => {
    const leave = await come()
    await until(openSubscriptions, parties.length)
    expect(await consumers(), 'a subscription has no consumer of its own').toBe(consumersBefore)
    await leave()
    await until(openSubscriptions, 0)
    await until(ended, endedBefore + parties.length)
    await until(consumers, consumersBefore)
  })

  test('whose deadline passes', async () => {
    const client = routerAt(routerUrls().grpcUrl)
    const streams = subscribeAll(client, { deadline: Date.now() + 300 })
    const ends = streams.map((stream) => new Promise((resolve) => stream.on('status', ({ code }) => resolve(code))))
    expect(new Set(await Promise.all(ends))).toEqual(new Set([status.DEADLINE_EXCEEDED]))
    await until(openSubscriptions, 0)
    await until(consumers, consumersBefore)
    client.close()
  })
})

test('other streams end with their clients too, at every port', async () => {
  for (const { at } of contracts) {
    const { grpcUrl, httpUrl } = system().stack.services[at]
    const watches = [[['grpc/health/v1/health.proto', 'grpc.health.v1.Health'], 'Watch', { service: '' }] as const]
    const feed = [
      ['mpc/coordinator/v1/session_feed.proto', 'mpc.coordinator.v1.SessionFeed'],
      'WatchSession',
      { session_id },
    ] as const
    for (const [[file, service], method, request] of at === 'session-coordinator' ? [...watches, feed] : watches) {
      const name = `${service.split('.').at(-1)}/${method}`
      const before = await endedStreams(httpUrl, name)
      const client = grpcClient(grpcUrl, file, service)
      const streams = Array.from({ length: 5 }, () => client.stream(method, request).on('error', () => undefined))
      await Promise.all(streams.map((stream) => once(stream, 'data')))
      for (const stream of streams) stream.cancel()
      await until(() => endedStreams(httpUrl, name), before + streams.length)
      client.close()
    }
  }
})
