import { expect, test } from 'vitest'
import { main } from '../../../src/coordinator/main.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'

const valid = {
  MPC_OPEN_MODE: 'true',
  NATS_URL: 'nats://127.0.0.1:1',
  DATABASE_URL: 'postgres://127.0.0.1:1/nothing',
  MPC_CREDENTIAL_KEY_FILE: '/nowhere/credential.key',
  MPC_COORDINATOR_IDENTITY_FILE: '/nowhere/identity.key',
  MPC_LOG_LEVEL: 'silent',
}

test.each([
  ['DATABASE_URL', { DATABASE_URL: '' }],
  ['DATABASE_URL', { DATABASE_URL: 'canary' }],
  ['DATABASE_URL', { DATABASE_URL: 'postgres://user:canary@127.0.0.1:99999/nothing' }],
  ['NATS_URL', { NATS_URL: 'http://canary' }],
  ['MPC_COORDINATOR_IDENTITY_FILE', {}],
])('the service does not start with a wrong %s (%j), names it and shows no secret', async (variable, change) => {
  const error = await main({ ...valid, ...change }).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ name: 'ConfigurationError', variable })
  expect((error as Error).message).not.toContain('canary')
})

test('a NATS that does not answer is told by the variable that names it', async () => {
  await expect(openEventLog({ url: valid.NATS_URL, name: 'tests', replicas: 1 })).rejects.toThrow(/NATS_URL/)
})
