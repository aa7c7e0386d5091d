/** The HTTP port: REST, Connect and gRPC-web for browsers, health, metrics, and what a service adds (a WebSocket). */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { createAdaptorServer, upgradeWebSocket, type WebSocketServerLike } from '@hono/node-server'
import type { Transport } from '@connectrpc/connect'
import {
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
  type UniversalHandler,
} from '@connectrpc/connect/protocol'
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import type { UpgradeWebSocket } from 'hono/ws'
import { WebSocketServer } from 'ws'
import type { Admission } from './admission.ts'
import { createArrivals, type Arrival } from './arriving-bytes.ts'
import { readCaller, requestIdOf } from './caller.ts'
import { clientAddress, clientAddressHeader } from './client-address.ts'
import type { EdgeConfig } from './config.ts'
import { addHealthRoutes } from './health-routes.ts'
import { errorResponse, respondWith, routeOf, unroutedResponse } from './http-errors.ts'
import { drainHttp1, type Closable } from './listening.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { addOpenApiRoutes } from './openapi-routes.ts'
import { allowOrigins, guardOrigin } from './origin-guard.ts'
import { errorBody, faultyRequest, malformedRequest } from './raw-response.ts'
import type { Readiness } from './readiness.ts'
import { Refusal } from './refusal.ts'
import { addRestRoutes, type RestRoute } from './rest-routes.ts'
import { safeHeaders, withSafeHeaders } from './safe-headers.ts'
import type { PortTls } from './tls/listener.ts'
import { connectionOf, isUpgrade, onceOver } from './upgrade-refusal.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Of the request at hand; also in its X-Request-Id response header. */
    requestId: string
    /** Where it comes from, as limits count it. */
    clientAddress: string
    /** Counts its body while that arrives. */
    arrival: Arrival
  }
}

export type HttpFront = Readonly<{
  name: string
  /** The service's document in docs/openapi. */
  openApi: string | null
  routes: readonly RestRoute[]
  /** Runs REST calls through the pipeline. */
  transport: Transport
  /** Connect and gRPC-web. */
  handlers: readonly UniversalHandler[]
  readiness: Readiness
  metrics: Metrics
  admission: Admission
  addRoutes: (app: Hono, upgrade: UpgradeWebSocket) => void
  webSocketPaths: readonly string[]
  /** The subprotocols spoken there. */
  webSocketProtocols: readonly string[]
}>

export function createHttpServer(
  front: HttpFront,
  config: EdgeConfig,
  log: Logger,
  tls: PortTls | null,
): Closable<Server> {
  const app = createApp(front, config, log)
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: config.limits.maxBodyBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => front.webSocketProtocols.find((name) => offered.has(name)) ?? false,
  })
  const { maxHeaderBytes, requestTimeoutMs, maxConnections, slowClientMs } = config.limits
  const { metrics } = front
  const options = {
    maxHeaderSize: maxHeaderBytes,
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    // Node would answer by itself, without our headers and body: refuseMalformed does.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 10),
    // Other upgrades (h2c, which some clients offer with every request) are answered as plain HTTP/1.1.
    shouldUpgradeCallback: (request: IncomingMessage) => isForWebSocket(request, front.webSocketPaths),
  }
  let cutRest = (): void => {}
  const create = (listener: Listener): Server => {
    if (tls === null) return createServer(options, listener)
    const server: TlsServer = createTlsServer({ ...options, ...tls.options, ALPNProtocols: ['http/1.1'] }, listener)
    cutRest = tls.guard(server)
    return server
  }
  // createAdaptorServer gives what its createServer option made.
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    // `ws` is what the adapter is written for; its types differ in optional properties only.
    websocket: { server: webSockets as unknown as WebSocketServerLike },
    createServer: ((_: unknown, listener: Listener) => {
      const bounded = dropSlowReaders(listener, slowClientMs, metrics)
      return create(withSafeHeaders(refuseMalformed(bounded)))
    }) as typeof createServer,
  }) as Server
  // The same for an Expect that is not 100-continue.
  server.on('checkExpectation', (_request, response: ServerResponse) => answerMalformed(response, 417, unmetExpectation))
  webSockets.on('wsClientError', (_error, socket) => socket.end(faultyRequest(undefined, socket)))
  server.maxConnections = maxConnections
  server.on('drop', () => metrics.limited('connections'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') metrics.limited('slow_client')
    socket.end(faultyRequest(error.code, socket))
  })
  return drainHttp1(server, webSockets, cutRest)
}

