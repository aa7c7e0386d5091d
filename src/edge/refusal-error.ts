/**
 * How a refusal travels: as a ConnectError with an `mpc.api.v1.ErrorDetail` on gRPC, gRPC-web and Connect, and back.
 * Whatever is not a refusal and not a protocol error becomes `internal_error` without any internal text.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import { ErrorDetailSchema } from '../gen/mpc/api/v1/error_pb.ts'
import { Refusal, refusalMapping, type RefusalCode } from './refusal.ts'

/** What a ConnectError without our detail means; these come from the protocol layers, not from services. */
const refusalCodeOf: Readonly<Record<Code, RefusalCode>> = {
  [Code.Canceled]: 'unavailable',
  [Code.Unknown]: 'internal_error',
  [Code.InvalidArgument]: 'invalid_request',
  [Code.DeadlineExceeded]: 'unavailable',
  [Code.NotFound]: 'not_found',
  [Code.AlreadyExists]: 'conflict',
  [Code.PermissionDenied]: 'forbidden',
  [Code.ResourceExhausted]: 'payload_too_large',
  [Code.FailedPrecondition]: 'conflict',
  [Code.Aborted]: 'conflict',
  [Code.OutOfRange]: 'invalid_request',
  [Code.Unimplemented]: 'not_found',
  [Code.Internal]: 'internal_error',
  [Code.Unavailable]: 'unavailable',
  [Code.DataLoss]: 'internal_error',
  [Code.Unauthenticated]: 'unauthorized',
}

/** Text that may leave where the original could name hosts, ports or internals. */
const publicMessage: Readonly<Partial<Record<RefusalCode, string>>> = {
  internal_error: 'internal error',
  unavailable: 'the service cannot answer at the moment; try again later',
}

/** The ConnectError that carries `refusal`; `code` replaces the mapped one where the protocol has a better one. */
export function connectErrorOf(refusal: Refusal, code: Code = refusalMapping[refusal.code].code): ConnectError {
  const value = { error: refusal.code, message: refusal.message, details: { ...refusal.details } }
  const seconds = refusal.retryAfterSeconds
  const metadata = seconds === null ? undefined : { 'retry-after': String(seconds) }
  return new ConnectError(refusal.message, code, metadata, [{ desc: ErrorDetailSchema, value }], refusal)
}

/** True when `error` is the program's fault and must be logged, not shown. */
export function isInternal(error: unknown): boolean {
  return refusalOf(error).code === 'internal_error'
}

/** The refusal that `error` is, carries or amounts to. Never throws. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (!(error instanceof ConnectError)) return new Refusal('internal_error', 'internal error')
  const detail = error.findDetails(ErrorDetailSchema)[0]
  if (detail !== undefined && isRefusalCode(detail.error))
    return new Refusal(detail.error, detail.message, detail.details, retryAfterOf(error.metadata))
  const code = refusalCodeOf[error.code]
  return new Refusal(code, publicMessage[code] ?? error.rawMessage)
}

/** The ConnectError to send for anything that was thrown. Protocol errors keep their code and gain the detail. */
export function sendableError(error: unknown): ConnectError {
  const refusal = refusalOf(error)
  const keepsCode = error instanceof ConnectError && refusal.code !== 'internal_error'
  return connectErrorOf(refusal, keepsCode ? error.code : undefined)
}

/** Undefined where the metadata says nothing that makes sense. */
function retryAfterOf(metadata: Headers): number | undefined {
  const [seconds] = /^[1-9]\d{0,4}$/.exec(metadata.get('retry-after') ?? '') ?? []
  return seconds === undefined ? undefined : Number(seconds)
}

function isRefusalCode(code: string): code is RefusalCode {
  return Object.hasOwn(refusalMapping, code)
}
