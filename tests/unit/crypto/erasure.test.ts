import { expect, test, vi } from 'vitest'
import { createKeygen } from '../../../src/crypto/keygen/keygen.ts'
import { round4Broadcast } from '../../../src/crypto/keygen/messages.ts'
import type { Rng } from '../../../src/crypto/protocol.ts'
import { round1Direct } from '../../../src/crypto/sign/messages.ts'
import type { Scalar } from '../../../src/crypto/curve/scalar.ts'
import type { RvoleRows } from '../../../src/crypto/engine.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { createSign } from '../../../src/crypto/sign/sign.ts'
import { hashOf, makeKey, seededRng, shareOf } from './fixtures.ts'
import { resultsOf, runProtocol, type Tamper } from './run-protocol.ts'
import { changing, editing } from './tamper.ts'

/** A generator, and the lengths of those of its outputs that are still there. */
function watched(seed: string): Readonly<{ rng: Rng; left: () => number[] }> {
  const rng = seededRng(seed)
  const given: Uint8Array[] = []
  return {
    rng: (length) => {
      const bytes = rng(length)
      given.push(bytes)
      return bytes
    },
    left: () => given.filter((bytes) => bytes.some((byte) => byte !== 0)).map(({ length }) => length),
  }
}

const key = makeKey(2, 2)
const signing = { sid: hashOf('sid erasure'), signers: [0, 1], messageHash: hashOf('message') }
const making = { sid: hashOf('sid erasure'), threshold: 2, parties: 2 }

function sign(tamper?: Tamper) {
  const { rng, left } = watched('a')
  const own = createSign({ ...signing, self: 0, share: shareOf(key, 0) }, rng)
  const peer = createSign({ ...signing, self: 1, share: shareOf(key, 1) }, seededRng('b'))
  return { run: runProtocol([own, peer], tamper), left }
}

function makeAs(self: number, tamper?: Tamper) {
  const { rng, left } = watched('a')
  const parties = [0, 1].map((one) => createKeygen({ ...making, self: one }, one === self ? rng : seededRng('b')))
  return { run: runProtocol(parties, tamper), left }
}

// What may be left is public by then: the salt of a commitment (32), and in key generation the chain code share (32).

test('a signer overwrites its choice bits and all it drew for nonces', () => {
  const { run, left } = sign()
  expect(resultsOf(run)).toHaveLength(2)
  expect(left()).toEqual([32])
})

test('a signer that aborts overwrites them too', () => {
  const broken = editing(round1Direct, () => ({ xHat: new Uint8Array(16) }))
  const { run, left } = sign(changing([{ round: 1, channel: 'direct', from: 1 }, broken]))
  expect(run.ends[0]).toMatchObject({ reason: 'ot-check-failed' })
  expect(left()).toEqual([32])
})

test.each([
  ['base-OT sender', 0],
  ['base-OT receiver', 1],
])('the %s of a pair keeps nothing but its Δ, and on abort not that either', (_, self) => {
  expect(makeAs(self).left()).toEqual([32, 32, 16])
  const lie = editing(round4Broadcast, () => ({ confirmation: new Uint8Array(32) }))
  const { run, left } = makeAs(self, changing([{ round: 4, channel: 'broadcast', from: 1 - self }, lie]))
  expect(run.ends[self]).toMatchObject({ reason: 'confirmation-mismatch' })
  expect(left()).toEqual([32, 32])
})

test('a run that is given up in the middle overwrites what it drew, and takes no further round', () => {
  const { rng, left } = watched('a')
  const own = createSign({ ...signing, self: 0, share: shareOf(key, 0) }, rng)
  const peer = createSign({ ...signing, self: 1, share: shareOf(key, 1) }, seededRng('b'))
  own.start()
  const sent = peer.start()
  if (sent.kind !== 'next') throw new Error('the peer did not start')
  const [broadcast, direct] = sent.outbound.map(({ body }) => body)
  if (broadcast === undefined || direct === undefined) throw new Error('the peer sent too little')
  own.erase()
  expect(left()).toEqual([32]) // the salt: with R unknown it says nothing
  expect(() => own.receive(1, [{ from: 1, broadcast, direct }])).toThrow('not waiting')
  expect(own.start()).toMatchObject({ kind: 'abort', reason: 'replayed-round' })
})

/** The engine, and how many of the scalars whose multiples of G it computed are still there. */
function watchedEngine() {
  const used: Scalar[] = []
  const multiplyBase = (k: Scalar) => {
    used.push(k)
    return limbEngine.points.multiplyBase(k)
  }
  const engine = { ...limbEngine, points: { ...limbEngine.points, multiplyBase } }
  return { engine, used, left: () => used.filter((k) => k.some((byte) => byte !== 0)).length }
}

