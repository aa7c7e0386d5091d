/**
 * Calls that come too early, too late or again: what each is answered at each stage of a session's life. Every call is
 * made twice; the second changes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { somePublicKey, type Opened } from './fixtures/documented.ts'
import { expectKeygenWorks, healthOf, openAttack, type Call, type Health } from './fixtures/hostile-calls.ts'
import { bring, stages } from './fixtures/session-lives.ts'
import { useSystem } from './fixtures/system.ts'

const system = useSystem()
const attack = openAttack()
const sessions = () => `${system().stack.services['session-coordinator'].httpUrl}/api/v1/sessions`
const router = () => `${system().stack.services['message-router'].httpUrl}/api/v1`

let before: Health
let expired: Opened
beforeAll(async () => {
  before = healthOf(system().stack)
  expired = await bring(sessions(), 'expired')
  await sleep(1_100)
})

const post = (url: string, body: object): Call => ({ method: 'POST', url, body: JSON.stringify(body) })
const own = ({ session_id }: Opened) => `${sessions()}/${session_id}`
const join = ({ join_tokens }: Opened, tokenOf: string, party_id: string) =>
  post(`${sessions()}/join`, { join_token: join_tokens[tokenOf], party_id })
const ready = (session: Opened, partyId: string): Call => {
  return { method: 'PUT', url: `${own(session)}/parties/${partyId}/ready` }
}
const complete = (session: Opened, body: object) => post(`${own(session)}/complete`, { party_id: 'p0', ...body })
/** The inverse of some public key. */
const otherKey = `03${somePublicKey.slice(2, 66)}`

type Row = readonly [name: string, call: (session: Opened) => Call, answers: string]

/** Answers in the order of `stages`: created, joined, ready, started, completed, closed, expired. */
const rows: readonly Row[] = [
  ['join', (session) => join(session, 'p0', 'p0'), 'ok ok ok ok conflict conflict session_expired'],
  [
    "join with another party's token",
    (session) => join(session, 'p1', 'p0'),
    'unauthorized unauthorized unauthorized unauthorized unauthorized unauthorized unauthorized',
  ],
  [
    'join with a good token as somebody who was not invited',
    (session) => join(session, 'p0', 'p9'),
    'unauthorized session_full session_full session_full session_full session_full session_full',
  ],
  ['ready', (session) => ready(session, 'p0'), 'conflict ok ok ok ok ok session_expired'],
  [
    'ready of somebody who was not invited',
    (session) => ready(session, 'p9'),
    'not_found not_found not_found not_found not_found not_found session_expired',
  ],
  ['start', (session) => post(`${own(session)}/start`, {}), 'conflict conflict ok ok ok conflict session_expired'],
  [
    'complete',
    (session) => complete(session, { public_key: somePublicKey }),
    'conflict conflict conflict ok ok conflict session_expired',
  ],
  [
    'complete with another key',
    (session) => complete(session, { public_key: otherKey }),
    'conflict conflict conflict ok conflict conflict session_expired',
  ],
  [
    'complete without a key',
    (session) => complete(session, {}),
    'conflict invalid_request invalid_request invalid_request invalid_request invalid_request session_expired',
  ],
  [
    'route',
    ({ session_id }) =>
      post(`${router()}/messages`, { session_id, from_party: 'p0', to_parties: ['p1'], round: 1, payload: 'AA==' }),
    'unauthorized conflict conflict ok conflict conflict session_expired',
  ],
  [
    'pending',
    ({ session_id }) => ({ method: 'GET', url: `${router()}/sessions/${session_id}/messages?party_id=p0` }),
    'unauthorized ok ok ok ok ok ok',
  ],
  ['close', (session) => post(`${own(session)}/close`, {}), 'ok ok ok ok ok ok ok'],
]

test.each(rows)('%s', async (name, call, answers) => {
  const given: string[] = []
  for (const stage of stages) {
    const session = stage === 'expired' ? expired : await bring(sessions(), stage)
    const first = await attack.rest(call(session))
    const again = await attack.rest(call(session))
    const duplicate = name === 'route' && first.error === null ? { duplicate: true } : {}
    expect(again, stage).toEqual({ ...first, body: { ...first.body, ...duplicate } })
    given.push(first.error ?? 'ok')
  }
  expect(given.join(' ')).toBe(answers)
})

test('no process was restarted, none logged an error of its own, and a key can still be made', async () => {
  expect(healthOf(system().stack)).toEqual(before)
  await expectKeygenWorks(system())
})
