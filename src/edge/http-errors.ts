/** The documented error body (API reference, section 6) for everything that goes wrong on the HTTP port. */
import { ConnectError } from '@connectrpc/connect'
import type { Context, Hono } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Logger } from './log.ts'
import { Refusal, refusalMapping } from './refusal.ts'
import { isInternal, refusalOf } from './refusal-error.ts'
import { errorBody } from './raw-response.ts'
import { isUpgrade, refuseUpgrade } from './upgrade-refusal.ts'

/** The answer to a failed request. What no pipeline has logged yet is logged here. */
export async function errorResponse(context: Context, error: unknown, log: Logger): Promise<Response> {
  if (isInternal(error) && !(error instanceof ConnectError)) {
    log.error({ err: error, requestId: context.get('requestId'), route: routeOf(context) }, 'request failed')
  }
  const refusal = refusalOf(error)
  if (isUpgrade(context)) await refuseUpgrade(context, refusal)
  return respondWith(context, refusal, refusalMapping[refusal.code].httpStatus)
}

/** 404 for a path that nobody serves; 405 with Allow for one that is served under another method. */
export function unroutedResponse(app: Hono, context: Context): Response {
  const { path, method } = context.req
  const allowed = methodsOf(app, path)
  if (allowed.length === 0) return respondWith(context, new Refusal('not_found', `there is nothing at ${path}`), 404)
  context.header('allow', allowed.join(', '))
  const problem = `must be ${allowed.join(' or ')}`
  return respondWith(context, new Refusal('invalid_request', `${method} is not allowed here`, { method: problem }), 405)
}

/** What a log may say of a path: the route that it took. The rest of it may be anything, a secret too. */
export function routeOf(context: Context): string {
  const taken = matchedRoutes(context).filter(({ method }) => method !== 'ALL')
  return taken.at(-1)?.path ?? 'none'
}

export function respondWith(context: Context, refusal: Refusal, status: number): Response {
  if (refusal.retryAfterSeconds !== null) context.header('retry-after', String(refusal.retryAfterSeconds))
  // All statuses of refusals allow a body.
  return context.body(errorBody(refusal), status as ContentfulStatusCode, { 'content-type': 'application/json' })
}

/** The methods under which the app serves `path`; its middleware is registered for all of them and does not count. */
function methodsOf(app: Hono, path: string): string[] {
  const routes = app.routes.filter((route) => route.method !== 'ALL' && matches(route.path, path))
  return [...new Set(routes.map((route) => route.method))].sort()
}

function matches(template: string, path: string): boolean {
  const parts = path.split('/')
  const expected = template.split('/')
  return (
    parts.length === expected.length &&
    expected.every((part, at) => (part.startsWith(':') ? parts[at] !== '' : part === parts[at]))
  )
}
