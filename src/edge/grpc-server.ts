/**
 * The gRPC port: HTTP/2, with TLS or without. Connect's own Node adapter throws out of the request listener on a
 * malformed authority, which would end the process, writes to the console, and leaves a stream open whose client was
 * refused before it had sent everything; hence this one.
 */
import { randomUUID } from 'node:crypto'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { universalRequestFromNodeRequest } from '@connectrpc/connect-node'
import type { UniversalHandler, UniversalServerRequest } from '@connectrpc/connect/protocol'
import { createArrivals } from './arriving-bytes.ts'
import { requestIdOf } from './caller.ts'
import { clientAddress, clientAddressHeader } from './client-address.ts'
import { arrivingWithin, dropWhenStalled, sendResponse } from './http2-stream.ts'
import type { EdgeLimits } from './limits.ts'
import { drainHttp2, type Closable } from './listening.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { isFromPage } from './origin-guard.ts'
import type { PortTls } from './tls/listener.ts'

/** Room for several 64 KiB protocol messages before a sender waits for a window update. */
const streamWindowBytes = 1_048_576
const connectionWindowBytes = 4_194_304

/** UNIMPLEMENTED as a response of headers only, which a gRPC client shows better than an HTTP 404. */
const unknownMethod = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-status': '12',
  'grpc-message': 'unknown method',
}

export function createGrpcServer(
  handlers: readonly UniversalHandler[],
  limits: EdgeLimits,
  metrics: Metrics,
  log: Logger,
  tls: PortTls | null,
): Closable<Http2Server | Http2SecureServer> {
  const beginArrival = createArrivals(limits, metrics)
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]))
  const options = {
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
      initialWindowSize: streamWindowBytes,
    },
    streamResetBurst: limits.streamResetBurst,
    streamResetRate: limits.streamResetsPerSecond,
  }
  const answer = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const { stream } = response
    const received = receive(request, response, limits.trustedProxies)
    if (received === null) return void response.writeHead(400, { 'x-request-id': randomUUID() }).end()
    // With TLS browsers could speak to this port, which has none of the HTTP port's guards against pages.
    if (isFromPage(received.header)) return void response.writeHead(403, { 'x-request-id': randomUUID() }).end()
    const requestId = requestIdOf(received.header)
    const handler = byPath.get(request.url.split('?', 1)[0] ?? '')
    if (handler === undefined) {
      return void stream.respond({ ...unknownMethod, 'x-request-id': requestId }, { endStream: true })
    }
    dropWhenStalled(stream, limits.slowClientMs, () => metrics.limited('slow_client'))
    received.header.set('x-request-id', requestId)
    const arrival = beginArrival(received.header.get(clientAddressHeader) ?? '')
    stream.once('close', arrival.close)
    void respond(handler, withinTime(handler, received, arrival.counted(request), limits), response, log)
  }
  const server =
    tls === null ? createServer(options, answer) : createSecureServer({ ...options, ...tls.options }, answer)
  const cutRest = tls?.guard(server as Http2SecureServer) ?? (() => {})
  server.on('connection', (socket) => socket.setNoDelay(true).setKeepAlive(true, 30_000))
  server.on('drop', () => metrics.limited('connections'))
  server.maxConnections = limits.maxConnections
  return drainHttp2(server, connectionWindowBytes, limits.requestTimeoutMs, cutRest)
}

async function respond(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  response: Http2ServerResponse,
  log: Logger,
): Promise<void> {
  try {
    const answer = await handler(request)
    const header = new Headers(answer.header)
    header.set('x-request-id', request.header.get('x-request-id') ?? '')
    await sendResponse({ ...answer, header }, response)
  } catch (err) {
    // The handler has already turned every failure into a response: what remains is a peer that went away.
    log.debug({ err, requestId: request.header.get('x-request-id') }, 'response not delivered')
    response.stream?.close()
  }
}

/** Null where :authority or :path do not make a URL. */
function receive(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  trustedProxies: number,
): UniversalServerRequest | null {
  try {
    const received = universalRequestFromNodeRequest(request, response, undefined, undefined)
    const { header } = received
    const { remoteAddress } = request.socket
    header.set(clientAddressHeader, clientAddress(remoteAddress, header.get('x-forwarded-for'), trustedProxies))
    return received
  } catch {
    return null
  }
}

/** A client that streams messages may take its time between them; one that sends a single one may not. */
function withinTime(
  { method }: UniversalHandler,
  received: UniversalServerRequest,
  body: AsyncIterable<Uint8Array>,
  { requestTimeoutMs }: EdgeLimits,
): UniversalServerRequest {
  const isSingle = method.methodKind === 'unary' || method.methodKind === 'server_streaming'
  return isSingle ? { ...received, body: arrivingWithin(body, requestTimeoutMs) } : received
}
