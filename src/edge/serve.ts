/** Serves one service on its two ports, the same handlers behind every protocol. */
import type { DescService } from '@bufbuild/protobuf'
import { Code, ConnectError, createConnectRouter, createRouterTransport, type ConnectRouter } from '@connectrpc/connect'
import type { Hono } from 'hono'
import type { UpgradeWebSocket } from 'hono/ws'
import type { Registry } from 'prom-client'
import { Health } from '../gen/grpc/health/v1/health_pb.ts'
import { ServerReflection } from '../gen/grpc/reflection/v1/reflection_pb.ts'
import { requireDeclaredAccess } from './access.ts'
import { createAdmission } from './admission.ts'
import { pipelineOptions, type CallPipeline } from './call-pipeline.ts'
import { identifyCaller, type Caller } from './caller.ts'
import type { EdgeConfig } from './config.ts'
import { withBoundedDeadline } from './deadline.ts'
import { createGrpcServer } from './grpc-server.ts'
import { healthService } from './health-service.ts'
import { createHttpServer } from './http-server.ts'
import { addressToListenOn, listen } from './listening.ts'
import type { Logger } from './log.ts'
import { createMetrics } from './metrics.ts'
import { withProtocolErrors } from './protocol-errors.ts'
import { createReadiness, type Dependencies, type Readiness } from './readiness.ts'
import { reflectionService, withV1Alpha } from './reflection-service.ts'
import { restRoutesOf } from './rest-routes.ts'
import { openListeners } from './tls/listener.ts'
import { createRequestValidator } from './validation.ts'

export type ServiceDefinition = Readonly<{
  /** As in /health: 'session-coordinator' … */
  name: string
  /** Which of docs/openapi to show at /openapi.json and /docs. */
  openApi?: string
  /** What REST mapping, reflection, health and validation are made from. */
  services: readonly DescService[]
  /** Registers the implementations. Called once. */
  routes: (router: ConnectRouter) => void
  /** Named dependencies, for /readyz and health checks. May throw. */
  ready: () => Promise<Dependencies>
  /** Adds metrics of its own to those at /metrics. */
  metrics?: (registry: Registry) => void
  /** Further HTTP routes, e.g. a WebSocket; `identify` gives a request's caller or throws Refusal 'unauthorized'. */
  http?: (app: Hono, upgradeWebSocket: UpgradeWebSocket, identify: (headers: Headers) => Caller) => void
  /** Which of these routes are WebSockets. */
  webSocketPaths?: readonly string[]
  webSocketProtocols?: readonly string[]
}>

export type RunningService = Readonly<{
  grpcUrl: string
  httpUrl: string
  /** Refuses new calls, ends streams and WebSockets, waits at most `limits.closeGraceMs`. */
  close: () => Promise<void>
}>

/** Throws ConfigurationError where open mode is not on loopback or a port cannot be had. */
export async function serve(definition: ServiceDefinition, config: EdgeConfig, log: Logger): Promise<RunningService> {
  const address = await addressToListenOn(config.host, config.openMode)
  const { name, services } = definition
  const shutdown = new AbortController()
  const readiness = createReadiness(definition.ready, log)
  const metrics = createMetrics(name)
  definition.metrics?.(metrics.registry)
  const admission = createAdmission(config, config.limits, metrics)
  requireDeclaredAccess(services)
  const pipeline: CallPipeline = {
    policy: config,
    admission,
    validator: createRequestValidator(services),
    metrics,
    log,
    maxMessageBytes: config.limits.maxBodyBytes,
    shutdownSignal: shutdown.signal,
  }
  const routes = recordRoutes(definition.routes)
  const tls = config.tls === null ? null : openListeners(config.tls, config.limits, metrics, log)

  const grpcRouter = createConnectRouter(pipelineOptions(pipeline))
  routes(grpcRouter)
  addOperations(grpcRouter, services, readiness, config.reflection)
  const grpcHandlers = withV1Alpha(grpcRouter.handlers).map(withProtocolErrors).map(withBoundedDeadline)
  const grpc = createGrpcServer(grpcHandlers, config.limits, metrics, log, tls?.port('grpc') ?? null)

  // Without gRPC itself: its trailers need HTTP/2.
  const httpRouter = createConnectRouter({ ...pipelineOptions(pipeline), grpc: false })
  routes(httpRouter)
  const http = createHttpServer(
    {
      name,
      openApi: definition.openApi ?? null,
      routes: restRoutesOf(services),
      transport: createRouterTransport(routes, { router: pipelineOptions(pipeline, 'rest') }),
      handlers: httpRouter.handlers.map(withProtocolErrors).map(withBoundedDeadline),
      readiness,
      metrics,
      admission,
      webSocketPaths: definition.webSocketPaths ?? [],
      webSocketProtocols: definition.webSocketProtocols ?? [],
      addRoutes: (app, upgrade) => definition.http?.(app, upgrade, (headers) => identifyCaller(headers, config)),
    },
    config,
    log,
    tls?.port('http') ?? null,
  )

  let stopFollowingKeys = () => {}
  const close = async () => {
    stopFollowingKeys()
    readiness.stop()
    shutdown.abort(new ConnectError('the service is stopping', Code.Unavailable))
    tls?.close()
    await Promise.all([grpc.close(config.limits.closeGraceMs), http.close(config.limits.closeGraceMs)])
  }
  try {
    const grpcUrl = await listen(grpc.server, address, config.grpcPort, 'MPC_GRPC_PORT')
    const httpUrl = await listen(http.server, address, config.httpPort, 'MPC_HTTP_PORT')
    stopFollowingKeys = config.apiKeys.follow({
      changed: admission.recheckStreams,
      read: (problem, keys) => {
        metrics.apiKeysRead(problem === null, keys)
        if (problem !== null) log.error({ problem, keys }, 'the API keys cannot be read anew: those from before stay')
        else if (keys > 0) log.info({ keys }, 'API keys read')
      },
    })
    log.info({ grpcUrl, httpUrl, openMode: config.openMode }, `${name} is listening`)
    return { grpcUrl, httpUrl, close }
  } catch (error) {
    await close()
    throw error
  }
}

function addOperations(
  router: ConnectRouter,
  services: readonly DescService[],
  readiness: Readiness,
  reflection: boolean,
) {
  router.service(
    Health,
    healthService(
      services.map((service) => service.typeName),
      readiness,
    ),
  )
  if (reflection) router.service(ServerReflection, reflectionService([...services, Health, ServerReflection]))
}

/** `routes` run once; what it registered can be replayed on any number of routers, so all share one implementation. */
function recordRoutes(routes: (router: ConnectRouter) => void): (router: ConnectRouter) => void {
  const registrations: ((router: ConnectRouter) => void)[] = []
  const recorder: ConnectRouter = {
    handlers: [],
    service: (...call) => {
      registrations.push((router) => router.service(...call))
      return recorder
    },
    rpc: (...call) => {
      registrations.push((router) => router.rpc(...call))
      return recorder
    },
  }
  routes(recorder)
  return (router) => registrations.forEach((register) => register(router))
}
