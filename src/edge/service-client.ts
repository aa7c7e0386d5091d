/** Calls from one service to another: gRPC over one kept-alive HTTP/2 connection. */
import type { ClientHttp2Stream, Http2Session } from 'node:http2'
import type { DescService } from '@bufbuild/protobuf'
import { createClient, type Client, type Interceptor, type Transport } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { createConnector } from './tls/connector.ts'
import type { ClientTlsFiles } from './tls/tls-config.ts'

export type ServiceConnection = Readonly<{
  transport: Transport
  client: <S extends DescService>(service: S) => Client<S>
  /** Ends open calls and streams and closes the connection. */
  close: () => void
}>

export type ServiceConnectionOptions = Readonly<{
  /** Sent as `Authorization: Bearer …` with calls that have no Authorization of their own. */
  bearer?: string
  /** Deadline of unary calls that set none. Streams have none. */
  deadlineMs?: number
  maxMessageBytes?: number
  /** Whom to trust and what to show over https. Absent or null: whom Node trusts, and nothing. */
  tls?: ClientTlsFiles | null
}>

/**
 * A connection to the service at `url` (`http://host:port` or `https://host:port`), opened with the first call and
 * reopened after a loss. Messages are not compressed: payloads here are random bytes.
 */
export function connectService(url: string, options: ServiceConnectionOptions = {}): ServiceConnection {
  const { bearer, deadlineMs = 10_000, maxMessageBytes = 4_194_304, tls = null } = options
  const liveness = {
    pingIntervalMs: 10_000,
    // Pinging idle connections would go on after a connection broke with streams on it, and throw out of a timer. An
    // idle one is verified before its next call all the same.
    pingIdleConnection: false,
    pingTimeoutMs: 5_000,
  }
  const secured = tls !== null && url.startsWith('https:')
  const sessionManager = new GuardedSessions(
    url,
    liveness,
    secured ? { createConnection: createConnector(tls) } : undefined,
  )
  const grpc = createGrpcTransport({
    baseUrl: url,
    sessionManager,
    acceptCompression: [],
    readMaxBytes: maxMessageBytes,
    interceptors: bearer === undefined ? [] : [withBearer(bearer)],
  })
  const transport: Transport = {
    unary: (method, signal, timeoutMs, ...rest) => grpc.unary(method, signal, timeoutMs ?? deadlineMs, ...rest),
    stream: (...call) => grpc.stream(...call),
  }
  return { transport, client: (service) => createClient(service, transport), close: () => sessionManager.abort() }
}

/**
 * Listens to the errors of its connections for as long as they live. Connect stops when it gives a connection up, and
 * Node may tell of the error after that: of a peer that speaks something else than HTTP/2, say. Heard by nobody it
 * would end the process.
 */
class GuardedSessions extends Http2SessionManager {
  readonly #guarded = new WeakSet<Http2Session>()

  override async request(...call: Parameters<Http2SessionManager['request']>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...call)
    const { session } = stream
    if (session !== undefined && !this.#guarded.has(session)) {
      this.#guarded.add(session)
      session.on('error', () => undefined)
    }
    return stream
  }
}

function withBearer(bearer: string): Interceptor {
  return (next) => (request) => {
    if (!request.header.has('authorization')) request.header.set('authorization', `Bearer ${bearer}`)
    return next(request)
  }
}
