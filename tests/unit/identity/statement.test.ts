import { describe, expect, test } from 'vitest'
import { resultStatement, statement, statementTags } from '../../../src/identity/statement.ts'

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

  test('a result names its key type, but for ECDSA, whose statements are older', () => {
    const report = { sessionId: 's', partyId: 'p', rosterHash: new Uint8Array(32), result: new Uint8Array(32) }
    const of = (keyType?: string) => hex(resultStatement({ ...report, ...(keyType !== undefined && { keyType }) }))
    expect(of('ecdsa-secp256k1')).toBe(hex(statement('result', ['s', 'p', report.rosterHash, report.result])))
    expect(of()).toBe(of('ecdsa-secp256k1'))
    expect(new Set([of(), of('eddsa-ed25519'), of('schnorr-secp256k1')]).size).toBe(3)
  })

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('a number that is not a whole count (%s) is refused', (value) => {
    expect(() => statement('join', [value])).toThrow(RangeError)
  })
})
