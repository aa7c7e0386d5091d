/**
 * The one error that services throw on purpose: a refusal with a code of the documented set (API reference, section 6).
 * This file is the only table from such a code to an HTTP status and to a Connect/gRPC code.
 */
import { Code } from '@connectrpc/connect'

export type RefusalCode =
  | 'invalid_request'
  | 'unauthorized'
  | 'not_found'
  | 'session_expired'
  | 'session_full'
  | 'threshold_not_met'
  | 'forbidden'
  | 'conflict'
  | 'payload_too_large'
  | 'rate_limited'
  | 'unavailable'
  | 'internal_error'

export type RefusalMapping = Readonly<{
  httpStatus: number
  code: Code
  /** What Retry-After says where the refusal does not know better. */
  retryAfterSeconds?: number
}>

export const refusalMapping: Readonly<Record<RefusalCode, RefusalMapping>> = {
  invalid_request: { httpStatus: 400, code: Code.InvalidArgument },
  unauthorized: { httpStatus: 401, code: Code.Unauthenticated },
  not_found: { httpStatus: 404, code: Code.NotFound },
  session_expired: { httpStatus: 410, code: Code.FailedPrecondition },
  session_full: { httpStatus: 409, code: Code.ResourceExhausted },
  threshold_not_met: { httpStatus: 400, code: Code.InvalidArgument },
  forbidden: { httpStatus: 403, code: Code.PermissionDenied },
  conflict: { httpStatus: 409, code: Code.FailedPrecondition },
  payload_too_large: { httpStatus: 413, code: Code.ResourceExhausted },
  rate_limited: { httpStatus: 429, code: Code.ResourceExhausted, retryAfterSeconds: 1 },
  unavailable: { httpStatus: 503, code: Code.Unavailable, retryAfterSeconds: 1 },
  internal_error: { httpStatus: 500, code: Code.Internal },
}

/** `details` maps a field name, as written in the request, to what is wrong with it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly details: Readonly<Record<string, string>>
  /** When asking again makes sense; null where it never does. */
  readonly retryAfterSeconds: number | null

  constructor(
    code: RefusalCode,
    message: string,
    details: Readonly<Record<string, string>> = {},
    retryAfterSeconds = refusalMapping[code].retryAfterSeconds ?? null,
  ) {
    super(message)
    this.code = code
    this.details = details
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The refusal for one wrong field, named as in the request. */
export function invalidField(field: string, problem: string): Refusal {
  return new Refusal('invalid_request', `${field}: ${problem}`, { [field]: problem })
}
