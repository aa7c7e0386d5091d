/** grpc.health.v1.Health (grpc/grpc: doc/health-checking.md). */
import { setTimeout as delay } from 'node:timers/promises'
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect'
import {
  HealthCheckResponse_ServingStatus as Status,
  type Health,
  type HealthCheckRequest,
} from '../gen/grpc/health/v1/health_pb.ts'
import type { Readiness } from './readiness.ts'

const pollMs = 1_000

/** Health of the whole server ('') and of each of `serviceNames`; they all have the same dependencies. */
export function healthService(serviceNames: readonly string[], readiness: Readiness): ServiceImpl<typeof Health> {
  const known = new Set(['', ...serviceNames])
  const statusOf = async (service: string) => {
    if (!known.has(service)) return Status.SERVICE_UNKNOWN
    return (await readiness.ready()) ? Status.SERVING : Status.NOT_SERVING
  }
  return {
    check: async ({ service }) => {
      const status = await statusOf(service)
      if (status === Status.SERVICE_UNKNOWN) throw new ConnectError('unknown service', Code.NotFound)
      return { status }
    },
    watch: async function* ({ service }: HealthCheckRequest, { signal }: HandlerContext) {
      let last: Status | null = null
      while (!signal.aborted) {
        const status = await statusOf(service)
        if (status !== last) yield { status }
        last = status
        await delay(pollMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
