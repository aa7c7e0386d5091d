/** What goes wrong, as one class: the documented refusals of the services, and what happens before one can answer. */
import { ConnectError } from '@connectrpc/connect'
import { refusalOf } from '../edge/refusal-error.ts'
import { Refusal, type RefusalCode } from '../edge/refusal.ts'
import type { FailureReason } from '../party/failure.ts'
import { StorageError } from '../party/store/records.ts'
import { isTransient, retryAfterMs } from '../party/transport/backoff.ts'

/** The documented codes (docs/api.md), a session that a device gave up, a store that cannot be opened or used. */
export type MpcErrorCode = RefusalCode | 'session_failed' | 'storage_failed'

export type MpcErrorContext = Readonly<{
  details?: Readonly<Record<string, string>>
  requestId?: string | undefined
  retryAfterMs?: number | undefined
  cause?: unknown
}>

export class MpcError extends Error {
  override readonly name: string = 'MpcError'
  readonly code: MpcErrorCode
  /** Field name, as in the request, to what is wrong with it. */
  readonly details: Readonly<Record<string, string>>
  /** Finds the call in the service's log. Undefined where no service answered. */
  readonly requestId: string | undefined
  /** How long the service asks to wait before the next try. */
  readonly retryAfterMs: number | undefined

  constructor(code: MpcErrorCode, message: string, context: MpcErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    this.code = code
    this.details = context.details ?? {}
    this.requestId = context.requestId
    this.retryAfterMs = context.retryAfterMs
  }
}

/** A session that this device did not finish. Its key, if it has one, is as it was unless `culprits` were banned. */
export class SessionFailedError extends MpcError {
  override readonly name = 'SessionFailedError'
  declare readonly code: 'session_failed'
  readonly sessionId: string
  readonly reason: FailureReason
  /** Party ids of those whom messages that they signed prove to have cheated; never on the word of a service. */
  readonly culprits: readonly string[]

  constructor(sessionId: string, reason: FailureReason, detail: string, culprits: readonly string[]) {
    super('session_failed', `session ${sessionId}: ${reason}: ${detail}`)
    this.sessionId = sessionId
    this.reason = reason
    this.culprits = culprits
  }
}

/** For an argument that cannot be sent. `field` as in the argument. */
export function invalidArgument(field: string, problem: string, cause?: unknown): MpcError {
  return new MpcError('invalid_request', `${field}: ${problem}`, { details: { [field]: problem }, cause })
}

/** The MpcError that a failed call amounts to. Where no service answered: `unavailable`. */
export function mpcErrorOf(error: unknown): MpcError {
  if (error instanceof MpcError) return error
  if (error instanceof StorageError) return new MpcError('storage_failed', error.message, { cause: error })
  if (error instanceof Refusal) return new MpcError(error.code, error.message, { details: error.details, cause: error })
  if (!(error instanceof ConnectError)) return new MpcError('internal_error', 'internal error', { cause: error })
  const { code, message, details } = refusalOf(error)
  const context = {
    details,
    requestId: error.metadata.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(error) ?? undefined,
    cause: error,
  }
  if (code !== 'rate_limited' && isTransient(error)) {
    return new MpcError('unavailable', `the service cannot answer at the moment: ${error.rawMessage}`, context)
  }
  return new MpcError(code, message, context)
}