test('a signer overwrites its nonce, its share of the key and the mask of what it opens', () => {
  const { engine, used, left } = watchedEngine()
  const own = createSign({ ...signing, self: 0, share: shareOf(key, 0) }, seededRng('a'), engine)
  const peer = createSign({ ...signing, self: 1, share: shareOf(key, 1) }, seededRng('b'))
  resultsOf(runProtocol([own, peer]))
  // r, sk and â.
  expect([used.length, left()]).toEqual([3, 0])
})

test('a party that makes a key overwrites its polynomial, what it was sent and the nonces of its proofs', () => {
  const { engine, used, left } = watchedEngine()
  const parties = [createKeygen({ ...making, self: 0 }, seededRng('a'), engine)]
  parties.push(createKeygen({ ...making, self: 1 }, seededRng('b')))
  resultsOf(runProtocol(parties))
  // Two coefficients, two nonces, one share.
  expect([used.length, left()]).toEqual([5, 0])
})

/** The engine, and where scalars come from that it computed and that are still there. */
function watchedScalars() {
  const made: { scalar: Uint8Array; by: string }[] = []
  const noted = (scalar: Scalar) => {
    const line = new Error().stack?.split('\n').find((at) => at.includes('src/crypto/') && !at.includes('/curve/'))
    made.push({ scalar, by: line?.replace(/^.*src\/crypto\/|:.*$/g, '') ?? '' })
    return scalar
  }
  const { scalars, rvole } = limbEngine
  const watchedRows = (rows: RvoleRows): RvoleRows => ({
    checkValues: (...args) => rows.checkValues(...args),
    erase: () => rows.erase(),
    weightedSums: (g) => {
      const [first, second] = rows.weightedSums(g)
      return [noted(first), noted(second)]
    },
  })
  const mask: typeof rvole.mask = (...args) => {
    const { tau, rows } = rvole.mask(...args)
    return { tau, rows: watchedRows(rows) }
  }
  const unmask: typeof rvole.unmask = (...args) => watchedRows(rvole.unmask(...args))
  const watched = {
    ...scalars,
    add: (a: Scalar, b: Scalar) => noted(scalars.add(a, b)),
    subtract: (a: Scalar, b: Scalar) => noted(scalars.subtract(a, b)),
    reduceWide: (bytes: Uint8Array) => noted(scalars.reduceWide(bytes) as Scalar), // one at a time, in a run
    multiply: (a: Scalar, b: Scalar) => noted(scalars.multiply(a, b)),
  }
  const left = () => made.filter(({ scalar }) => scalar.some((byte) => byte !== 0)).map(({ by }) => by)
  return { engine: { ...limbEngine, scalars: watched, rvole: { ...rvole, mask, unmask } }, left }
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

test('a signer overwrites every product and partial sum on the way to what it sends', () => {
  const { engine, left } = watchedScalars()
  const own = createSign({ ...signing, self: 0, share: shareOf(key, 0) }, seededRng('a'), engine)
  const peer = createSign({ ...signing, self: 1, share: shareOf(key, 1) }, seededRng('b'))
  resultsOf(runProtocol([own, peer]))
  // Lagrange coefficients; η, own and the peer's; ψ; u and w; Σu and Σw; the signature and its verification.
  expect(count(left())).toEqual({
    'polynomial.ts': 4,
    'rvole.ts': 2,
    'sign/round-2.ts': 1,
    'sign/round-3.ts': 2,
    'sign/finish.ts': 2,
    'ecdsa.ts': 3,
  })
})

test('a party that makes a key overwrites every share it sends, and partial sums of its own', () => {
  const { engine, left } = watchedScalars()
  const parties = [createKeygen({ ...making, self: 0 }, seededRng('a'), engine)]
  parties.push(createKeygen({ ...making, self: 1 }, seededRng('b')))
  resultsOf(runProtocol(parties))
  // The responses of two proofs, and the negative challenges of the peer's; and p_i, which is the result.
  expect(count(left())).toEqual({ 'schnorr.ts': 4, 'keygen/round-3.ts': 1 })
})

test('the OT extension leaves nothing of what its check computes', () => {
  const slice = vi.spyOn(Uint32Array.prototype, 'slice')
  const { run } = sign()
  const folded = slice.mock.results.map(({ value }) => value as Uint32Array).filter(({ length }) => length === 128 * 4)
  slice.mockRestore()
  expect(resultsOf(run)).toHaveLength(2)
  // Of each signer t̂, which it sends, and q̂, with which that tells Δ.
  expect(folded.map((words) => words.every((word) => word === 0)).sort()).toEqual([false, false, true, true])
})