function createApp(front: HttpFront, config: EdgeConfig, log: Logger): Hono {
  const app = new Hono()
  const beginArrival = createArrivals(config.limits, front.metrics)
  app.use(async (context, next) => {
    // One id for the answer, the log and everything that the call causes.
    const requestId = requestIdOf(context.req.raw.headers)
    context.set('requestId', requestId)
    const { remoteAddress } = connectionOf(context)
    const forwardedFor = context.req.header('x-forwarded-for') ?? null
    const address = clientAddress(remoteAddress, forwardedFor, config.limits.trustedProxies)
    const arrival = beginArrival(address)
    onceOver(context, arrival.close)
    context.set('clientAddress', address)
    context.set('arrival', arrival)
    await next()
    if (!context.res.headers.has('x-request-id')) context.header('x-request-id', requestId)
    const { method } = context.req
    const { status } = context.res
    front.metrics.httpAnswered(method, status)
    log.debug({ requestId, method, route: routeOf(context), status }, 'request')
  })
  app.use(allowOrigins(config.corsOrigins))
  app.use(guardOrigin(config.openMode, config.corsOrigins))
  addHealthRoutes(app, front.name, front.readiness, front.metrics)
  for (const handler of front.handlers)
    app.on([...handler.allowedMethods], [handler.requestPath], (context) => call(handler, context))
  // Calls by RPC are counted by their pipeline, which refuses in the terms of their protocol.
  app.use(countCalls(front.admission))
  if (front.openApi !== null) addOpenApiRoutes(app, front.name, front.openApi)
  addRestRoutes(app, front.routes, front.transport, config.limits)
  front.addRoutes(app, upgradeWebSocket)
  app.notFound((context) => unroutedResponse(app, context))
  app.onError((error, context) => {
    // What comes from a pipeline is a ConnectError, and has been counted there.
    if (error instanceof Refusal && error.code === 'unauthorized')
      front.admission.authenticationFailed(readCaller(headersWithAddress(context), config))
    return errorResponse(context, error, log)
  })
  return app
}

function countCalls(admission: Admission): MiddlewareHandler {
  return async (context, next) => {
    const caller = await admission.admit(headersWithAddress(context))
    if (isUpgrade(context)) {
      const socket = connectionOf(context)
      socket.once(
        'close',
        admission.openStream(caller, () => socket.destroy()),
      )
    }
    await next()
  }
}

function headersWithAddress(context: Context): Headers {
  const headers = new Headers(context.req.raw.headers)
  headers.set(clientAddressHeader, context.get('clientAddress'))
  return headers
}

async function call(handler: UniversalHandler, context: Context): Promise<Response> {
  const request = universalServerRequestFromFetch(context.req.raw, { httpVersion: '1.1' })
  const header = new Headers(request.header)
  header.set('x-request-id', context.get('requestId'))
  header.set(clientAddressHeader, context.get('clientAddress'))
  // Fetch's bodies are streams of bytes.
  const body = context.get('arrival').counted(request.body as AsyncIterable<Uint8Array>)
  const response = await handler({ ...request, header, body })
  // Only for a content type or method that no protocol here has: the rest are answers of those protocols.
  if (response.body === undefined) return respondWith(context, unsupportedMediaType, response.status)
  return universalServerResponseToFetch(response)
}

const unsupportedMediaType = new Refusal('invalid_request', 'neither Connect nor gRPC-web in this form', {
  'Content-Type': 'must be one of the Connect or gRPC-web protocols',
})

const unmetExpectation = new Refusal('invalid_request', 'the request expects what nobody does here', {
  Expect: 'must be 100-continue, or left out',
})

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** What the adapter could not make a Request of is answered here, with the documented body. */
function refuseMalformed(listener: Listener): Listener {
  return (request, response) => {
    if (urlOf(request) !== null) listener(request, response)
    else answerMalformed(response, 400, malformedRequest)
  }
}

function answerMalformed(response: ServerResponse, status: number, refusal: Refusal): void {
  const headers = { 'content-type': 'application/json', 'x-request-id': randomUUID(), connection: 'close' }
  response.writeHead(status, { ...safeHeaders(response.req.socket), ...headers }).end(errorBody(refusal))
}

/** A client that leaves bytes unread for so long holds memory that others need. */
function dropSlowReaders(listener: Listener, slowClientMs: number, metrics: Metrics): Listener {
  return (request, response) => {
    response.setTimeout(slowClientMs, () => {
      const { socket } = request
      // An idle stream has nothing to send: that is no fault of the client's.
      if (socket.writableLength === 0) return
      metrics.limited('slow_client')
      socket.destroy()
    })
    listener(request, response)
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
