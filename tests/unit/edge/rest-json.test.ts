import { create, fromJson, toJson } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageFromJson, messageToJson } from '../../../src/edge/rest-json.ts'
import {
  CreateAccountRequestSchema,
  CreateAccountResponseSchema,
} from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import {
  CreateSessionRequestSchema,
  CreateSessionResponseSchema,
  GetSessionStatusResponseSchema,
  JoinSessionRequestSchema,
  JoinSessionResponseSchema,
  MarkPartyReadyResponseSchema,
} from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { GetPendingMessagesResponseSchema } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'

describe('answers', () => {
  test('have every zero and false value', () => {
    expect(messageToJson(MarkPartyReadyResponseSchema, create(MarkPartyReadyResponseSchema), 'snake_case')).toEqual({
      success: false,
      all_ready: false,
      ready_count: 0,
      total_parties: 0,
    })
    const joined = create(JoinSessionResponseSchema, { participants: [{ partyId: 'a', status: 'joined' }] })
    expect(messageToJson(JoinSessionResponseSchema, joined, 'snake_case')).toMatchObject({
      party_index: 0,
      participants: [{ party_id: 'a', status: 'joined', party_index: 0 }],
    })
  })
  test('have 64-bit integers as numbers, also inside lists', () => {
    const created = create(CreateSessionResponseSchema, { expiresAt: 1703145600n, joinTokens: { a: '7' } })
    expect(messageToJson(CreateSessionResponseSchema, created, 'snake_case')).toMatchObject({
      expires_at: 1703145600,
      join_tokens: { a: '7' },
    })
    const pending = create(GetPendingMessagesResponseSchema, { messages: [{ timestamp: 1703145600n, sequence: 9n }] })
    expect(messageToJson(GetPendingMessagesResponseSchema, pending, 'snake_case')).toMatchObject({
      messages: [{ timestamp: 1703145600, sequence: 9 }],
    })
  })
  test('keep an integer that no JSON number holds exactly as a string', () => {
    const created = create(CreateSessionResponseSchema, { expiresAt: 2n ** 53n })
    expect(messageToJson(CreateSessionResponseSchema, created, 'snake_case')).toMatchObject({
      expires_at: '9007199254740992',
    })
  })
  test('leave out optional values that are not there', () => {
    const json = messageToJson(GetSessionStatusResponseSchema, create(GetSessionStatusResponseSchema), 'snake_case')
    expect(json).not.toHaveProperty('public_key')
    expect(json).toHaveProperty('participants', [])
  })
  test('of accounts are camelCase with RFC 3339 times', () => {
    const createdAt = timestampFromMs(Date.UTC(2024, 0, 15, 10, 30))
    expect(
      messageToJson(CreateAccountResponseSchema, create(CreateAccountResponseSchema, { createdAt }), 'camelCase'),
    ).toEqual({
      id: '',
      username: '',
      email: '',
      status: '',
      createdAt: '2024-01-15T10:30:00Z',
    })
  })
  test('say the same as proto JSON for any 64-bit value', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (expiresAt) => {
        const message = create(CreateSessionResponseSchema, { expiresAt })
        const ours = messageToJson(CreateSessionResponseSchema, message, 'snake_case')
        const read = fromJson(CreateSessionResponseSchema, JSON.parse(JSON.stringify(ours)))
        expect(toJson(CreateSessionResponseSchema, read)).toEqual(toJson(CreateSessionResponseSchema, message))
      }),
    )
  })
})

describe('requests', () => {
  test('may use either spelling and unknown fields', () => {
    expect(
      messageFromJson(CreateAccountRequestSchema, { public_key: '04', username: 'a', x: [{}] }, 'camelCase').publicKey,
    ).toBe('04')
    expect(messageFromJson(CreateAccountRequestSchema, { publicKey: '04' }, 'camelCase').publicKey).toBe('04')
  })

  test.each([
    [{ threshold_n: 'three' }, { threshold_n: 'must be a 32-bit integer' }],
    [{ threshold_n: 2 ** 31 }, { threshold_n: 'must be a 32-bit integer' }],
    [{ threshold_n: 1.5 }, { threshold_n: 'must be a 32-bit integer' }],
    [{ thresholdN: [] }, { threshold_n: 'must be a 32-bit integer' }],
    [{ session_type: 5 }, { session_type: 'must be a string' }],
    [{ session_type: '\ud800' }, { session_type: 'must be a string' }],
    [{ participants: {} }, { participants: 'must be a list' }],
    [{ participants: [{ party_id: 'a' }, 'b'] }, { 'participants[1]': 'must be an object' }],
    [{ participants: [null] }, { 'participants[0]': 'must be an object' }],
    [
      { participants: [{ party_id: 'a' }, { party_id: 7, device_id: {} }], threshold_t: true },
      {
        'participants[1].party_id': 'must be a string',
        'participants[1].device_id': 'must be a string',
        threshold_t: 'must be a 32-bit integer',
      },
    ],
  ])('%j is refused, naming the fields', (json, details) => {
    expect(() => messageFromJson(CreateSessionRequestSchema, json, 'snake_case')).toThrow(
      expect.objectContaining({ code: 'invalid_request', details }),
    )
  })

  test('bytes must be base64', () => {
    expect(() => messageFromJson(JoinSessionRequestSchema, { keys: { nonce: '%%' } }, 'snake_case')).toThrow(
      expect.objectContaining({ details: { 'keys.nonce': 'must be a base64 string' } }),
    )
  })

  test('the field is named as the service spells it', () => {
    expect(() => messageFromJson(CreateAccountRequestSchema, { public_key: 4 }, 'camelCase')).toThrow(
      expect.objectContaining({ details: { publicKey: 'must be a string' } }),
    )
  })

  test('a field given in both spellings is refused', () => {
    expect(() => messageFromJson(CreateAccountRequestSchema, { public_key: '', publicKey: '' }, 'camelCase')).toThrow(
      expect.objectContaining({ details: { publicKey: 'must be given once' } }),
    )
  })
})
