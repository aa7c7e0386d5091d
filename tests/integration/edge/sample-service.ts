/** A service on real sockets with the project's own contracts and the simplest answers, for testing the edge alone. */
import type { ConnectRouter } from '@connectrpc/connect'
import { callerKey } from '../../../src/edge/caller.ts'
import { edgeConfigFromEnv } from '../../../src/edge/config.ts'
import type { EdgeLimits } from '../../../src/edge/limits.ts'
import { createLogger } from '../../../src/edge/log.ts'
import { Refusal } from '../../../src/edge/refusal.ts'
import { serve, type RunningService, type ServiceDefinition } from '../../../src/edge/serve.ts'
import { AccountService } from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'

export type Sample = RunningService & Readonly<{ logText: () => string }>

export type SampleOptions = Readonly<{
  env?: NodeJS.ProcessEnv
  limits?: Partial<EdgeLimits>
  definition?: Partial<ServiceDefinition>
}>

export async function serveSample({ env, limits, definition }: SampleOptions = {}): Promise<Sample> {
  let text = ''
  const log = createLogger('sample', 'debug', { write: (line) => void (text += line) })
  const config = edgeConfigFromEnv({ MPC_OPEN_MODE: 'true', ...env }, { grpcPort: 0, httpPort: 0 })
  const running = await serve(
    {
      name: 'sample-service',
      services: [SessionCoordinator, SessionFeed, MessageRouter, AccountService],
      ready: async () => ({ dependency: true }),
      routes: sampleRoutes,
      ...definition,
    },
    { ...config, limits: { ...config.limits, ...limits } },
    log,
  )
  return { ...running, logText: () => text }
}

/** What the answers depend on is in the request, so that tests read like examples. */
function sampleRoutes(router: ConnectRouter): void {
  router
    .service(SessionCoordinator, {
      createSession: ({ participants }) => ({
        sessionId: 's1',
        joinTokens: Object.fromEntries(participants.map(({ partyId }) => [partyId, `token-${partyId}`])),
        expiresAt: 1703145600n,
      }),
      joinSession: ({ joinToken }) => {
        if (joinToken === 'free') return { sessionId: 's1', partyIndex: 1 }
        throw new Refusal('session_full', 'all participants have joined', { party_id: 'is not expected' })
      },
      getSessionStatus: ({ sessionId }, { values }) => {
        const { requestId, apiKey } = values.get(callerKey)
        return { sessionId, status: requestId, sessionType: apiKey?.name ?? '' }
      },
      markPartyReady: ({ partyId }) => {
        if (partyId === 'odd') throw new Refusal('conflict', '100 % of “é”, or: none')
        return { success: true }
      },
      startSession: () => {
        throw new Error('SELECT password FROM internals')
      },
    })
    .service(SessionFeed, {
      watchSession: async function* ({ sessionId }, { signal }) {
        yield { session: { sessionId } }
        if (sessionId === 'deaf') await new Promise(() => {})
        if (sessionId === 'broken') throw new Error('SELECT password FROM internals')
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    .service(MessageRouter, {
      getPendingMessages: ({ limit, afterSequence, partyId }) => ({
        messages: [{ fromParty: partyId, round: limit, timestamp: afterSequence, payload: Uint8Array.of(251, 255) }],
      }),
      routeMessage: ({ payload }) => ({ success: payload.length > 0 }),
    })
    .service(AccountService, {
      createAccount: ({ username }) => ({
        id: 'acc-1',
        username,
        status: 'active',
        createdAt: { seconds: 1705314600n },
      }),
    })
}
