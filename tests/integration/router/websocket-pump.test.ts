import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws'
import { createLogger } from '../../../src/edge/log.ts'
import { defaultRouterLimits, type RouterLimits } from '../../../src/router/limits.ts'
import type { DropReason } from '../../../src/router/metrics.ts'
import type { Delivered, Subscription } from '../../../src/router/subscription.ts'
import { pump, type PumpParts } from '../../../src/router/websocket-pump.ts'

let server: WebSocketServer

beforeEach(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
})

afterEach(() => {
  server.clients.forEach((socket) => socket.terminate())
  server.close()
})

async function connected(options: ClientOptions): Promise<readonly [client: WebSocket, accepted: WebSocket]> {
  const accepted = new Promise<WebSocket>((resolve) => server.once('connection', resolve))
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options)
  await once(client, 'open')
  return [client, await accepted]
}

/** The pump's parts, and what it dropped. */
function withLimits(changed: Partial<RouterLimits>): PumpParts & { drops: DropReason[] } {
  const drops: DropReason[] = []
  return {
    limits: { ...defaultRouterLimits, ...changed },
    log: createLogger('test', 'silent'),
    dropped: (reason) => drops.push(reason),
    drops,
  }
}

/** Yields `count` messages of 100 kB, counting how many were pulled, and then what `end` does. */
function source(count: number, end: () => Promise<void>) {
  const state = { pulled: 0, closed: false }
  const subscription: Subscription = {
    messages: async function* (): AsyncGenerator<Delivered, void> {
      for (let sequence = 1; sequence <= count; sequence += 1) {
        state.pulled = sequence
        yield {
          entry: { sequence, from: 'a', to: [], round: 1, timeMs: 0, length: 100_000, payload: null },
          payload: new Uint8Array(100_000),
        }
      }
      await end()
    },
    outcome: () => 'completed',
    close: () => (state.closed = true),
  }
  return { state, subscription }
}

function never(): Promise<void> {
  return new Promise(() => undefined)
}

/** As a real subscription, which ends with its connection. */
function untilClosed(socket: WebSocket): () => Promise<void> {
  return async () => void (await once(socket, 'close'))
}

function repeat(times: number, what: () => void): void {
  for (let time = 0; time < times; time += 1) what()
}

describe('a WebSocket', () => {
  test('whose peer does not read is sent what its buffer holds, and everything once it reads again', async () => {
    const [client, accepted] = await connected({})
    let received = 0
    client.on('message', () => (received += 1))
    client.pause()
    const { state, subscription } = source(400, async () => undefined)
    const done = pump(accepted, subscription, 's', withLimits({ socketBufferBytes: 500_000 }))
    let pulled = -1
    while (pulled !== state.pulled) {
      pulled = state.pulled
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(state.pulled).toBeLessThan(400)
    expect(accepted.bufferedAmount).toBeLessThan(1_000_000)
    client.resume()
    await Promise.all([done, once(client, 'close')])
    expect(received).toBe(400)
    expect(state.closed).toBe(true)
  })

  test('whose peer does not read in time is dropped, and its subscription freed', async () => {
    const [client, accepted] = await connected({})
    client.pause()
    const { state, subscription } = source(400, async () => undefined)
    const parts = withLimits({ socketBufferBytes: 500_000, drainMs: 50 })
    await pump(accepted, subscription, 's', parts)
    expect(parts.drops).toEqual(['slow'])
    expect(state.pulled).toBeLessThan(400)
    expect(state.closed).toBe(true)
    client.resume()
    expect(await once(client, 'close')).toEqual([1008, expect.any(Buffer)])
  })

  test('whose peer leaves a ping unanswered is cut, one that answers is not', async () => {
    const [silent, acceptedSilent] = await connected({ autoPong: false })
    const [lively, acceptedLively] = await connected({})
    const pings = { lively: 0 }
    lively.on('ping', () => (pings.lively += 1))
    const parts = withLimits({ pingMs: 30 })
    const cut = once(silent, 'close')
    const done = pump(acceptedSilent, source(0, untilClosed(acceptedSilent)).subscription, 's', parts)
    void pump(acceptedLively, source(0, never).subscription, 's', withLimits({ pingMs: 30 }))
    expect((await cut)[0]).toBe(1006)
    await done
    expect(parts.drops).toEqual(['silent'])
    while (pings.lively < 3) await once(lively, 'ping')
    expect(lively.readyState).toBe(WebSocket.OPEN)
  })

  test('whose peer takes what waits for it is not cut for a late pong', async () => {
    const [client, accepted] = await connected({ autoPong: false })
    let pings = 0
    client.on('ping', () => (pings += 1))
    const parts = withLimits({ pingMs: 100, socketBufferBytes: 1_000 })
    const { subscription } = source(1, async () => undefined)
    const goesOn = (): boolean => pings < 3 && accepted.readyState === WebSocket.OPEN
    const messages = async function* (): AsyncGenerator<Delivered, void> {
      while (goesOn()) yield* subscription.messages()
    }
    const closed = once(client, 'close')
    await pump(accepted, { ...subscription, messages }, 's', parts)
    expect((await closed)[0]).toBe(1000)
    expect(pings).toBeGreaterThanOrEqual(3)
    expect(parts.drops).toEqual([])
  })

  test('answers its peer’s pings', async () => {
    const [client, accepted] = await connected({})
    void pump(accepted, source(0, never).subscription, 's', withLimits({}))
    const pong = once(client, 'pong')
    client.ping('are you there')
    expect(String((await pong)[0])).toBe('are you there')
  })

  test.each([
    ['messages', 'flooding', 1008, (client: WebSocket) => repeat(4, () => client.send('hello'))],
    ['pings', 'flooding', 1008, (client: WebSocket) => repeat(4, () => client.ping())],
    ['pongs', 'flooding', 1008, (client: WebSocket) => repeat(4, () => client.pong())],
    ['one long message', 'oversized', 1009, (client: WebSocket) => client.send('x'.repeat(101))],
  ] as const)('whose peer sends too much, %s, is closed', async (_what, reason, code, send) => {
    const [client, accepted] = await connected({})
    const parts = withLimits({ incomingFrames: 3, incomingFrameBytes: 100 })
    void pump(accepted, source(0, never).subscription, 's', parts)
    const closed = once(client, 'close')
    send(client)
    expect((await closed)[0]).toBe(code)
    expect(parts.drops).toEqual([reason])
  })

  test('lets its peer send a little in each while between two pings', async () => {
    const [client, accepted] = await connected({})
    const parts = withLimits({ incomingFrames: 3, incomingFrameBytes: 100, pingMs: 300 })
    void pump(accepted, source(0, never).subscription, 's', parts)
    for (let round = 0; round < 3; round += 1) {
      await once(client, 'ping')
      client.send('x'.repeat(100))
      client.send('hello')
    }
    await once(client, 'ping')
    expect([client.readyState, parts.drops]).toEqual([WebSocket.OPEN, []])
  })

  test('is closed with 1013 when the subscription fails', async () => {
    const [client, accepted] = await connected({})
    const { subscription, state } = source(1, () => Promise.reject(new Error('gone')))
    await pump(accepted, subscription, 's', withLimits({}))
    const [code] = await once(client, 'close')
    expect(code).toBe(1013)
    expect(state.closed).toBe(true)
  })
})
