/** One HTTP POST to a key service, bounded in time and size, repeated a few times while the service is away. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { systemClock } from '../../clock.ts'

export type ServiceAnswer = Readonly<{ status: number; /** Wipe it after use. */ body: Uint8Array }>

export type ServiceCall = Readonly<{
  url: URL
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  /** PEM; undefined: what Node trusts. */
  ca: string | undefined
  /** Of one attempt. */
  timeoutMs: number
}>

/** The service gave no answer, or none to go on with, in all attempts. */
export class ServiceAway extends Error {}

const retryDelaysMs = [250, 1_000]
const maxAnswerBytes = 65_536

/** Statuses of a service that is busy, sealed, starting or behind. */
const passing: ReadonlySet<number> = new Set([408, 412, 425, 429, 500, 502, 503, 504])

/** @throws ServiceAway */
export async function callService(call: ServiceCall): Promise<ServiceAnswer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await attemptOnce(call).catch((error: unknown) => problemOf(error))
    if (typeof answer !== 'string' && !passing.has(answer.status)) return answer
    const problem = typeof answer === 'string' ? answer : `answers ${answer.status}`
    const delayMs = retryDelaysMs[attempt]
    if (delayMs === undefined) throw new ServiceAway(problem)
    await systemClock.sleep(delayMs, new AbortController().signal)
  }
}

function attemptOnce({ url, headers, body, ca, timeoutMs }: ServiceCall): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': body.length },
      signal: AbortSignal.timeout(timeoutMs),
      agent: false,
    } as const
    const sent =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...(ca !== undefined && { ca }) })
        : httpRequest(url, options)
    sent.once('response', (response) => {
      readAnswer(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Uint8Array> {
  const whole = new Uint8Array(maxAnswerBytes)
  let length = 0
  try {
    // Without an encoding a response gives Buffers.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (length + chunk.length > maxAnswerBytes) throw new Error('the answer is too long')
      whole.set(chunk, length)
      length += chunk.length
      chunk.fill(0)
    }
    return whole.slice(0, length)
  } finally {
    whole.fill(0)
  }
}

/** A code such as ECONNREFUSED or CERT_HAS_EXPIRED says more than its message, and holds nothing of the call. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the call failed'
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'does not answer in time'
  return 'code' in error ? String(error.code) : error.message
}
