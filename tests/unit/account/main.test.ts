import { expect, test } from 'vitest'
import { main } from '../../../src/account/main.ts'

const valid = {
  MPC_OPEN_MODE: 'true',
  DATABASE_URL: 'postgres://127.0.0.1:1/nothing',
  MPC_COORDINATOR_URL: 'http://127.0.0.1:50051',
  MPC_LOG_LEVEL: 'silent',
}

test.each([
  ['DATABASE_URL', { DATABASE_URL: '' }],
  ['DATABASE_URL', { DATABASE_URL: 'mysql://localhost/x' }],
  ['DATABASE_URL', { DATABASE_URL: 'postgres://user:canary@127.0.0.1:1/nothing' }],
  ['MPC_COORDINATOR_URL', { MPC_COORDINATOR_URL: '' }],
  ['MPC_COORDINATOR_URL', { MPC_COORDINATOR_URL: '127.0.0.1:50051' }],
  ['MPC_COORDINATOR_API_KEY', { MPC_COORDINATOR_API_KEY: 'canary' }],
  ['MPC_HOST', { MPC_HOST: '0.0.0.0' }],
  ['MPC_LOG_LEVEL', { MPC_LOG_LEVEL: 'loud' }],
])('the service does not start with a wrong %s (%j), names it and shows no secret', async (variable, change) => {
  const error = await main({ ...valid, ...change }).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ name: 'ConfigurationError', variable })
  expect((error as Error).message).not.toContain('canary')
})
