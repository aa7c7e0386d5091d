/** The account service's way to the Session Coordinator: through its gRPC contract, like any caller. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError, type CallOptions, type Client, type HandlerContext } from '@connectrpc/connect'
import { callerKey, forwardedHeaders } from '../edge/caller.ts'
import type { Logger } from '../edge/log.ts'
import { idempotencyHeader, idempotencyKeyOf, scopedKey } from '../edge/idempotency.ts'
import { Refusal } from '../edge/refusal.ts'
import { refusalOf } from '../edge/refusal-error.ts'
import type { ServiceConnection } from '../edge/service-client.ts'
import { Health, HealthCheckResponse_ServingStatus as Status } from '../gen/grpc/health/v1/health_pb.ts'
import {
  SessionCoordinator,
  type CreateSessionRequestSchema,
  type CreateSessionResponse,
} from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'

type Coordinator = Client<typeof SessionCoordinator>

export type CoordinatorClient = Readonly<{
  /**
   * Runs `call` under the request, trace, deadline and cancellation of `context`. Throws the coordinator's refusals as
   * they are, and Refusal 'unavailable' where it cannot be reached or does not know us.
   */
  run: <T>(context: HandlerContext, call: (coordinator: Coordinator, options: CallOptions) => Promise<T>) => Promise<T>
  /** Creates a session for the caller of `context`; under the same Idempotency-Key of that caller the same one. */
  create: (
    context: HandlerContext,
    caller: string,
    session: MessageInitShape<typeof CreateSessionRequestSchema>,
  ) => Promise<CreateSessionResponse>
  isServing: () => Promise<boolean>
}>

const deadlineMs = 10_000
const healthDeadlineMs = 1_000

export function createCoordinatorClient(connection: ServiceConnection, log: Logger): CoordinatorClient {
  const coordinator = connection.client(SessionCoordinator)
  const health = connection.client(Health)
  const run: CoordinatorClient['run'] = async (context, call) => {
    const caller = context.values.get(callerKey)
    const timeoutMs = Math.max(1, Math.min(deadlineMs, context.timeoutMs() ?? deadlineMs))
    try {
      return await call(coordinator, { signal: context.signal, timeoutMs, headers: forwardedHeaders(caller) })
    } catch (error) {
      throw passedOn(error, caller.requestId, log)
    }
  }
  return {
    run,
    create: (context, caller, session) => {
      const key = idempotencyKeyOf(context.requestHeader)
      return run(context, (client, options) => {
        const headers = new Headers(options.headers)
        // To the coordinator all are this service's keys.
        if (key !== null) headers.set(idempotencyHeader, scopedKey(caller, key))
        return client.createSession(session, { ...options, headers })
      })
    },
    isServing: () =>
      health.check({}, { timeoutMs: healthDeadlineMs }).then(
        ({ status }) => status === Status.SERVING,
        () => false,
      ),
  }
}

function passedOn(error: unknown, requestId: string, log: Logger): unknown {
  if (error instanceof ConnectError && error.code === Code.Canceled) return error
  const refusal = refusalOf(error)
  if (refusal.code === 'unavailable') log.warn({ err: error, requestId }, 'the coordinator is not reachable')
  if (refusal.code !== 'unauthorized' && refusal.code !== 'forbidden') return refusal
  if (isByPolicy(refusal)) return refusal
  // Ours, not the caller's: the caller has shown its credentials to us, and we ours to the coordinator.
  log.error({ err: error, requestId }, 'the coordinator refuses this service: check MPC_COORDINATOR_API_KEY')
  return new Refusal('unavailable', 'sessions cannot be created at the moment')
}

/** The policy of a key speaks to the caller: it names fields of the request, not credentials of this service. */
function isByPolicy({ code, details }: Refusal): boolean {
  return code === 'forbidden' && Object.keys(details).some((field) => /^(approvals|participants|policy)\b/.test(field))
}
