import { describe, expect, test } from 'vitest'
import { encodePoint } from '../../../src/crypto/curve/secp256k1.ts'
import { decodeMessage, encodeMessage } from '../../../src/crypto/codec.ts'
import { H } from '../../../src/crypto/hash.ts'
import { broadcastView } from '../../../src/crypto/inbound.ts'
import { round1Broadcast, round2Broadcast, round2FromBaseSender } from '../../../src/crypto/keygen/messages.ts'
import { round3Broadcast, round3FromBaseSender, round4Broadcast } from '../../../src/crypto/keygen/messages.ts'
import { commitTo } from '../../../src/crypto/keygen/round-1.ts'
import type { KeygenContext, Opening } from '../../../src/crypto/keygen/state.ts'
import { limbEngine } from '../../../src/crypto/limbs/engine.ts'
import { prove, type ProofContext } from '../../../src/crypto/schnorr.ts'
import { tag } from '../../../src/crypto/tags.ts'
import { negatedPoint, pointOf, points, scalarOf } from './arithmetic.ts'
import { hashOf, keygenParties, makeKey, seededRng, shareOf } from './fixtures.ts'
import { runProtocol, type Packet } from './run-protocol.ts'
import { changing, editing, flipBit } from './tamper.ts'

const label = 'adversary'

function contextOf(parties: number): KeygenContext {
  const session = H(tag.keygenSession, hashOf(`sid ${label}`), 2, parties)
  return { engine: limbEngine, session, self: 0, threshold: 2, parties }
}

/** What every party broadcasts in an honest run with these seeds. */
function honestPackets(parties: number): readonly Packet[] {
  return runProtocol(keygenParties(2, parties, label)).packets
}

function broadcastOf(packets: readonly Packet[], round: number, from: number): Uint8Array {
  const packet = packets.find((sent) => sent.round === round && sent.from === from && sent.channel === 'broadcast')
  if (packet === undefined) throw new Error('nothing was sent')
  return packet.body
}

function openingFrom(body: Uint8Array): Opening {
  const { contribution, proofNonce, proofResponse, chainCodeShare, salt } = decodeMessage(round2Broadcast(2), body)
  return { contribution, proof: { nonce: proofNonce, response: proofResponse }, chainCodeShare, salt }
}

/** Party 0 of two commits to one opening and opens just that, with an echo that fits. */
function cheatingWith(opening: Opening, packets: readonly Packet[]) {
  const context = contextOf(2)
  const { session } = context
  const round1 = encodeMessage(round1Broadcast, { session, commitment: commitTo(context, 0, opening) })
  const other = { from: 1, broadcast: broadcastOf(packets, 1, 1) }
  const view = broadcastView(session, 1, [other], { from: 0, body: round1 })
  const { contribution, proof, chainCodeShare, salt } = opening
  const opened = { contribution, proofNonce: proof.nonce, proofResponse: proof.response, chainCodeShare, salt }
  return changing(
    [{ round: 1, channel: 'broadcast', from: 0 }, () => round1],
    [
      { round: 2, channel: 'broadcast', from: 0 },
      () => encodeMessage(round2Broadcast(2), { session, view, ...opened }),
    ],
  )
}

