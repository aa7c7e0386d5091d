/** Sessions of a phone and a server party while services come and go: asked for until they are there. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionOutcome } from '../../../src/party/session/run.ts'
import type { Device } from '../../../src/cli/device.ts'
import { rest } from '../fixtures/rest.ts'
import { makeKey, server, sign, user, type OpenedSession } from '../fixtures/system.ts'

export type Ended = Readonly<{
  sessionId: string
  /** What the coordinator says in the end. */
  status: Record<string, unknown>
  /** What the phone says. */
  outcome: SessionOutcome
}>

/** Long enough for a busy machine to finish, short enough to notice who is stuck. */
export const expirySeconds = 60
const patienceMs = (expirySeconds + 60) * 1000
const pauseMs = 50

/** Where to find them; a device of its own for every session that runs at the same time is not needed. */
export type Places = Readonly<{ accountsUrl: string; coordinatorUrl: string; phone: Device }>

export const participants = [user, server] as const

/** One key generation, with everything asked for again until it is answered. */
export async function makeKeyTogether(places: Places): Promise<Ended> {
  const request = { threshold_n: 2, threshold_t: 2, participants, expires_in_seconds: expirySeconds }
  const session = await create(`${places.accountsUrl}/api/v1/mpc/keygen`, request)
  return ended(places, session, await makeKey(places.phone, user.party_id, session))
}

export async function signTogether(places: Places, accountId: string, messageHash: string): Promise<Ended> {
  const request = {
    account_id: accountId,
    message_hash: messageHash,
    participants,
    expires_in_seconds: expirySeconds,
  }
  const session = await create(`${places.accountsUrl}/api/v1/mpc/sign`, request)
  return ended(places, session, await sign(places.phone, user.party_id, session, messageHash))
}

export async function createAccount({ accountsUrl }: Places, publicKey: string): Promise<string> {
  const answer = await rest('POST', `${accountsUrl}/api/v1/accounts`, { username: `user-${randomUUID()}`, publicKey })
  if (answer.status !== 201) throw new Error(`no account: ${answer.status} ${JSON.stringify(answer.body)}`)
  return String(answer.body['id'])
}

/** Under one idempotency key, so that asking again opens no second session. */
async function create(url: string, body: unknown): Promise<OpenedSession> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
  return untilAnswered(async () => {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    const answer = (await response.json()) as OpenedSession
    if (response.status === 201) return answer
    if (response.status < 500) throw new Error(`refused: ${response.status} ${JSON.stringify(answer)}`)
    return null
  })
}

/** The session once it is over. Fails when it is not, past its expiry. */
async function ended(places: Places, { session_id }: OpenedSession, outcome: SessionOutcome): Promise<Ended> {
  const status = await untilAnswered(async () => {
    const { status: code, body } = await rest('GET', `${places.coordinatorUrl}/api/v1/sessions/${session_id}`)
    const isOver = ['completed', 'failed', 'expired'].includes(String(body['status']))
    return code === 200 && isOver ? body : null
  })
  return { sessionId: session_id, status, outcome }
}

async function untilAnswered<T>(ask: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await ask().catch((error: unknown) => {
      // What fetch throws when nobody listens, or whoever did has died.
      if (error instanceof TypeError) return null
      throw error
    })
    if (answer !== null) return answer
    if (performance.now() > deadline) throw new Error('nobody answers')
    await sleep(pauseMs)
  }
}
