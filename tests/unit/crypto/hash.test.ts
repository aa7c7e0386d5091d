import { describe, expect, test } from 'vitest'
import { blake3 } from '@noble/hashes/blake3.js'
import { createHash } from 'node:crypto'
import { uint32 } from '../../../src/crypto/bytes.ts'
import { H, hashRows, hashToScalar, stretch, xof } from '../../../src/crypto/hash.ts'
import { tag } from '../../../src/crypto/tags.ts'
import { numberOf, scalarOf } from './arithmetic.ts'

test('no two tags are equal, and none is another one’s beginning', () => {
  const tags = Object.values(tag)
  for (const one of tags) expect(tags.filter((other) => other.startsWith(one))).toEqual([one])
})

describe.each([
  ['H', (...items: (string | Uint8Array | number)[]) => H(tag.roster, ...items)],
  ['xof', (...items: (string | Uint8Array | number)[]) => xof(32, tag.roster, ...items)],
])('%s', (_, hash) => {
  test('frames every item', () => {
    expect(hash('a', 'bc')).not.toEqual(hash('ab', 'c'))
    expect(hash('a', 'bc')).not.toEqual(hash('abc'))
    expect(hash('abc')).not.toEqual(hash('abc', ''))
    expect(hash()).not.toEqual(hash(''))
  })

  test('counts characters as UTF-8 bytes and numbers as four bytes', () => {
    expect(hash('é')).toEqual(hash(Uint8Array.of(0xc3, 0xa9)))
    expect(hash(258)).toEqual(hash(Uint8Array.of(0, 0, 1, 2)))
  })
})

test('H is SHA-256 and xof is SHAKE256 over length and bytes of tag and items', () => {
  const items = [Buffer.from(tag.chainCode), Buffer.from('x'), Buffer.alloc(0)]
  const input = Buffer.concat(items.flatMap((item) => [uint32(item.length), item]))
  expect(Buffer.from(H(tag.chainCode, 'x', ''))).toEqual(createHash('sha256').update(input).digest())
  const shake = createHash('shake256', { outputLength: 100 }).update(input).digest()
  expect(Buffer.from(xof(100, tag.chainCode, 'x', ''))).toEqual(shake)
})

test('different tags give different hashes of the same items', () => {
  expect(H(tag.roster, 'x')).not.toEqual(H(tag.sessionId, 'x'))
})

test('a scalar is 48 bytes of output, reduced modulo q', () => {
  const stream = xof(48, tag.zeroShare, 'x')
  expect(hashToScalar(tag.zeroShare, 'x')).toEqual(scalarOf(numberOf(stream)))
})

test('what is stretched is BLAKE3 of nothing under H', () => {
  const key = H(tag.rvoleGadget, 'x')
  expect(stretch(100, tag.rvoleGadget, 'x')).toEqual(blake3(new Uint8Array(), { key, dkLen: 100 }))
})

test.each([16, 32, 60])('rows of %i bytes become BLAKE3 of index and row under a key of the session', (length) => {
  const rows = Uint8Array.from({ length: 300 * length }, (_, i) => i)
  const hashes = hashRows(rows, length, 80, tag.otRow, 'session')
  expect(hashes).toHaveLength(300 * 80)
  for (const index of [0, 1, 255, 256, 299]) {
    const number = Uint8Array.of(index & 255, index >> 8, 0, 0)
    const input = Uint8Array.of(...number, ...rows.slice(index * length, (index + 1) * length))
    const expected = blake3(input, { key: H(tag.otRow, 'session'), dkLen: 80 })
    expect(hashes.slice(index * 80, (index + 1) * 80)).toEqual(expected)
  }
})

test.each([61, 64, 18])('rows of %i bytes are no rows', (length) => {
  expect(() => hashRows(new Uint8Array(640), length, 32, tag.otRow)).toThrow(`rows of ${length} bytes`)
})
