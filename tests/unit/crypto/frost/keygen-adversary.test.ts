import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../../src/crypto/bytes.ts'
import { encodeMessage } from '../../../../src/crypto/codec.ts'
import { identifiersOf } from '../../../../src/crypto/frost/key-share.ts'
import { createFrostKeygen } from '../../../../src/crypto/frost/keygen.ts'
import {
  keygenRound1,
  keygenRound2Broadcast,
  keygenRound2Direct,
  keygenRound3,
} from '../../../../src/crypto/frost/messages.ts'
import { suiteOf } from '../../../../src/crypto/frost/suite.ts'
import { H } from '../../../../src/crypto/hash.ts'
import { tag } from '../../../../src/crypto/tags.ts'
import { hashOf, seededRng } from '../fixtures.ts'
import { runProtocol, type Packet } from '../run-protocol.ts'
import { changing, editing, isAt, type Place } from '../tamper.ts'
import { frostKeygenParties, frostKeyTypes } from './fixtures.ts'

const from1 = (round: number, to?: number): Place => ({
  round,
  channel: 'broadcast',
  from: 1,
  ...(to !== undefined && { to }),
})
const abort = (reason: string, culprits: readonly number[]) => ({ kind: 'abort', reason, culprits, severity: 'retry' })

function bodyOf(packets: readonly Packet[], place: Place): Uint8Array {
  const packet = packets.find((candidate) => isAt(candidate, place))
  if (packet === undefined) throw new Error('no such message')
  return packet.body
}

