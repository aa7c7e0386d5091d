import { expect, test } from 'vitest'
import { boundedDeadline } from '../../../src/edge/deadline.ts'

test.each([
  ['connect-timeout-ms', '2147483648', '2147483647'],
  ['connect-timeout-ms', '9999999999', '2147483647'],
  ['grpc-timeout', '99999999H', '2147483S'],
  ['grpc-timeout', '597H', '2147483S'],
  ['grpc-timeout', '99999999M', '2147483S'],
  ['grpc-timeout', '2147484S', '2147483S'],
])('%s %s is shortened to what a timer holds', (name, value, shorter) => {
  expect(boundedDeadline(new Headers({ [name]: value, other: 'kept' })).get(name)).toBe(shorter)
})

test.each([
  ['connect-timeout-ms', '0'],
  ['connect-timeout-ms', '2147483647'],
  ['connect-timeout-ms', '99999999999'],
  ['connect-timeout-ms', '1e99'],
  ['connect-timeout-ms', ''],
  ['grpc-timeout', '596H'],
  ['grpc-timeout', '2147483S'],
  ['grpc-timeout', '99999999m'],
  ['grpc-timeout', '999999999H'],
  ['grpc-timeout', 'H'],
  ['other', '99999999H'],
])('%s "%s" is left as it is', (name, value) => {
  const header = new Headers({ [name]: value })
  expect(boundedDeadline(header)).toBe(header)
})
