import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { ErrorDetailSchema } from '../../../src/gen/mpc/api/v1/error_pb.ts'
import { Refusal, refusalMapping, type RefusalCode } from '../../../src/edge/refusal.ts'
import { connectErrorOf, isInternal, refusalOf, sendableError } from '../../../src/edge/refusal-error.ts'

const codes = Object.keys(refusalMapping) as RefusalCode[]

/** API reference, section 6, and architecture, section 8. */
const documentedStatus: Record<RefusalCode, number> = {
  invalid_request: 400,
  unauthorized: 401,
  not_found: 404,
  session_expired: 410,
  session_full: 409,
  threshold_not_met: 400,
  internal_error: 500,
  forbidden: 403,
  conflict: 409,
  payload_too_large: 413,
  rate_limited: 429,
  unavailable: 503,
}

describe.each(codes)('%s', (code) => {
  const refusal = new Refusal(code, 'why', { field: 'what' })
  test('has the documented HTTP status', () => {
    expect(refusalMapping[code].httpStatus).toBe(documentedStatus[code])
  })
  test('survives the way over the wire, with message and details', () => {
    const error = connectErrorOf(refusal)
    expect(error.code).toBe(refusalMapping[code].code)
    expect(error.findDetails(ErrorDetailSchema)[0]).toMatchObject({
      error: code,
      message: 'why',
      details: { field: 'what' },
    })
    expect(refusalOf(error)).toMatchObject({ code, message: 'why', details: { field: 'what' } })
  })
})

test.each([
  new Error('SELECT secret'),
  'SELECT secret',
  null,
  undefined,
  new ConnectError('SELECT secret', Code.Internal),
])('the unexpected (%s) is internal and shows nothing', (thrown) => {
  expect(isInternal(thrown)).toBe(true)
  const error = sendableError(thrown)
  expect([error.code, error.rawMessage]).toEqual([Code.Internal, 'internal error'])
  expect(JSON.stringify(error.findDetails(ErrorDetailSchema))).not.toContain('SELECT')
})

test('the address of an unreachable service is not shown', () => {
  const error = sendableError(new ConnectError('connect ECONNREFUSED 10.0.0.7:50051', Code.Unavailable))
  expect(error.rawMessage).not.toContain('10.0.0.7')
  expect(refusalOf(error).code).toBe('unavailable')
})

test.each(Object.values(Code).filter((code): code is Code => typeof code === 'number'))(
  'protocol error %i has a refusal',
  (code) => {
    const refusal = refusalOf(new ConnectError('x', code))
    expect(codes).toContain(refusal.code)
  },
)

test('when to ask again survives the way over the wire', () => {
  expect(refusalOf(connectErrorOf(new Refusal('rate_limited', 'slow down', {}, 17))).retryAfterSeconds).toBe(17)
  expect(refusalOf(connectErrorOf(new Refusal('unavailable', 'why'))).retryAfterSeconds).toBe(1)
  expect(refusalOf(connectErrorOf(new Refusal('conflict', 'why'))).retryAfterSeconds).toBeNull()
})

test.each(['-1', 'soon', '1e9', ''])('a time to ask again that is none (%s) is not believed', (text) => {
  const error = connectErrorOf(new Refusal('rate_limited', 'slow down', {}, 17))
  error.metadata.set('retry-after', text)
  expect(refusalOf(error).retryAfterSeconds).toBe(1)
})

test('a protocol error keeps its own code and gains the documented detail', () => {
  const error = sendableError(new ConnectError('message is larger than 5 bytes', Code.ResourceExhausted))
  expect(error.code).toBe(Code.ResourceExhausted)
  expect(error.findDetails(ErrorDetailSchema)[0]?.error).toBe('payload_too_large')
})

test('a detail with a code that is not ours is not believed', () => {
  const foreign = new ConnectError('x', Code.NotFound, undefined, [
    { desc: ErrorDetailSchema, value: { error: 'toString' } },
  ])
  expect(refusalOf(foreign).code).toBe('not_found')
})