describe('a party that cheats with its commitment', () => {
  const packets = honestPackets(2)
  const own = openingFrom(broadcastOf(packets, 2, 0))
  const victims = openingFrom(broadcastOf(packets, 2, 1))

  test('cannot copy the commitment and opening of another party', () => {
    const run = runProtocol(
      keygenParties(2, 2, label),
      changing(
        [{ round: 1, channel: 'broadcast', from: 0 }, () => broadcastOf(packets, 1, 1)],
        [
          { round: 2, channel: 'broadcast', from: 0 },
          editing(round2Broadcast(2), () => {
            const copied = broadcastOf(packets, 1, 1)
            const context = contextOf(2)
            const view = broadcastView(context.session, 1, [{ from: 1, broadcast: copied }], { from: 0, body: copied })
            const { proof, ...rest } = victims
            return { view, ...rest, proofNonce: proof.nonce, proofResponse: proof.response }
          }),
        ],
      ),
    )
    expect(run.ends[1]).toEqual({
      kind: 'abort',
      reason: 'commitment-mismatch',
      culprits: [0],
      severity: 'retry',
    })
  })

  const forSeven = (context: ProofContext): Opening => ({
    ...own,
    contribution: [pointOf(7n), ...own.contribution.slice(1)],
    proof: prove(limbEngine, context, scalarOf(7n), pointOf(7n), seededRng('seven')),
  })
  const { session } = contextOf(2)

  test('could use a proof of its own, made for this place', () => {
    const opening = forSeven({ tag: tag.proofOfContribution, session, prover: 0 })
    const run = runProtocol(keygenParties(2, 2, label), cheatingWith(opening, packets))
    // The proof holds; only the shares it sent do not belong to it.
    expect(run.ends[1]).toMatchObject({ reason: 'share-invalid' })
  })

  test.each<[string, Opening]>([
    ['a proof copied from another party', { ...own, contribution: victims.contribution, proof: victims.proof }],
    ['a contribution that cancels the other', { ...own, contribution: victims.contribution.map(negatedPoint) }],
    ['a proof made for another purpose', forSeven({ tag: tag.proofOfShare, session, prover: 0 })],
    ['a proof made in another session', forSeven({ tag: tag.proofOfContribution, session: hashOf('x'), prover: 0 })],
    ['a proof made as another party', forSeven({ tag: tag.proofOfContribution, session, prover: 1 })],
  ])('cannot use %s', (_, opening) => {
    const run = runProtocol(keygenParties(2, 2, label), cheatingWith(opening, packets))
    expect(run.ends[1]).toEqual({ kind: 'abort', reason: 'proof-invalid', culprits: [0], severity: 'retry' })
  })

  test('cannot hand out shares of another polynomial than the committed one', () => {
    const contribution = [own.contribution[0], own.contribution.reduce(points.add)].filter((p) => p !== undefined)
    const run = runProtocol(keygenParties(2, 2, label), cheatingWith({ ...own, contribution }, packets))
    expect(run.ends[1]).toEqual({ kind: 'abort', reason: 'share-invalid', culprits: [0], severity: 'retry' })
  })

  test('cannot commit to more or fewer coefficients than the threshold', () => {
    for (const length of [1, 3]) {
      const body = broadcastOf(packets, 2, 0)
      const point = encodePoint(pointOf(3n))
      const changed = length === 1
        ? Uint8Array.from([...body.slice(0, 64 + 33), ...body.slice(64 + 66)])
        : Uint8Array.from([...body.slice(0, 64 + 66), ...point, ...body.slice(64 + 66)])
      const run = runProtocol(
        keygenParties(2, 2, label),
        changing([{ round: 2, channel: 'broadcast', from: 0 }, () => changed]),
      )
      expect(run.ends[1]).toEqual({ kind: 'abort', reason: 'malformed-message', culprits: [0], severity: 'retry' })
    }
  })
})

