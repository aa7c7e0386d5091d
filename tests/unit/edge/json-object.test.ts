import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJsonObject } from '../../../src/edge/json-object.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('a body', () => {
  test('may be empty', () => {
    expect(parseJsonObject(new Uint8Array(), 32)).toEqual({})
  })
  test('may nest as deep as allowed, whatever brackets its strings hold', () => {
    expect(parseJsonObject(bytes('{"a":[["[[[{{{\\\\\\"[[["]]}'), 3)).toEqual({ a: [['[[[{{{\\"[[[']] })
  })
  test.each([
    ['nested too deep', bytes('{"a":[[[]]]}'), 'deeper than 3 levels'],
    ['nested too deep behind a string that ends in a backslash', bytes('{"\\\\":[[[]]]}'), 'deeper than 3 levels'],
    ['nested absurdly deep', bytes('['.repeat(1_000_000)), 'deeper than 3 levels'],
    ['cut off', bytes('{"a":'), 'valid JSON'],
    ['an unfinished string', bytes('{"a'), 'valid JSON'],
    ['text', bytes('hello'), 'valid JSON'],
    ['a list', bytes('[]'), 'a JSON object'],
    ['null', bytes('null'), 'a JSON object'],
    ['not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 'valid UTF-8'],
  ])('that is %s is refused', (_, body, problem) => {
    expect(() => parseJsonObject(body, 3)).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: { body: expect.stringContaining(problem) } }),
    )
  })
  test('is parsed like JSON.parse does, for any JSON object', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value)
        expect(parseJsonObject(bytes(text), 1_000)).toEqual(JSON.parse(text))
      }),
    )
  })
})
