/**
 * The deadline that a caller sets, kept to what a timer can hold: Node fires one beyond 2^31-1 ms (24.8 days) at once,
 * so that the most patient caller would be told that time is up.
 */
import type { UniversalHandler } from '@connectrpc/connect/protocol'

const maxTimeoutMs = 2 ** 31 - 1

/** The handler, with longer deadlines shortened. Those that are none are left for Connect to refuse. */
export function withBoundedDeadline(handler: UniversalHandler): UniversalHandler {
  const bounded = (request: Parameters<UniversalHandler>[0]) => {
    const header = boundedDeadline(request.header)
    return handler(header === request.header ? request : { ...request, header })
  }
  return Object.assign(bounded, handler)
}

/** `header` itself, or a copy with a shorter deadline. */
export function boundedDeadline(header: Headers): Headers {
  const [connectMs] = /^\d{1,10}$/.exec(header.get('connect-timeout-ms') ?? '') ?? []
  const isConnectTooLong = Number(connectMs) > maxTimeoutMs
  const [, amount, unit = ''] = /^(\d{1,8})([HMS])$/.exec(header.get('grpc-timeout') ?? '') ?? []
  const isGrpcTooLong = Number(amount) * (unitMs[unit] ?? 0) > maxTimeoutMs
  if (!isConnectTooLong && !isGrpcTooLong) return header
  const shorter = new Headers(header)
  if (isConnectTooLong) shorter.set('connect-timeout-ms', String(maxTimeoutMs))
  if (isGrpcTooLong) shorter.set('grpc-timeout', `${Math.floor(maxTimeoutMs / 1_000)}S`)
  return shorter
}

/** Units of grpc-timeout in which eight digits can be too much. */
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 }
