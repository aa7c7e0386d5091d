import { expect, test } from 'vitest'
import { isDatabaseUnavailable } from '../../../src/postgres/unavailable.ts'

const withCode = (code: string) => Object.assign(new Error('x'), { code })

test.each(['08006', '28P01', '3D000', '53300', '57P01', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND'])(
  'code %s means that the database cannot be had',
  (code) => {
    expect(isDatabaseUnavailable(withCode(code))).toBe(true)
  },
)

test.each(['timeout exceeded when trying to connect', 'Connection terminated unexpectedly'])(
  'so does "%s"',
  (message) => {
    expect(isDatabaseUnavailable(new Error(message))).toBe(true)
  },
)

test.each([withCode('23505'), withCode('42P01'), withCode('40001'), new Error('x'), null, '08006'])(
  '%s does not',
  (error) => {
    expect(isDatabaseUnavailable(error)).toBe(false)
  },
)
