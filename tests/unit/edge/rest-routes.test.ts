import { expect, test } from 'vitest'
import { restRoutesOf } from '../../../src/edge/rest-routes.ts'
import { AccountService, MpcService } from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'

const routes = restRoutesOf([SessionCoordinator, SessionFeed, MessageRouter, AccountService, MpcService])

/** API reference, sections 2 to 4. */
test.each([
  ['POST', '/api/v1/sessions', 201],
  ['POST', '/api/v1/sessions/join', 200],
  ['PUT', '/api/v1/sessions/{session_id}/parties/{party_id}/ready', 200],
  ['POST', '/api/v1/sessions/{session_id}/start', 200],
  ['GET', '/api/v1/sessions/{session_id}', 200],
  ['POST', '/api/v1/sessions/{session_id}/complete', 200],
  ['GET', '/api/v1/sessions/{session_id}/messages', 200],
  ['POST', '/api/v1/accounts', 201],
  ['POST', '/api/v1/mpc/keygen', 201],
  ['POST', '/api/v1/mpc/sign', 201],
  ['GET', '/api/v1/mpc/sessions/{session_id}', 200],
])('%s %s is offered and succeeds with %i', (verb, template, successStatus) => {
  expect(routes).toContainEqual(expect.objectContaining({ verb, template, successStatus }))
})

test('accounts are camelCase, everything else is snake_case', () => {
  const camelCase = routes.filter((route) => route.names === 'camelCase').map((route) => route.method.parent.name)
  expect(new Set(camelCase)).toEqual(new Set(['AccountService']))
})
