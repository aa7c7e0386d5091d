/**
 * One HTTP POST on a connection of its own, its answer bounded in size; the caller bounds its time. Redirections are
 * not followed.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

export type Post = Readonly<{
  url: URL
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  /** PEM: whose certificates are accepted; undefined: whom Node trusts. */
  ca: string | undefined
  maxAnswerBytes: number
  signal: AbortSignal
}>

export type PostAnswer = Readonly<{
  status: number
  /** The only copy: wipe it where it is secret. */
  body: Uint8Array
}>

export class AnswerTooLong extends Error {}

/** Rejects with what Node says of the connection, or AnswerTooLong. */
export function post({ url, headers, body, ca, maxAnswerBytes, signal }: Post): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': body.length },
      signal,
      agent: false,
    } as const
    const sent =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...(ca !== undefined && { ca }) })
        : httpRequest(url, options)
    sent.once('response', (response) => {
      const { statusCode = 0 } = response
      readAnswer(response, maxAnswerBytes).then((read) => resolve({ status: statusCode, body: read }), reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Of OpenSSL's verification (X509_V_ERR_…): the chain leads to no authority that we were told to trust. */
const untrusted: ReadonlySet<unknown> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
])

/** What OpenSSL calls it where the certificate was of another authority; null for every other failure of `post`. */
export function untrustedAuthority(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return untrusted.has(code) ? String(code) : null
}

async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(maxBytes)
  let length = 0
  try {
    // Without an encoding a response gives Buffers.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (length + chunk.length > maxBytes) throw new AnswerTooLong('the answer is too long')
      whole.set(chunk, length)
      length += chunk.length
      chunk.fill(0)
    }
    return whole.slice(0, length)
  } finally {
    whole.fill(0)
  }
}
