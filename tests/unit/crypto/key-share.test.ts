import { describe, expect, test } from 'vitest'
import { encodePoint, encodeUncompressed, identity } from '../../../src/crypto/curve/secp256k1.ts'
import { decodeKeyShare, encodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { eraseOtState, peerState } from '../../../src/crypto/key-share.ts'
import { evaluate, lagrangeAtZero, randomPolynomial } from '../../../src/crypto/polynomial.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { bytes32, negatedPoint, order, scalars, sumOf } from './arithmetic.ts'
import { hashOf, makeKey, seededRng, shareOf, signParties } from './fixtures.ts'
import { resultsOf, runProtocol } from './run-protocol.ts'

const key = makeKey(2, 3)
const share = shareOf(key, 1)
const encoded = encodeKeyShare(share)
const [commitment = identity] = share.commitments
const [publicShare = identity] = share.publicShares

const changed = (offset: number, ...values: number[]) => {
  const copy = encoded.slice()
  copy.set(values, offset)
  return copy
}

describe('an encoded key share', () => {
  test('decodes to a share that encodes the same and signs', () => {
    const decoded = key.map((one) => decodeKeyShare(encodeKeyShare(one)))
    expect(encodeKeyShare(shareOf(decoded, 1))).toEqual(encoded)
    expect(shareOf(decoded, 1)).toMatchObject({ index: 1, x: 2, threshold: 2, parties: 3 })
    expect(shareOf(decoded, 1).secretShare).toEqual(share.secretShare)
    expect(shareOf(decoded, 1).publicKey).toEqual(share.publicKey)
    const messageHash = hashOf('decoded')
    expect(resultsOf(runProtocol(signParties(decoded, [0, 1], { messageHash })))).toEqual(
      resultsOf(runProtocol(signParties(key, [0, 1], { messageHash }))),
    )
  })

  test('has the size its header says: 12.5 kB per peer', () => {
    expect(encoded).toHaveLength(5 + 32 + 2 * 65 + 3 * 65 + 32 + 2 * (32 + 1 + 16 + 3 * 4096))
  })

  test('of version 1, with compressed points, is read, and written as one of version 2', () => {
    const { commitments, publicShares, secretShare } = share
    const compressed = [...commitments, ...publicShares].map(encodePoint)
    const rest = encoded.slice(5 + 32 + 5 * 65)
    const former = Uint8Array.from([1, 1, 1, 2, 3, ...secretShare, ...compressed.flatMap((point) => [...point]), ...rest])
    expect(encodeKeyShare(decodeKeyShare(former))).toEqual(encoded)
    expect(() => decodeKeyShare(Uint8Array.from([2, ...former.slice(1)]))).toThrow('commitments[0]')
  })

  test.each([
    ['an unknown version', changed(0, 3), 'version'],
    ['an unknown curve', changed(1, 2), 'curve'],
    ['an index outside the key', changed(2, 3), 'index'],
    ['the index of another party', changed(2, 0), 'secretShare'],
    ['a threshold of one', changed(3, 1), 'threshold'],
    ['a threshold above the parties', changed(3, 4), 'threshold'],
    ['more than 20 parties', changed(4, 21), 'parties'],
    ['one party', changed(4, 1), 'parties'],
    ['a zero share', changed(5, ...new Uint8Array(32)), 'secretShare: is zero'],
    ['a share of q', changed(5, ...bytes32(order)), 'secretShare'],
    ['another share', changed(5, ...bytes32(7n)), 'secretShare'],
    ['a negated commitment', changed(5 + 32, ...encodeUncompressed(negatedPoint(commitment))), 'publicShares'],
    ['a negated public share', changed(5 + 32 + 130, ...encodeUncompressed(negatedPoint(publicShare))), 'publicShares[0]'],
    ['a commitment off the curve', changed(5 + 32 + 64, (encoded[5 + 32 + 64] ?? 0) ^ 1), 'commitments[0]'],
    ['a flag that is neither 0 nor 1', changed(5 + 32 + 130 + 195 + 32 + 32, 2), 'hasOt'],
    ['a byte too many', Uint8Array.from([...encoded, 0]), 'left over'],
    ['a byte too few', encoded.slice(0, -1), 'missing'],
    ['only a header', encoded.slice(0, 5), 'missing'],
    ['nothing', new Uint8Array(0), 'version'],
  ])('with %s is refused by name', (_, bytes, problem) => {
    expect(() => decodeKeyShare(bytes)).toThrow(problem)
  })
})

describe('erasing OT state', () => {
  const erased = eraseOtState(share, 2)

  test('removes that peer’s and no other, and leaves the given share alone', () => {
    expect(peerState(erased, 2).ot).toBeNull()
    expect(peerState(erased, 0).ot).not.toBeNull()
    expect(peerState(share, 2).ot).not.toBeNull()
  })

  test('survives encoding', () => {
    const decoded = decodeKeyShare(encodeKeyShare(erased))
    expect(peerState(decoded, 2).ot).toBeNull()
    expect(peerState(decoded, 0).ot).toEqual(peerState(share, 0).ot)
    expect(encodeKeyShare(erased).length).toBe(encoded.length - 16 - 3 * 4096)
  })

  test('refuses a peer the key does not have', () => {
    expect(() => eraseOtState(share, 1)).toThrow('no peer 1')
    expect(() => eraseOtState(share, 3)).toThrow('no peer 3')
  })
})

test('Lagrange coefficients reconstruct the constant term from any t points and no fewer', () => {
  const polynomial = randomPolynomial(limbEngine, 3, seededRng('polynomial'))
  const at = (x: number) => evaluate(limbEngine, polynomial, x)
  const reconstruct = (indices: readonly number[]) =>
    sumOf(indices.map((i) => scalars.multiply(lagrangeAtZero(limbEngine, i, indices), at(i + 1))))
  expect(reconstruct([0, 1, 2])).toEqual(polynomial[0])
  expect(reconstruct([19, 4, 7])).toEqual(polynomial[0])
  expect(reconstruct([1, 2, 3, 4])).toEqual(polynomial[0])
  expect(reconstruct([0, 1])).not.toEqual(polynomial[0])
})
