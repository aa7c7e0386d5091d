/** GET /health (API reference, section 5), /livez, /readyz and /metrics. */
import type { Context, Hono } from 'hono'
import type { Metrics } from './metrics.ts'
import type { Readiness } from './readiness.ts'
import { refusalMapping } from './refusal.ts'
import { formatUptime } from './uptime.ts'
import { version } from './version.ts'

export function addHealthRoutes(app: Hono, service: string, readiness: Readiness, metrics: Metrics): void {
  const startedAtMs = performance.now()
  app.get('/health', async (context) => {
    const healthy = await readiness.ready()
    const uptime = formatUptime((performance.now() - startedAtMs) / 1_000)
    const status = healthy ? 'healthy' : 'unhealthy'
    return healthOf(context, { status, service, version, uptime }, healthy)
  })
  app.get('/livez', (context) => context.json({ status: 'alive' }))
  app.get('/readyz', async (context) => {
    const dependencies = await readiness.dependencies()
    const ready = Object.values(dependencies).every((answers) => answers)
    return healthOf(context, { status: ready ? 'ready' : 'not_ready', dependencies }, ready)
  })
  app.get('/metrics', async (context) =>
    context.text(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  )
}

function healthOf(context: Context, health: object, isGood: boolean): Response {
  if (!isGood) context.header('retry-after', String(refusalMapping.unavailable.retryAfterSeconds))
  return context.json(health, isGood ? 200 : 503)
}
