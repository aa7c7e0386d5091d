import { describe, expect, test } from 'vitest'
import { decodeKeyShare } from '../../../../src/crypto/key-share-codec.ts'
import { decodeFrostKeyShare, encodeFrostKeyShare } from '../../../../src/crypto/frost/key-share-codec.ts'
import { resultsOf, runProtocol } from '../run-protocol.ts'
import { frostKeyTypes, frostShareOf, frostSignParties, makeFrostKey } from './fixtures.ts'
import { flipBit } from '../tamper.ts'

describe.each(frostKeyTypes)('a stored share of type %s', (keyType) => {
  const key = makeFrostKey(keyType, 2, 3)
  const encoded = encodeFrostKeyShare(frostShareOf(key, 1))

  test('comes back as it was, and signs', () => {
    const decoded = key.map((share) => decodeFrostKeyShare(encodeFrostKeyShare(share)))
    expect(decoded).toEqual(key)
    expect(encodeFrostKeyShare(decodeFrostKeyShare(encoded))).toEqual(encoded)
    expect(resultsOf(runProtocol(frostSignParties(decoded, [0, 2])))).toHaveLength(2)
  })

  test('shares no memory with its encoding', () => {
    const bytes = encoded.slice()
    const decoded = decodeFrostKeyShare(bytes)
    bytes.fill(0)
    expect(encodeFrostKeyShare(decoded)).toEqual(encoded)
  })

  test.each([
    ['version', 0, 2, 'version is unknown'],
    ['type', 1, 1, 'key type is unknown'],
    ['type', 1, 4, 'key type is unknown'],
    ['index', 2, 3, 'index is out of bounds'],
    ['threshold', 3, 1, 'threshold is out of bounds'],
    ['threshold', 3, 4, 'threshold is out of bounds'],
    ['threshold', 3, 3, 'length is wrong'],
    ['parties', 4, 21, 'parties is out of bounds'],
    ['parties', 4, 4, 'length is wrong'],
  ])('with a wrong %s is refused', (_, offset, value, problem) => {
    const bytes = encoded.slice()
    bytes[offset] = value
    expect(() => decodeFrostKeyShare(bytes)).toThrow(`frost key share: ${problem}`)
  })

  test('cut short or with bytes left over is refused', () => {
    expect(() => decodeFrostKeyShare(encoded.slice(0, -1))).toThrow('length is wrong')
    expect(() => decodeFrostKeyShare(Uint8Array.from([...encoded, 0]))).toThrow('length is wrong')
    expect(() => decodeFrostKeyShare(new Uint8Array(0))).toThrow('version is unknown')
  })

  test("with another party's number, session or a changed secret is refused", () => {
    const other = encoded.slice()
    other[2] = 0
    expect(() => decodeFrostKeyShare(other)).toThrow('does not belong to its commitments')
    for (const byte of [5, 5 + 32 + 7]) {
      expect(() => decodeFrostKeyShare(flipBit(encoded, 8 * byte))).toThrow('does not belong to its commitments')
    }
  })

  test('with a public share that is no point is refused', () => {
    const bytes = encoded.slice()
    bytes.fill(0xff, encoded.length - 32)
    expect(() => decodeFrostKeyShare(bytes)).toThrow('publicShares are no points')
  })

  test('is none of DKLs23', () => {
    expect(() => decodeKeyShare(encoded)).toThrow('curve is unknown')
  })
})
