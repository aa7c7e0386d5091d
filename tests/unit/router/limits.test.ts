import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../src/edge/configuration-error.ts'
import { defaultRouterLimits, routerLimitsFromEnv, type RouterLimits } from '../../../src/router/limits.ts'

const variables: Readonly<Record<keyof RouterLimits, string>> = {
  sessionBytes: 'MPC_ROUTER_MAX_SESSION_BYTES',
  sessionMessages: 'MPC_ROUTER_MAX_SESSION_MESSAGES',
  payloadBytes: 'MPC_ROUTER_MAX_PAYLOAD_BYTES',
  sessionRefusals: 'MPC_ROUTER_MAX_SESSION_REFUSALS',
  memoryBytes: 'MPC_ROUTER_MEMORY_BYTES',
  indexedMessages: 'MPC_ROUTER_MAX_INDEXED_MESSAGES',
  sessions: 'MPC_ROUTER_MAX_SESSIONS',
  idleMs: 'MPC_ROUTER_IDLE_MS',
  subscriptions: 'MPC_ROUTER_MAX_SUBSCRIPTIONS',
  subscriptionsPerParty: 'MPC_ROUTER_MAX_SUBSCRIPTIONS_PER_PARTY',
  pageMessages: 'MPC_ROUTER_PAGE_MESSAGES',
  maxPageMessages: 'MPC_ROUTER_MAX_PAGE_MESSAGES',
  pageBytes: 'MPC_ROUTER_MAX_PAGE_BYTES',
  catchUpMs: 'MPC_ROUTER_CATCH_UP_MS',
  pingMs: 'MPC_ROUTER_PING_MS',
  socketBufferBytes: 'MPC_ROUTER_SOCKET_BUFFER_BYTES',
  drainMs: 'MPC_ROUTER_DRAIN_MS',
  incomingFrameBytes: 'MPC_ROUTER_MAX_INCOMING_FRAME_BYTES',
  incomingFrames: 'MPC_ROUTER_MAX_INCOMING_FRAMES',
  ticketMs: 'MPC_ROUTER_TICKET_MS',
  ticketsPerParty: 'MPC_ROUTER_MAX_TICKETS_PER_PARTY',
}

test('without variables the defaults hold', () => {
  expect(routerLimitsFromEnv({})).toEqual(defaultRouterLimits)
})

describe.each(Object.entries(variables))('the limit %s', (limit, variable) => {
  test(`is set by ${variable}, and nothing else is`, () => {
    expect(routerLimitsFromEnv({ [variable]: '77' })).toEqual({ ...defaultRouterLimits, [limit]: 77 })
  })

  test.each(['-1', '1.5', 'many', '1e15'])('is refused by the name of its variable as %s', (text) => {
    const refused = (): RouterLimits => routerLimitsFromEnv({ [variable]: text })
    expect(refused).toThrow(ConfigurationError)
    expect(refused).toThrow(variable)
  })
})
