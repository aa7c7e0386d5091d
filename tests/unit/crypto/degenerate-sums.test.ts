/** Sums that come out as the identity: no party alone can bring them about, so all randomness is chosen here. */
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../src/crypto/bytes.ts'
import { randomScalar } from '../../../src/crypto/curve/scalar.ts'
import { createKeygen } from '../../../src/crypto/keygen/keygen.ts'
import type { Rng } from '../../../src/crypto/protocol.ts'
import { createSign } from '../../../src/crypto/sign/sign.ts'
import { negated, scalars } from './arithmetic.ts'
import { hashOf, makeKey, seededRng, shareOf } from './fixtures.ts'
import { runProtocol } from './run-protocol.ts'

/** Like the generator of this seed, but the scalars drawn in these calls are the negatives of the other's. */
function cancelling(seed: string, other: string, calls: readonly number[]): Rng {
  const [own, others] = [seededRng(seed), seededRng(other)]
  let call = 0
  return (length) => {
    const [bytes, mirrored] = [own(length), others(length)]
    if (!calls.includes(call++)) return bytes
    return concatBytes(new Uint8Array(16), negated(randomScalar(scalars, () => mirrored)))
  }
}

describe('a key is refused', () => {
  test.each([
    ['whose public key is the identity', 0],
    ['whose polynomial has a lower degree than the threshold asks for', 1],
  ])('%s', (_, coefficient) => {
    const params = { sid: hashOf('sid degenerate'), threshold: 2, parties: 2 }
    const run = runProtocol([
      createKeygen({ ...params, self: 0 }, cancelling('a', 'b', [coefficient])),
      createKeygen({ ...params, self: 1 }, seededRng('b')),
    ])
    for (const end of run.ends) {
      expect(end).toEqual({ kind: 'abort', reason: 'public-key-invalid', culprits: [], severity: 'retry' })
    }
  })
})

test('nonce shares that cancel give no signature and nobody releases its part of one', () => {
  const key = makeKey(2, 2)
  const params = { sid: hashOf('sid degenerate'), signers: [0, 1], messageHash: hashOf('message') }
  const run = runProtocol([
    createSign({ ...params, self: 0, share: shareOf(key, 0) }, cancelling('a', 'b', [0])),
    createSign({ ...params, self: 1, share: shareOf(key, 1) }, seededRng('b')),
  ])
  for (const end of run.ends) {
    expect(end).toEqual({ kind: 'abort', reason: 'nonce-degenerate', culprits: [], severity: 'retry' })
  }
  expect(run.packets.some(({ round }) => round === 3)).toBe(false)
})
