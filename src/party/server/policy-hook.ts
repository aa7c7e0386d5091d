/**
 * The operator's last word on every signature: a question by HTTP to a service of their own, which knows limits,
 * allow-lists and people that this party does not. The question is signed with the party's identity (docs/operations.md
 * has the bytes); whatever is not a clear yes in time is a no.
 */
import { randomUUID } from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { isLoopbackHost } from '../../edge/loopback.ts'
import { readAuthorities, type NamedFile } from '../../edge/tls/pem-files.ts'
import type { Identity } from '../../identity/identity-key.ts'
import { statement } from '../../identity/statement.ts'
import { policyHash } from '../../policy/key-policy.ts'
import type { SigningPolicy } from '../approval.ts'
import type { Clock } from '../clock.ts'
import { AnswerTooLong, post, untrustedAuthority } from '../node/post.ts'
import type { SignTerms } from '../session/terms.ts'

export type PolicyHookOptions = Readonly<{
  /** As `isHookUrl` accepts it. */
  url: string
  /** Whose certificates are accepted; null: whom Node trusts. */
  authorities: NamedFile | null
  timeoutMs: number
  deviceId: string
  identity: Identity
  clock: Clock
}>

const maxAnswerBytes = 16_384
const formatVersion = 1

/**
 * https, or http to this machine: the answer carries no signature of its own, so whoever could change it on the way
 * would be the one who allows.
 */
export function isHookUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}

/** Throws ConfigurationError where the authorities cannot be used. */
export function policyHook(options: PolicyHookOptions): SigningPolicy {
  const { authorities } = options
  let ca = authorities === null ? undefined : readAuthorities(authorities)
  return {
    decide: async (terms, signal) => {
      const requestId = randomUUID()
      if (authorities !== null) ca = renewed(authorities) ?? ca
      const problem = await askHook(options, ca, requestId, terms, signal)
      if (problem === null) return { allow: true, detail: `policy hook request ${requestId} was allowed` }
      return { allow: false, detail: `policy hook request ${requestId}: ${problem}` }
    },
  }
}

/** Read for every question; null while the file is being written. */
function renewed(authorities: NamedFile): string | null {
  try {
    return readAuthorities(authorities)
  } catch {
    return null
  }
}

/** Null for a yes, else why it is none. */
async function askHook(
  options: PolicyHookOptions,
  ca: string | undefined,
  requestId: string,
  terms: SignTerms,
  ended: AbortSignal,
): Promise<string | null> {
  const { url, timeoutMs } = options
  const body = utf8ToBytes(JSON.stringify(question(options, requestId, terms)))
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const { status, body: answer } = await post({
      url: new URL(url),
      headers: await signedHeaders(options, requestId, body),
      body,
      ca,
      maxAnswerBytes,
      signal: AbortSignal.any([ended, timeout]),
    })
    if (status !== 200) return `answered with status ${status}`
    return problemOf(new TextDecoder().decode(answer), requestId)
  } catch (error) {
    if (timeout.aborted) return `no answer within ${timeoutMs} ms`
    if (error instanceof AnswerTooLong) return `answered with more than ${maxAnswerBytes} bytes`
    const untrusted = untrustedAuthority(error)
    if (untrusted !== null) return `cannot be asked: MPC_POLICY_HOOK_CA_FILE must hold its authority (${untrusted})`
    return `cannot be asked: ${error instanceof Error ? error.message : 'unknown'}`
  }
}

function question({ deviceId }: PolicyHookOptions, requestId: string, terms: SignTerms) {
  const { sessionId, keyId, keyType, publicKey, thresholdT, thresholdN, partyIds, message, policy, approvals } = terms
  const signsMessage = keyType === 'eddsa-ed25519'
  return {
    version: formatVersion,
    request_id: requestId,
    device_id: deviceId,
    session_id: sessionId,
    key_id: keyId,
    key_type: keyType,
    public_key: publicKey,
    threshold_t: thresholdT,
    threshold_n: thresholdN,
    participants: partyIds,
    ...(signsMessage
      ? { message: Buffer.from(message).toString('base64') }
      : { message_hash: bytesToHex(message) }),
    policy_hash: policy === null ? null : bytesToHex(policyHash(policy)),
    // Of a key with a policy: verified. Of one without: nobody's word.
    approvals: (policy === null ? [] : approvals).map(({ approver, nonce, expiresAt }) => {
      return { approver, nonce, expires_at: expiresAt }
    }),
  }
}

async function signedHeaders(
  { url, deviceId, identity, clock }: PolicyHookOptions,
  requestId: string,
  body: Uint8Array,
): Promise<Readonly<Record<string, string>>> {
  const timestampMs = clock.nowMs()
  const signed = statement('policyHook', [deviceId, url, requestId, timestampMs, sha256(body)])
  return {
    accept: 'application/json',
    'mpc-device-id': deviceId,
    'mpc-request-id': requestId,
    'mpc-timestamp': String(timestampMs),
    'mpc-signature': bytesToHex(await identity.sign(signed)),
  }
}

function problemOf(text: string, requestId: string): string | null {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return 'answered with something else than JSON'
  }
  if (typeof answer !== 'object' || answer === null) return 'answered with something else than an object'
  if (!('request_id' in answer) || answer.request_id !== requestId) return 'answered to another request'
  return 'allow' in answer && answer.allow === true ? null : 'denied'
}
