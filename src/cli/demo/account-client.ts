/** The account service as any web client sees it: documented HTTP and JSON. */
import type { KeyType } from '../../crypto/key-type.ts'

export type Participant = Readonly<{ party_id: string; device_type: string; device_id: string }>

export type OpenedSession = Readonly<{ session_id: string; join_tokens: Readonly<Record<string, string>> }>

export type MpcSession = Readonly<{
  status: string
  completed_parties: number
  total_parties: number
  public_key?: string
  signature?: string
  recovery_id?: number
}>

/** As the API has them. */
export type PolicyBody = Readonly<{ approvers: readonly string[]; required_approvals: number }>
export type ApprovalBody = Readonly<{ approver: string; nonce: string; expires_at: number; signature: string }>

/** Base64 in JSON. */
export type ToSign = Readonly<{ message_hash: string } | { message: string }>

export type AccountClient = Readonly<{
  createKeygen(
    thresholdT: number,
    thresholdN: number,
    participants: readonly Participant[],
    keyType: KeyType,
    policy: PolicyBody,
  ): Promise<OpenedSession>
  createSigning(
    accountId: string,
    toSign: ToSign,
    participants: readonly Participant[],
    approvals: readonly ApprovalBody[],
  ): Promise<OpenedSession>
  session(sessionId: string): Promise<MpcSession>
  createAccount(username: string, email: string, publicKey: string): Promise<Readonly<{ id: string }>>
}>

/** Throws Error with the service's own message when a request is refused. */
export function accountClient(url: string): AccountClient {
  // The shapes are those of the API reference, section 4.
  const send = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${url}${path}`, { method, ...init })
    const answer = (await response.json()) as T & Readonly<{ error?: string; message?: string }>
    if (!response.ok) throw new Error(`${method} ${path}: ${answer.error}: ${answer.message}`)
    return answer
  }
  return {
    createKeygen: (threshold_t, threshold_n, participants, key_type, policy) =>
      send('POST', '/api/v1/mpc/keygen', { threshold_n, threshold_t, participants, key_type, policy }),
    createSigning: (account_id, toSign, participants, approvals) =>
      send('POST', '/api/v1/mpc/sign', { account_id, ...toSign, participants, approvals }),
    session: (sessionId) => send('GET', `/api/v1/mpc/sessions/${sessionId}`),
    createAccount: (username, email, publicKey) =>
      send('POST', '/api/v1/accounts', { username, email, phone: '+1234567890', publicKey }),
  }
}
