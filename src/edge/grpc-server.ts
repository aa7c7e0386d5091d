/**
 * The gRPC port: HTTP/2 without TLS. Connect's own Node adapter throws out of the request listener on a malformed
 * authority, which would end the process, and writes to the console; hence this one.
 */
import { createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import type { EdgeLimits } from './config.ts'
import { drainHttp2, type Closable } from './listening.ts'
import type { Logger } from './log.ts'

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
  log: Logger,
): Closable<Http2Server> {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]))
  const server = createServer(
    {
      settings: {
        maxConcurrentStreams: limits.maxConcurrentStreams,
        maxHeaderListSize: limits.maxHeaderBytes,
        initialWindowSize: streamWindowBytes,
      },
      streamResetBurst: limits.streamResetBurst,
      streamResetRate: limits.streamResetsPerSecond,
    },
    (request, response) => {
      const handler = byPath.get(request.url.split('?', 1)[0] ?? '')
      if (handler === undefined) return void response.stream.respond(unknownMethod, { endStream: true })
      void respond(handler, request, response, log)
    },
  )
  server.on('connection', (socket) => socket.setNoDelay(true).setKeepAlive(true, 30_000))
  server.maxConnections = limits.maxConnections
  return drainHttp2(server, connectionWindowBytes)
}

async function respond(
  handler: UniversalHandler,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  log: Logger,
): Promise<void> {
  const received = receive(request, response)
  if (received === null) return void response.writeHead(400).end()
  try {
    await universalResponseToNodeResponse(await handler(received), response)
  } catch (err) {
    // The handler has already turned every failure into a response: what remains is a peer that went away.
    log.debug({ err }, 'response not delivered')
    response.stream?.close()
  }
}

/** Null where :authority or :path do not make a URL. */
function receive(request: Http2ServerRequest, response: Http2ServerResponse) {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, undefined)
  } catch {
    return null
  }
}
