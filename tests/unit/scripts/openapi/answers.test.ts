import { expect, test } from 'vitest'
import { answerProblems } from '../../../e2e/fixtures/openapi-answers.ts'

const call = 'POST /api/v1/sessions/{session_id}/start'
const started = { success: true, status: 'in_progress' }
const refused = { error: 'conflict', message: 'not now', details: {} }
const problems = (status: number, body: object, headers: HeadersInit = { 'x-request-id': 'r' }) =>
  answerProblems('session-coordinator', call, { status, body: { ...body }, headers: new Headers(headers) })

test('an answer as declared has no problems', () => {
  expect(problems(200, started)).toEqual([])
  expect(problems(409, refused)).toEqual([])
  const busy = { error: 'rate_limited', message: 'later', details: {} }
  expect(problems(429, busy, { 'x-request-id': 'r', 'retry-after': '1' })).toEqual([])
})

/** What would make a test that cannot fail. */
test.each([
  ['a status that is not declared', 202, started, undefined, 'does not declare 202'],
  ['a missing field', 200, { success: true }, undefined, "must have required property 'status'"],
  ['another type', 200, { ...started, success: 'true' }, undefined, '/success must be boolean'],
  ['a field that is not declared', 200, { ...started, secret: 1 }, undefined, 'must NOT have additional properties'],
  ['no request id', 200, started, {}, 'no header X-Request-Id'],
  ['no Retry-After', 429, { ...refused, error: 'rate_limited' }, undefined, 'no header Retry-After'],
  ['a code of another status', 409, { ...refused, error: 'not_found' }, undefined, '/error must be equal to one'],
  ['an error without details', 409, { error: 'conflict', message: 'no' }, undefined, "required property 'details'"],
])('%s is a problem', (_, status, body, headers, problem) => {
  expect(problems(status, body, headers).join()).toContain(problem)
})
