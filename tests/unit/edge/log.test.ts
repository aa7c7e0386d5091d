import { describe, expect, test } from 'vitest'
import { createLogger, type Logger } from '../../../src/edge/log.ts'

function logged(write: (log: Logger) => void): string {
  let text = ''
  write(createLogger('test', 'trace', { write: (line) => void (text += line) }))
  return text
}

const secret = 'mpc_join_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'

test.each([
  ['a message', (log: Logger) => log.info(`joining with ${secret}`)],
  ['a field of any name', (log: Logger) => log.info({ anything: { nested: [secret] } }, 'joined')],
  ['an error', (log: Logger) => log.error({ err: new Error(`bad token ${secret}`) }, 'failed')],
])('tokens are cut out of %s', (_, write) => {
  const text = logged(write)
  expect(text).toContain('mpc_join_[redacted]')
  expect(text).not.toContain(secret.slice(9))
})

test.each(['mpc_key_abc-DEF', 'mpc_party_abc-DEF', 'mpc_ticket_abc-DEF'])('%s is cut out', (token) => {
  expect(logged((log) => log.info(token))).not.toContain('abc-DEF')
})

test.each(['authorization', 'join_token', 'joinTokens', 'partyCredential', 'email', 'phone'])(
  'the value of %s is never written',
  (key) => {
    expect(logged((log) => log.info({ [key]: 'canary' }))).not.toContain('canary')
    expect(logged((log) => log.info({ request: { [key]: 'canary' } }))).not.toContain('canary')
  },
)

test('the rest is kept', () => {
  expect(JSON.parse(logged((log) => log.info({ requestId: 'r1' }, 'call')))).toMatchObject({
    requestId: 'r1',
    msg: 'call',
    name: 'test',
  })
})

describe('of an error', () => {
  const written = (error: unknown) => logged((log) => log.error({ err: error }, 'failed'))

  test('what a library attached to it is not written: PostgreSQL tells the row there', () => {
    const error = Object.assign(new Error('violates a constraint'), {
      code: '23514',
      detail: 'Failing row contains (canary@example.com)',
      metadata: new Headers({ authorization: 'canary' }),
    })
    const text = written(new Error('not stored', { cause: error }))
    expect(text).not.toContain('canary')
    expect(JSON.parse(text)).toMatchObject({
      err: { type: 'Error', message: 'not stored', cause: { message: 'violates a constraint', code: '23514' } },
    })
  })
  test.each(['postgres://mpc:canary@db.example/x', 'nats://canary@10.0.0.1:4222'])('%s loses its password', (url) => {
    const text = written(new Error(`cannot connect to ${url}`))
    expect(text).not.toContain('canary')
    expect(text).toContain('[redacted]@')
  })
  test('which is none, the value is not written', () => {
    expect(written('canary')).not.toContain('canary')
  })
  test('which is its own cause, an end is found', () => {
    const error = new Error('round')
    error.cause = error
    expect(written(error)).toContain('round')
  })
})

test.each(['cookie', 'ticket', 'password', 'kek'])('the value of %s is never written', (key) => {
  expect(logged((log) => log.info({ request: { [key]: 'canary' } }))).not.toContain('canary')
})