describe.each(frostKeyTypes)('making a key of type %s', (keyType) => {
  const suite = suiteOf(keyType)
  const [t, n] = [2, 3]
  const round1 = keygenRound1(t, suite.pointLength)
  const parties = (label: string) => frostKeygenParties(keyType, t, n, label)

  test('a copied contribution, with its proof, names the copier', () => {
    const label = 'copied contribution'
    const copied = bodyOf(runProtocol(parties(label)).packets, { round: 1, channel: 'broadcast', from: 0 })
    const { ends } = runProtocol(parties(label), changing([from1(1), () => copied]))
    expect(ends[0]).toEqual(abort('proof-invalid', [1]))
    expect(ends[2]).toEqual(abort('proof-invalid', [1]))
  })

  test('a contribution from another session, put into this one, does not prove anything here', () => {
    const own = runProtocol(parties('this session')).packets
    const other = runProtocol(parties('another session')).packets
    const session = bodyOf(own, from1(1)).slice(0, 32)
    const replayed = concatBytes(session, bodyOf(other, from1(1)).slice(32))
    const { ends } = runProtocol(parties('this session'), changing([from1(1), () => replayed]))
    expect(ends[0]).toEqual(abort('proof-invalid', [1]))
    const untouched = runProtocol(parties('this session'), changing([from1(1), () => bodyOf(other, from1(1))]))
    expect(untouched.ends[0]).toEqual(abort('session-mismatch', []))
  })

  test('two bad contributions name both, and only them', () => {
    const spoil = editing(round1, () => ({ proof: new Uint8Array(64).fill(1) }))
    const { ends } = runProtocol(
      parties('two bad'),
      changing([from1(1, 0), spoil], [{ round: 1, channel: 'broadcast', from: 2, to: 0 }, spoil]),
    )
    expect(ends[0]).toEqual(abort('proof-invalid', [1, 2]))
  })

  test('a small-order or identity point is malformed', () => {
    const identity = new Uint8Array(suite.pointLength)
    identity[0] = 1 // of Ed25519; no point at all of secp256k1
    for (const part of ['constantCommitment', 'otherCommitments'] as const) {
      const { ends } = runProtocol(
        parties('identity'),
        changing([from1(1, 0), editing(round1, () => ({ [part]: identity }))]),
      )
      expect(ends[0]).toEqual(abort('malformed-message', [1]))
    }
  })

  test('another contribution to one party than to the others shows in the echo and names nobody', () => {
    const sid = hashOf('sid equivocation')
    const others = createFrostKeygen({ keyType, sid, self: 1, threshold: t, parties: n }, seededRng('other polynomial'))
    const started = others.start()
    const second = started.kind === 'next' ? started.outbound[0]?.body : undefined
    const { ends } = runProtocol(
      parties('equivocation'),
      changing([from1(1, 0), (body) => second ?? body]),
    )
    expect(ends[0]).toEqual(abort('view-mismatch', []))
    expect(ends[2]).toEqual(abort('view-mismatch', []))
  })

  test('a false echo to one party ends that party only', () => {
    const lie = editing(keygenRound2Broadcast, () => ({ view: hashOf('another view') }))
    const { ends } = runProtocol(parties('false echo'), changing([from1(2, 0), lie]))
    expect(ends[0]).toEqual(abort('view-mismatch', []))
    expect(ends[2]).toBeUndefined()
  })

  test('the share meant for another party names its sender', () => {
    const packets = runProtocol(parties('swapped shares')).packets
    const forTwo = bodyOf(packets, { round: 2, channel: 'direct', from: 1, to: 2 })
    const place: Place = { round: 2, channel: 'direct', from: 1, to: 0 }
    const { ends } = runProtocol(parties('swapped shares'), changing([place, () => forTwo]))
    expect(ends[0]).toEqual(abort('share-invalid', [1]))
  })

  test('a share of zero names its sender', () => {
    const zero = editing(keygenRound2Direct, () => ({ share: new Uint8Array(32) }))
    const place: Place = { round: 2, channel: 'direct', from: 1, to: 0 }
    const { ends } = runProtocol(parties('zero share'), changing([place, zero]))
    expect(ends[0]).toEqual(abort('share-invalid', [1]))
  })

  test('a confirmation of another key names nobody, and no key comes of it', () => {
    const lie = editing(keygenRound3, () => ({ confirmation: hashOf('another key') }))
    const { ends } = runProtocol(parties('confirmation'), changing([from1(3, 0), lie]))
    expect(ends[0]).toEqual(abort('confirmation-mismatch', []))
    expect(ends[2]).toMatchObject({ kind: 'done' }) // it was told the truth; docs/protocol.md says what that means
  })

  test('contributions that cancel to no key at all are refused', () => {
    // A party that knew the other's secret could choose its negative. Here the seed is known, so we can.
    const sid = hashOf('sid cancelling')
    const session = H(tag.frostKeygenSession, sid, keyType, 2, 2)
    const ids = identifiersOf(keyType, session, 2)
    const signers = { min: 2, max: 2 }
    const { DKG, utils } = suite.frost
    const [victim, rogue] = [ids[0] ?? '', ids[1] ?? '']
    const seeded = seededRng('victim')
    const known = DKG.round1(victim, signers, undefined, (length) => seeded(length ?? 32) as Uint8Array<ArrayBuffer>)
    const negative = utils.Fn.toBytes(utils.Fn.neg(known.secret.coefficients?.[0] ?? 0n))
    const made = DKG.round1(rogue, signers, negative)
    const share = DKG.round2(made.secret, [known.public])[victim]?.signingShare ?? new Uint8Array(32)
    const run = createFrostKeygen({ keyType, sid, self: 0, threshold: 2, parties: 2 }, seededRng('victim'))
    run.start()
    const [constantCommitment, otherCommitments] = made.public.commitment
    if (constantCommitment === undefined || otherCommitments === undefined) throw new Error('no commitments')
    const proof = made.public.proofOfKnowledge
    const first = encodeMessage(round1, { session, constantCommitment, otherCommitments, proof })
    const second = run.receive(1, [{ from: 1, broadcast: first }])
    const broadcast = second.kind === 'next' ? second.outbound[0]?.body : undefined
    if (broadcast === undefined) throw new Error('the victim did not go on')
    const direct = encodeMessage(keygenRound2Direct, { session, share })
    // Its own echo is what an honest peer would have sent.
    expect(run.receive(2, [{ from: 1, broadcast, direct }])).toEqual(abort('public-key-invalid', []))
  })
})