describe('a party that tells different peers different things', () => {
  const packets3 = honestPackets(3)

  test('in round 1 is caught by the echo, before its base OT is used', () => {
    const run = runProtocol(
      keygenParties(2, 3, label),
      changing(
        [{ round: 1, channel: 'broadcast', from: 0, to: 2 }, (body) => flipBit(body, 300)],
        [
          { round: 2, channel: 'direct', from: 0, to: 1 },
          editing(round2FromBaseSender, () => ({ zeroShare: new Uint8Array(32) })),
        ],
      ),
    )
    for (const end of run.ends) {
      expect(end).toEqual({ kind: 'abort', reason: 'view-mismatch', culprits: [], severity: 'retry' })
    }
  })

  test('in round 2 is caught by the echo, before its OT extension is checked', () => {
    const run = runProtocol(
      keygenParties(2, 3, label),
      (packet) => {
        // Whoever gets the other salt must find it committed to, so the commitment differs as well.
        const { session } = contextOf(3)
        const other = { ...openingFrom(broadcastOf(packets3, 2, 0)), salt: new Uint8Array(32) }
        const commitment = commitTo(contextOf(3), 0, other)
        const lie = encodeMessage(round1Broadcast, { session, commitment })
        if (packet.channel === 'broadcast' && packet.from === 0 && packet.to === 2 && packet.round === 1) return lie
        if (packet.channel !== 'broadcast' || packet.round !== 2) return packet.body
        const inbound = [1, 2].map((from) => ({ from, broadcast: broadcastOf(packets3, 1, from) }))
        // Everyone is told the echo it expects to hear: only the next round's echo can tell.
        const expected = broadcastView(session, 1, inbound, {
          from: 0,
          body: packet.to === 2 ? lie : broadcastOf(packets3, 1, 0),
        })
        const edit = packet.from === 0 && packet.to === 2 ? { view: expected, salt: other.salt } : { view: expected }
        return editing(round2Broadcast(2), () => edit)(packet.body)
      },
    )
    for (const end of run.ends) {
      expect(end).toEqual({ kind: 'abort', reason: 'view-mismatch', culprits: [], severity: 'retry' })
    }
  })

  test('in round 3, with two valid proofs of one share, is caught by the confirmations', () => {
    const share = shareOf(makeKey(2, 3, label), 0)
    const { session } = contextOf(3)
    const publicShare = points.multiplyBase(share.secretShare)
    const context = { tag: tag.proofOfShare, session, prover: 0 }
    const other = prove(limbEngine, context, share.secretShare, publicShare, seededRng('other'))
    const run = runProtocol(
      keygenParties(2, 3, label),
      changing([
        { round: 3, channel: 'broadcast', from: 0, to: 2 },
        editing(round3Broadcast, () => ({ proofNonce: other.nonce, proofResponse: other.response })),
      ]),
    )
    for (const end of run.ends) {
      expect(end).toEqual({ kind: 'abort', reason: 'confirmation-mismatch', culprits: [], severity: 'retry' })
    }
  })

  test('in round 4 stops those it lied to, and no one gets a different key', () => {
    const run = runProtocol(
      keygenParties(2, 3, label),
      changing([
        { round: 4, channel: 'broadcast', from: 0, to: 2 },
        editing(round4Broadcast, () => ({ confirmation: new Uint8Array(32) })),
      ]),
    )
    expect(run.ends[2]).toEqual({ kind: 'abort', reason: 'confirmation-mismatch', culprits: [], severity: 'retry' })
    expect(run.ends[1]).toMatchObject({ kind: 'done' })
  })

})

test('views are compared before any OT message is looked at', () => {
  const run = runProtocol(
    keygenParties(2, 2, label),
    changing(
      [{ round: 3, channel: 'broadcast', from: 0 }, editing(round3Broadcast, () => ({ view: new Uint8Array(32) }))],
      [
        { round: 3, channel: 'direct', from: 0 },
        editing(round3FromBaseSender, () => ({ xHat: new Uint8Array(16), pairConfirmation: new Uint8Array(32) })),
      ],
    ),
  )
  expect(run.ends[1]).toEqual({ kind: 'abort', reason: 'view-mismatch', culprits: [], severity: 'retry' })
})

test('messages of another session are refused without blaming their sender', () => {
  const other = runProtocol(keygenParties(2, 2, 'another session')).packets
  for (const round of [1, 2, 3, 4]) {
    const replayed = broadcastOf(other, round, 0)
    const run = runProtocol(
      keygenParties(2, 2, label),
      changing([{ round, channel: 'broadcast', from: 0 }, () => replayed]),
    )
    expect(run.ends[1]).toEqual({ kind: 'abort', reason: 'session-mismatch', culprits: [], severity: 'retry' })
  }
})

test('a public share of the wrong party is refused', () => {
  const run = runProtocol(
    keygenParties(2, 2, label),
    changing([
      { round: 3, channel: 'broadcast', from: 0 },
      editing(round3Broadcast, ({ publicShare }) => ({ publicShare: points.add(publicShare, publicShare) })),
    ]),
  )
  expect(run.ends[1]).toEqual({ kind: 'abort', reason: 'public-key-mismatch', culprits: [0], severity: 'retry' })
})

test('every pair has secrets of its own', () => {
  const peers = makeKey(2, 3, label).flatMap((share) => share.peers)
  const deltas = peers.map((peer) => Buffer.from(peer.ot?.asSender.delta ?? []).toString('hex'))
  expect(new Set(deltas).size).toBe(6)
  expect(deltas.every((delta) => delta.length === 32)).toBe(true)
  const seeds = peers.map((peer) => Buffer.from(peer.zeroShareSeed).toString('hex'))
  expect(new Set(seeds).size).toBe(3)
})
