/** One HTTP POST to a key service, bounded in time and size, repeated a few times while the service is away. */
import { systemClock } from '../../clock.ts'
import { post, untrustedAuthority, type Post, type PostAnswer } from '../post.ts'

/** `timeoutMs` is of one attempt. */
export type ServiceCall = Pick<Post, 'url' | 'headers' | 'body' | 'ca'> & Readonly<{ timeoutMs: number }>

/** The service gave no answer, or none to go on with, in all attempts. */
export class ServiceAway extends Error {}
/**
 * Its certificate is of an authority that it must not be of: nothing was sent. The message is OpenSSL's name for it.
 */
export class ServiceUntrusted extends Error {}

const retryDelaysMs = [250, 1_000]
const maxAnswerBytes = 65_536

/** Statuses of a service that is busy, sealed, starting or behind. */
const passing: ReadonlySet<number> = new Set([408, 412, 425, 429, 500, 502, 503, 504])

/** @throws ServiceAway, ServiceUntrusted */
export async function callService({ timeoutMs, ...call }: ServiceCall): Promise<PostAnswer> {
  for (let attempt = 0; ; attempt++) {
    const signal = AbortSignal.timeout(timeoutMs)
    const answer = await post({ ...call, maxAnswerBytes, signal }).catch((error: unknown) => problemOf(error))
    if (typeof answer !== 'string' && !passing.has(answer.status)) return answer
    const problem = typeof answer === 'string' ? answer : `answers ${answer.status}`
    const delayMs = retryDelaysMs[attempt]
    if (delayMs === undefined) throw new ServiceAway(problem)
    await systemClock.sleep(delayMs, new AbortController().signal)
  }
}

/** A code such as ECONNREFUSED or CERT_HAS_EXPIRED says more than its message, and holds nothing of the call. */
function problemOf(error: unknown): string {
  const untrusted = untrustedAuthority(error)
  if (untrusted !== null) throw new ServiceUntrusted(untrusted)
  if (!(error instanceof Error)) return 'the call failed'
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'does not answer in time'
  return 'code' in error ? String(error.code) : error.message
}
