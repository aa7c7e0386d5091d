import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws'
import { createLogger } from '../../../src/edge/log.ts'
import { defaultRouterLimits } from '../../../src/router/limits.ts'
import type { Delivered, Subscription } from '../../../src/router/subscription.ts'
import { pump, type PumpLimits } from '../../../src/router/websocket-pump.ts'

const log = createLogger('test', 'silent')

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

function limits(changed: Partial<PumpLimits>): PumpLimits {
  return { ...defaultRouterLimits, ...changed }
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

describe('a WebSocket', () => {
  test('whose peer does not read is sent what its buffer holds, and everything once it reads again', async () => {
    const [client, accepted] = await connected({})
    let received = 0
    client.on('message', () => (received += 1))
    client.pause()
    const { state, subscription } = source(400, async () => undefined)
    const done = pump(accepted, subscription, 's', limits({ socketBufferBytes: 500_000 }), log)
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

  test('whose peer leaves a ping unanswered is cut, one that answers is not', async () => {
    const [silent, acceptedSilent] = await connected({ autoPong: false })
    const [lively, acceptedLively] = await connected({})
    const pings = { lively: 0 }
    lively.on('ping', () => (pings.lively += 1))
    const never = (): Promise<void> => new Promise(() => undefined)
    void pump(acceptedSilent, source(0, never).subscription, 's', limits({ pingMs: 30 }), log)
    void pump(acceptedLively, source(0, never).subscription, 's', limits({ pingMs: 30 }), log)
    const [code] = await once(silent, 'close')
    expect(code).toBe(1006)
    while (pings.lively < 3) await once(lively, 'ping')
    expect(lively.readyState).toBe(WebSocket.OPEN)
  })

  test('is closed with 1013 when the subscription fails', async () => {
    const [client, accepted] = await connected({})
    const { subscription, state } = source(1, () => Promise.reject(new Error('gone')))
    await pump(accepted, subscription, 's', limits({}), log)
    const [code] = await once(client, 'close')
    expect(code).toBe(1013)
    expect(state.closed).toBe(true)
  })
})
