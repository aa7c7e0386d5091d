/** What an HTTP/2 stream carries, with a bound on what a slow client can hold. */
import { constants, type Http2ServerResponse, type Http2Session, type ServerHttp2Stream } from 'node:http2'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { connectErrorOf } from './refusal-error.ts'
import { Refusal } from './refusal.ts'

/**
 * Writes the response at the speed of the client. Where the client has not sent all of its request, because it was
 * refused before, the stream is ended all the same (RFC 9113, section 8.1). Throws when the client goes away.
 */
export async function sendResponse(answer: UniversalServerResponse, response: Http2ServerResponse): Promise<void> {
  const { stream } = response
  const head = () => response.writeHead(answer.status, Object.fromEntries(answer.header ?? []))
  // Node's own listener queues the trailers before this one is called; a reset in the same turn would overtake them.
  stream.once('wantTrailers', () => {
    if (!stream.readableEnded) setImmediate(() => abandon(stream))
  })
  // Headers leave with the first message: until then the handler may add some.
  for await (const chunk of answer.body ?? []) {
    if (!response.headersSent) head()
    if (!response.write(chunk)) await drained(stream)
  }
  if (!response.headersSent) head()
  response.addTrailers(Object.fromEntries(readableTrailer(answer.trailer)))
  response.end()
}

/**
 * Connect percent-encodes all of grpc-message that a URL would not hold. Clients that decode no more than the gRPC
 * protocol asks for ("Responses": `%` and what is not printable ASCII) would show commas and colons as codes.
 */
function readableTrailer(trailer = new Headers()): Headers {
  const message = trailer.get('grpc-message')
  if (message === null) return trailer
  const readable = new Headers(trailer)
  readable.set('grpc-message', decodeURIComponent(message).replace(/[^ -$&-~]+/gu, encodeURIComponent))
  return readable
}

/** Node keeps a closed stream with what came on it and was not read as long as the connection, unless destroyed. */
function abandon(stream: ServerHttp2Stream): void {
  stream.close(constants.NGHTTP2_NO_ERROR)
  stream.destroy()
}

async function drained(stream: ServerHttp2Stream): Promise<void> {
  if (!stream.closed) {
    await new Promise<void>((resolve) => {
      const ready = () => {
        stream.off('drain', ready).off('close', ready)
        resolve()
      }
      stream.once('drain', ready).once('close', ready)
    })
  }
  if (stream.closed) throw new Error('the stream was closed while a response was written')
}

/** Ends the stream when the client has left bytes unread for so long; its connection too, if it does not answer. */
export function dropWhenStalled(stream: ServerHttp2Stream, slowClientMs: number, dropped: () => void): void {
  stream.setTimeout(slowClientMs)
  // Not as setTimeout's callback, which is called once: a silence is followed by messages again.
  stream.on('timeout', () => {
    // An idle stream has nothing to send: that is no fault of the client's.
    if (stream.writableLength === 0) return
    dropped()
    const { session } = stream
    stream.close(constants.NGHTTP2_CANCEL)
    if (session !== undefined) dropWhenSilent(session, slowClientMs, dropped)
  })
}

/** A client that reads nothing at all does not see the end of a stream, nor a ping. */
function dropWhenSilent(session: Http2Session, timeoutMs: number, dropped: () => void): void {
  const timer = setTimeout(() => {
    dropped()
    session.destroy()
  }, timeoutMs)
  // Where too many pings are out already, one of them decides.
  if (session.destroyed || !session.ping(() => clearTimeout(timer))) clearTimeout(timer)
}

/** `body`, which fails with Refusal 'invalid_request' where it takes longer than `timeoutMs` to arrive. */
export async function* arrivingWithin(
  body: AsyncIterable<Uint8Array>,
  timeoutMs: number,
): AsyncIterable<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(connectErrorOf(tooSlow(timeoutMs))), timeoutMs)
  })
  late.catch(() => undefined)
  try {
    for (;;) {
      const chunk = await Promise.race([chunks.next(), late])
      if (chunk.done === true) return
      yield chunk.value
    }
  } finally {
    clearTimeout(timer)
    // Not awaited: a client that sends nothing more settles this only when it goes away.
    void chunks.return?.().catch(() => undefined)
  }
}

function tooSlow(timeoutMs: number): Refusal {
  const problem = `must arrive within ${timeoutMs} ms`
  return new Refusal('invalid_request', `the request ${problem}`, { body: problem })
}
