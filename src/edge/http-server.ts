/** The HTTP port: REST, Connect and gRPC-web for browsers, health, metrics, and what a service adds (a WebSocket). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createAdaptorServer, upgradeWebSocket, type WebSocketServerLike } from '@hono/node-server'
import type { Transport } from '@connectrpc/connect'
import {
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
  type UniversalHandler,
} from '@connectrpc/connect/protocol'
import { Hono, type Context } from 'hono'
import type { UpgradeWebSocket } from 'hono/ws'
import { WebSocketServer } from 'ws'
import { requestIdOf } from './caller.ts'
import type { EdgeConfig } from './config.ts'
import { addHealthRoutes } from './health-routes.ts'
import { errorResponse, malformedRequestBody, respondWith, unroutedResponse } from './http-errors.ts'
import { drainHttp1, type Closable } from './listening.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { allowOrigins, guardOrigin } from './origin-guard.ts'
import type { Readiness } from './readiness.ts'
import { Refusal } from './refusal.ts'
import { addRestRoutes, type RestRoute } from './rest-routes.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Of the request at hand; also in its X-Request-Id response header. */
    requestId: string
  }
}

export type HttpFront = Readonly<{
  name: string
  routes: readonly RestRoute[]
  /** Runs REST calls through the pipeline. */
  transport: Transport
  /** Connect and gRPC-web. */
  handlers: readonly UniversalHandler[]
  readiness: Readiness
  metrics: Metrics
  addRoutes: (app: Hono, upgrade: UpgradeWebSocket) => void
  webSocketPaths: readonly string[]
}>

export function createHttpServer(front: HttpFront, config: EdgeConfig, log: Logger): Closable<Server> {
  const app = createApp(front, config, log)
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: config.limits.maxBodyBytes,
    perMessageDeflate: false,
  })
  const { maxHeaderBytes, requestTimeoutMs, maxConnections } = config.limits
  // createAdaptorServer gives what its createServer option made.
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    // `ws` is what the adapter is written for; its types differ in optional properties only.
    websocket: { server: webSockets as unknown as WebSocketServerLike },
    createServer: ((_: unknown, listener: Listener) =>
      createServer(
        {
          maxHeaderSize: maxHeaderBytes,
          requestTimeout: requestTimeoutMs,
          headersTimeout: requestTimeoutMs,
          // Other upgrades (h2c, which some clients offer with every request) are answered as plain HTTP/1.1.
          shouldUpgradeCallback: (request: IncomingMessage) => isForWebSocket(request, front.webSocketPaths),
        },
        refuseMalformed(listener),
      )) as typeof createServer,
  }) as Server
  webSockets.on('wsClientError', (_error, socket) => socket.end(malformedRequest(400)))
  server.maxConnections = maxConnections
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    socket.end(malformedRequest(error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400))
  })
  return drainHttp1(server, webSockets)
}

function createApp(front: HttpFront, config: EdgeConfig, log: Logger): Hono {
  const app = new Hono()
  app.use(async (context, next) => {
    // One id for the answer, the log and everything that the call causes.
    const requestId = requestIdOf(context.req.raw.headers)
    context.set('requestId', requestId)
    await next()
    if (!context.res.headers.has('x-request-id')) context.header('x-request-id', requestId)
    const { method, path } = context.req
    const { status } = context.res
    front.metrics.httpAnswered(method, status)
    log.debug({ requestId, method, path, status }, 'request')
  })
  app.use(allowOrigins(config.corsOrigins))
  app.use(guardOrigin(config.openMode, config.corsOrigins))
  addHealthRoutes(app, front.name, front.readiness, front.metrics)
  addRestRoutes(app, front.routes, front.transport, config.limits)
  for (const handler of front.handlers)
    app.on([...handler.allowedMethods], [handler.requestPath], (context) => call(handler, context))
  front.addRoutes(app, upgradeWebSocket)
  app.notFound((context) => unroutedResponse(app, context))
  app.onError((error, context) => errorResponse(context, error, log))
  return app
}

async function call(handler: UniversalHandler, context: Context): Promise<Response> {
  const request = universalServerRequestFromFetch(context.req.raw, { httpVersion: '1.1' })
  const header = new Headers(request.header)
  header.set('x-request-id', context.get('requestId'))
  const response = await handler({ ...request, header })
  // Only for a content type or method that no protocol here has: the rest are answers of those protocols.
  if (response.body === undefined) return respondWith(context, unsupportedMediaType, response.status)
  return universalServerResponseToFetch(response)
}

const unsupportedMediaType = new Refusal('invalid_request', 'neither Connect nor gRPC-web in this form', {
  'Content-Type': 'must be one of the Connect or gRPC-web protocols',
})

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** What the adapter could not make a Request of is answered here, with the documented body. */
function refuseMalformed(listener: Listener): Listener {
  return (request, response) => {
    if (urlOf(request) !== null) return listener(request, response)
    response.writeHead(400, { 'content-type': 'application/json', connection: 'close' }).end(malformedRequestBody)
  }
}

/** Whether the request is one for a WebSocket where there is one; what the handshake lacks is found later. */
function isForWebSocket(request: IncomingMessage, paths: readonly string[]): boolean {
  const wantsOne = request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket'
  return wantsOne && paths.includes(urlOf(request)?.pathname ?? '')
}

/** Null where target and host do not make a URL of this server. */
function urlOf(request: IncomingMessage): URL | null {
  const url = URL.parse(request.url ?? '', `http://${request.headers.host ?? ''}`)
  return url !== null && url.host !== '' && request.url?.startsWith('/') === true ? url : null
}

function malformedRequest(status: 400 | 431): string {
  const reason = status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'
  const headers = [
    'content-type: application/json',
    `content-length: ${malformedRequestBody.length}`,
    'connection: close',
  ]
  return [`HTTP/1.1 ${status} ${reason}`, ...headers, '', malformedRequestBody].join('\r\n')
}
