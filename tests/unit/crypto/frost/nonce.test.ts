import { describe, expect, test } from 'vitest'
import { keyPackage } from '../../../../src/crypto/frost/key-share.ts'
import { drawNonce } from '../../../../src/crypto/frost/nonce.ts'
import { suiteOf } from '../../../../src/crypto/frost/suite.ts'
import { createFrostSign } from '../../../../src/crypto/frost/sign.ts'
import type { Inbound, Step } from '../../../../src/crypto/protocol.ts'
import { hashOf, seededRng } from '../fixtures.ts'
import { frostKeyTypes, frostShareOf, frostSignParties, makeFrostKey } from './fixtures.ts'

function broadcastOf(step: Step<unknown>): Uint8Array {
  const body = step.kind === 'next' ? step.outbound[0]?.body : undefined
  if (body === undefined) throw new Error('nothing was sent')
  return body
}

describe.each(frostKeyTypes)('a nonce of a key of type %s', (keyType) => {
  const key = makeFrostKey(keyType, 2, 2)
  const { frost } = suiteOf(keyType)
  const own = keyPackage(frostShareOf(key, 0))
  const peer = keyPackage(frostShareOf(key, 1))
  const peerNonce = (label: string) => drawNonce(frost, peer.secret, seededRng(label)).commitments

  /** noble, and the nonces that it was given. */
  function watched() {
    const seen: Uint8Array[] = []
    const signShare = (...args: Parameters<typeof frost.signShare>) => {
      seen.push(args[2].hiding as Uint8Array, args[2].binding as Uint8Array)
      return frost.signShare(...args)
    }
    return { seen, watching: { ...frost, signShare } }
  }

  test('signs once: not for the same list, not for another, and not through a copy', () => {
    const nonce = drawNonce(frost, own.secret, seededRng('nonce'))
    const copy = { ...nonce }
    const list = [nonce.commitments, peerNonce('a')]
    expect(nonce.sign(own.public, list, hashOf('m'))).toHaveLength(32)
    expect(() => nonce.sign(own.public, list, hashOf('m'))).toThrow('used up')
    expect(() => copy.sign(own.public, [nonce.commitments, peerNonce('b')], hashOf('m'))).toThrow('used up')
  })

  test('is used up by an attempt that fails', () => {
    const { watching, seen } = watched()
    const nonce = drawNonce(watching, own.secret, seededRng('nonce'))
    const broken = { ...peerNonce('a'), hiding: new Uint8Array(peerNonce('a').hiding.length) }
    expect(() => nonce.sign(own.public, [nonce.commitments, broken], hashOf('m'))).toThrow()
    expect(seen).toEqual([new Uint8Array(32), new Uint8Array(32)])
    expect(() => nonce.sign(own.public, [nonce.commitments, peerNonce('a')], hashOf('m'))).toThrow('used up')
  })

  test('shows nothing but its commitments, and none of its secrets outlives its use', () => {
    const { watching, seen } = watched()
    const nonce = drawNonce(watching, own.secret, seededRng('nonce'))
    expect(Object.values(nonce).filter((value) => typeof value !== 'function')).toEqual([nonce.commitments])
    nonce.sign(own.public, [nonce.commitments, peerNonce('a')], hashOf('m'))
    expect(seen).toEqual([new Uint8Array(32), new Uint8Array(32)])
  })

  test('does not sign in a run that was told of its commitments a second time with others', () => {
    const [run, other] = frostSignParties(key, [0, 1], { label: 'replay' })
    const [, third] = frostSignParties(key, [0, 1], { label: 'third', sid: hashOf('sid replay') })
    if (run === undefined || other === undefined || third === undefined) throw new Error('no parties')
    run.start()
    const first: Inbound[] = [{ from: 1, broadcast: broadcastOf(other.start()) }]
    const sent = run.receive(1, first)
    expect(run.receive(1, first)).toBe(sent) // the same bytes get the same answer
    const again = run.receive(1, [{ from: 1, broadcast: broadcastOf(third.start()) }])
    expect(again).toEqual({ kind: 'abort', reason: 'replayed-round', culprits: [1], severity: 'retry' })
    expect(run.receive(1, first)).toMatchObject({ kind: 'abort', reason: 'replayed-round' })
  })

  test('never comes back in a run with the same session and the same key', () => {
    const params = { sid: hashOf('sid'), self: 0, signers: [0, 1], message: hashOf('m'), share: frostShareOf(key, 0) }
    const commitments = (seed: string) => broadcastOf(createFrostSign(params, seededRng(seed)).start())
    expect(commitments('one')).not.toEqual(commitments('two'))
  })
})
