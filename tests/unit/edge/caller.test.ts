import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fixedApiKeys, noApiKeys } from '../../../src/edge/api-keys/api-key.ts'
import { forwardedHeaders, identifyCaller, requestIdOf, requireScope } from '../../../src/edge/caller.ts'

const key = 'mpc_key_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
const apiKeys = fixedApiKeys((token) => (token === key ? { name: 'wallet', scopes: ['sessions'] } : null))
const closed = { openMode: false, apiKeys }
const open = { openMode: true, apiKeys: noApiKeys }

const identify = (headers: Record<string, string>, policy = closed) => identifyCaller(new Headers(headers), policy)

describe('the bearer', () => {
  test('that is a known API key names its owner', () => {
    expect(identify({ authorization: `Bearer ${key}` }).apiKey).toEqual({ name: 'wallet', scopes: ['sessions'] })
  })
  test.each([closed, open])('that only looks like an API key is refused in every mode', (policy) => {
    expect(() => identify({ authorization: `Bearer ${key}x` }, policy)).toThrow(
      expect.objectContaining({ code: 'unauthorized' }),
    )
  })
  test('of another kind is left to the services', () => {
    const caller = identify({ authorization: 'bearer mpc_party_abc' })
    expect([caller.bearer, caller.apiKey]).toEqual(['mpc_party_abc', null])
  })
  test.each(['Basic abc', 'Bearer', 'Bearer a b', `Bearer ${'x'.repeat(513)}`, ''])(
    'is absent in "%s"',
    (authorization) => {
      expect(identify({ authorization }).bearer).toBeNull()
    },
  )
})

describe('the request id', () => {
  test("is the caller's own where it is harmless", () => {
    expect(identify({ 'x-request-id': 'order-17.retry_2' }).requestId).toBe('order-17.retry_2')
  })
  test.each(['', 'a b', 'x"y', 'ä', 'x'.repeat(65)])('is a fresh UUID instead of "%s"', (requestId) => {
    expect(identify({ 'x-request-id': requestId }).requestId).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    )
  })
})

describe('the trace id', () => {
  const traceId = createHash('md5').update('trace').digest('hex')
  test('comes from a valid traceparent', () => {
    expect(identify({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` }).traceId).toBe(traceId)
  })
  test.each([
    `ff-${traceId}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    'nonsense',
  ])('is a fresh one instead of that in %s', (traceparent) => {
    const fresh = identify({ traceparent }).traceId
    expect(fresh).toMatch(/^[0-9a-f]{32}$/)
    expect(traceparent).not.toContain(fresh)
  })
  test('and the request id travel on', () => {
    const caller = identify({ 'x-request-id': 'r1', traceparent: `00-${traceId}-00f067aa0ba902b7-01` })
    const next = identify({ ...forwardedHeaders(caller) })
    expect([next.requestId, next.traceId]).toEqual(['r1', traceId])
  })
})

describe('a scope', () => {
  test('that the key has gives its name', () => {
    expect(requireScope(identify({ authorization: `Bearer ${key}` }), 'sessions')).toBe('wallet')
  })
  test('that the key lacks is forbidden', () => {
    expect(() => requireScope(identify({ authorization: `Bearer ${key}` }), 'audit')).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    )
  })
  test('cannot be had without a key', () => {
    expect(() => requireScope(identify({}), 'sessions')).toThrow(expect.objectContaining({ code: 'unauthorized' }))
  })
  test('needs no key in open mode', () => {
    expect(requireScope(identify({}, open), 'admin')).toBe('open-mode')
  })
})

test.each(['mpc_key_abc', 'x-mpc_join_abc', 'mpc_party_abc', 'mpc_ticket_abc'])('a request id is not %s: it is logged', (own) => {
  expect(requestIdOf(new Headers({ 'x-request-id': own }))).not.toContain('abc')
})
