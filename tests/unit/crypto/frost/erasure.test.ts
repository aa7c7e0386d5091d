import { describe, expect, test } from 'vitest'
import { createFrostKeygen } from '../../../../src/crypto/frost/keygen.ts'
import { keygenRound2Direct, signRound2 } from '../../../../src/crypto/frost/messages.ts'
import { createFrostSign } from '../../../../src/crypto/frost/sign.ts'
import type { Execution, Rng } from '../../../../src/crypto/protocol.ts'
import { hashOf, seededRng } from '../fixtures.ts'
import { resultsOf, runProtocol, type Tamper } from '../run-protocol.ts'
import { changing, editing } from '../tamper.ts'
import { frostKeyTypes, frostShareOf, makeFrostKey } from './fixtures.ts'

/** A generator, and whether everything that it gave was overwritten. */
function watched(seed: string): Readonly<{ rng: Rng; given: Uint8Array[]; isWiped: () => boolean }> {
  const rng = seededRng(seed)
  const given: Uint8Array[] = []
  const keep = (length: number) => {
    const bytes = rng(length)
    given.push(bytes)
    return bytes
  }
  const isWiped = () => given.length > 0 && given.every((bytes) => bytes.every((byte) => byte === 0))
  return { rng: keep, given, isWiped }
}

describe.each(frostKeyTypes)('%s', (keyType) => {
  const key = makeFrostKey(keyType, 2, 2)
  const making = { keyType, sid: hashOf('sid'), threshold: 2, parties: 2 }
  const signing = { sid: hashOf('sid'), signers: [0, 1], message: hashOf('m') }
  const maker = (self: number, rng: Rng) => createFrostKeygen({ ...making, self }, rng)
  const signer = (self: number, rng: Rng) => createFrostSign({ ...signing, self, share: frostShareOf(key, self) }, rng)

  function run<Result>(create: (self: number, rng: Rng) => Execution<Result>, tamper?: Tamper) {
    const watch = watched('a')
    return { ...watch, ...runProtocol([create(0, watch.rng), create(1, seededRng('b'))], tamper) }
  }

  test('all randomness that key generation and signing drew is overwritten', () => {
    expect(run(maker).isWiped()).toBe(true)
    expect(run(signer).isWiped()).toBe(true)
  })

  test('a run that fails overwrites it too', () => {
    const spoil = editing(signRound2, ({ share }) => ({ share: share.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) }))
    const failed = run(signer, changing([{ round: 2, channel: 'broadcast', from: 1 }, spoil]))
    expect(failed.ends[0]).toMatchObject({ reason: 'signature-share-invalid' })
    expect(failed.isWiped()).toBe(true)
    const zero = editing(keygenRound2Direct, () => ({ share: new Uint8Array(32) }))
    const void_ = run(maker, changing([{ round: 2, channel: 'direct', from: 1 }, zero]))
    expect(void_.ends[0]).toMatchObject({ reason: 'share-invalid' })
    expect(void_.isWiped()).toBe(true)
  })

  test('a finished signature leaves the share alone', () => {
    const before = frostShareOf(key, 0).secretShare.slice()
    const runs = [0, 1].map((self) => signer(self, seededRng(String(self))))
    resultsOf(runProtocol(runs))
    for (const one of runs) one.erase()
    expect(frostShareOf(key, 0).secretShare).toEqual(before)
  })

  test('a run that was given up takes no further round, and its nonces sign nothing', () => {
    const [own, peer] = [signer(0, seededRng('a')), signer(1, seededRng('b'))]
    own.start()
    const sent = peer.start()
    const broadcast = sent.kind === 'next' ? sent.outbound[0]?.body : undefined
    own.erase()
    expect(() => own.receive(1, [{ from: 1, ...(broadcast && { broadcast }) }])).toThrow('not waiting')
    expect(own.start()).toMatchObject({ kind: 'abort', reason: 'replayed-round' })
  })
})
