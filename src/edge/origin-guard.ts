/**
 * Web pages may not use a service behind their visitor's back. Pages of other origins are refused (also for requests
 * that need no CORS preflight, and for WebSockets, which know no CORS); in open mode a name that merely resolves to
 * loopback is refused as well (DNS rebinding). The gRPC port answers no page at all: browsers use the HTTP port.
 */
import { cors as connectCors } from '@connectrpc/connect'
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { hostOfHeader, isLoopbackHost } from './loopback.ts'
import { Refusal } from './refusal.ts'

export function guardOrigin(openMode: boolean, corsOrigins: readonly string[]): MiddlewareHandler {
  const allowed = new Set(corsOrigins)
  return async (context, next) => {
    const host = context.req.header('host') ?? null
    if (openMode && !isLoopbackHost(hostOfHeader(host) ?? '')) {
      throw new Refusal('forbidden', 'open mode answers on loopback only', {
        Host: 'must be localhost or a loopback address',
      })
    }
    const origin = context.req.header('origin')
    const sameOrigin = origin !== undefined && URL.parse(origin)?.host === host
    if (origin !== undefined && !sameOrigin && !allowed.has(origin)) {
      throw new Refusal('forbidden', 'web pages of this origin may not call the service', { Origin: 'is not allowed' })
    }
    await next()
  }
}

/** Whether a browser sends this for a page. Only pages make it send these headers, and none can leave them out. */
export function isFromPage(headers: Headers): boolean {
  return headers.has('origin') || headers.has('sec-fetch-site')
}

export function allowOrigins(corsOrigins: readonly string[]): MiddlewareHandler {
  return cors({
    origin: [...corsOrigins],
    allowMethods: [...new Set([...connectCors.allowedMethods, 'PUT', 'DELETE'])],
    allowHeaders: [...connectCors.allowedHeaders, 'Authorization', 'Idempotency-Key', 'X-Request-Id', 'Traceparent'],
    exposeHeaders: [...connectCors.exposedHeaders, 'Retry-After', 'X-Request-Id'],
    maxAge: 600,
  })
}
