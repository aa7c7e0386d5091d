/**
 * Headers of every response of the HTTP port, whoever makes it. Answers are data: no page may be made of them, shown in
 * a frame or guessed to be of another type, and what they say (join tokens, tickets, addresses) stays in no cache.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

const always = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/** RFC 6797; a year. Only over TLS of our own: a proxy that speaks TLS for us says it itself. */
const overTls = { 'strict-transport-security': 'max-age=31536000' } as const

export function safeHeaders(socket: Duplex): Readonly<Record<string, string>> {
  return 'encrypted' in socket ? { ...always, ...overTls } : always
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** `listener` with these headers set; it may replace single ones. */
export function withSafeHeaders(listener: Listener): Listener {
  return (request, response) => {
    for (const [name, value] of Object.entries(safeHeaders(request.socket))) response.setHeader(name, value)
    listener(request, response)
  }
}
