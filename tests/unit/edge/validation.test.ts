import { create } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { createRequestValidator, invalidFields, requireValid } from '../../../src/edge/validation.ts'
import {
  AccountService,
  CreateAccountRequestSchema,
  MpcService,
} from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import {
  CreateSessionRequestSchema,
  SessionCoordinator,
} from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { ServerParty } from '../../../src/gen/mpc/party/v1/server_party_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'

const validator = createRequestValidator([
  SessionCoordinator,
  SessionFeed,
  MessageRouter,
  AccountService,
  MpcService,
  ServerParty,
])

const valid = {
  sessionType: 'keygen',
  thresholdN: 2,
  thresholdT: 2,
  participants: [{ partyId: 'a' }, { partyId: 'b' }],
}

describe('rules in proto', () => {
  test('let a valid message pass', () => {
    expect(() =>
      requireValid(validator, CreateSessionRequestSchema, create(CreateSessionRequestSchema, valid), 'snake_case'),
    ).not.toThrow()
  })

  test.each([
    [{ sessionType: 'both' }, ['session_type']],
    [{ participants: [] }, ['participants']],
    [{ participants: [{ partyId: 'a' }, { partyId: 'b.c' }] }, ['participants[1].party_id']],
    [{ participants: [{ partyId: 'a\n' }] }, ['participants[0].party_id']],
    [{ participants: [{ partyId: 'x'.repeat(65) }] }, ['participants[0].party_id']],
    [{ participants: Array.from({ length: 21 }, (_, i) => ({ partyId: `p${i}` })) }, ['participants']],
    [{ expiresInSeconds: 86_401 }, ['expires_in_seconds']],
    [{ thresholdN: -1, thresholdT: 21 }, ['threshold_n', 'threshold_t']],
    [{ publicKey: '04ab' }, ['public_key']],
  ])('refuse %j, naming the fields', (change, fields) => {
    const message = create(CreateSessionRequestSchema, { ...valid, ...change })
    const details = Object.fromEntries(fields.map((field) => [field, expect.any(String)]))
    expect(() => requireValid(validator, CreateSessionRequestSchema, message, 'snake_case')).toThrow(
      expect.objectContaining({ code: 'invalid_request', details }),
    )
  })

  test('name fields as the service spells them', () => {
    const message = create(CreateAccountRequestSchema, { username: 'a', publicKey: 'xyz', email: 'nobody' })
    expect(() => requireValid(validator, CreateAccountRequestSchema, message, 'camelCase')).toThrow(
      expect.objectContaining({ details: { publicKey: expect.any(String), email: expect.any(String) } }),
    )
  })
})

test('of several problems of one field the first is told', () => {
  expect(
    invalidFields([
      ['a', 'one'],
      ['a', 'two'],
      ['b', 'three'],
    ]),
  ).toMatchObject({
    message: 'a: one',
    details: { a: 'one', b: 'three' },
  })
})

test('a refusal names the first 32 of many wrong fields, so that it fits into the trailers of gRPC', () => {
  const { details } = invalidFields(Array.from({ length: 400 }, (_, i) => [`list[${i}]`, 'is wrong'] as const))
  expect(Object.keys(details)).toEqual(Array.from({ length: 32 }, (_, i) => `list[${i}]`))
})
