import { describe, expect, test } from 'vitest'
import { statement, statementTags } from '../../../src/identity/statement.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('signed statements', () => {
  test('every tag is its own', () => {
    const tags = Object.values(statementTags)
    expect(new Set(tags).size).toBe(tags.length)
  })

  test('moving a byte from one part to the next gives other bytes', () => {
    expect(hex(statement('join', ['a', 'bc']))).not.toBe(hex(statement('join', ['ab', 'c'])))
  })

  test('an empty part is not the same as no part', () => {
    expect(hex(statement('join', ['a', '']))).not.toBe(hex(statement('join', ['a'])))
  })

  test('the same parts under another tag give other bytes', () => {
    expect(hex(statement('join', ['a']))).not.toBe(hex(statement('result', ['a'])))
  })

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('a number that is not a whole count (%s) is refused', (value) => {
    expect(() => statement('join', [value])).toThrow(RangeError)
  })
})
