import { describe, expect, test } from 'vitest'
import { decodeMessage } from '../../../src/crypto/codec.ts'
import type { Scalar } from '../../../src/crypto/curve/scalar.ts'
import { encodePoint } from '../../../src/crypto/curve/secp256k1.ts'
import { verifySignature } from '../../../src/crypto/ecdsa.ts'
import { broadcastView } from '../../../src/crypto/inbound.ts'
import { eraseOtState } from '../../../src/crypto/key-share.ts'
import type { Abort } from '../../../src/crypto/protocol.ts'
import { round1Broadcast, round1Direct, round2Direct, round3Broadcast } from '../../../src/crypto/sign/messages.ts'
import { createSign } from '../../../src/crypto/sign/sign.ts'
import { pointOf, points, scalarOf, scalars, sumOf } from './arithmetic.ts'
import { hashOf, makeKey, seededRng, shareOf, signParties } from './fixtures.ts'
import { resultsOf, runProtocol, type Packet } from './run-protocol.ts'
import { changing, editing, flipBit, isAt } from './tamper.ts'

const key = makeKey(2, 3)
const everyone = [0, 1, 2]
const messageHash = hashOf('message')
const publicKey = shareOf(key, 0).publicKey

function abort(reason: Abort['reason'], culprits: number[] = [], severity: Abort['severity'] = 'retry'): Abort {
  return { kind: 'abort', reason, culprits, severity }
}

function sentAt(packets: readonly Packet[], place: Parameters<typeof isAt>[1]): Uint8Array {
  const packet = packets.find((sent) => isAt(sent, place))
  if (packet === undefined) throw new Error('nothing was sent')
  return packet.body
}

describe('a signer that tells different peers different things', () => {
  test('in its commitment is caught by the echo, before its multiplications are checked', () => {
    const run = runProtocol(
      signParties(key, everyone),
      changing(
        [{ round: 1, channel: 'broadcast', from: 0, to: 2 }, (body) => flipBit(body, 300)],
        [{ round: 2, channel: 'direct', from: 0 }, editing(round2Direct, () => ({ mu: new Uint8Array(32) }))],
      ),
    )
    for (const end of run.ends) expect(end).toEqual(abort('view-mismatch'))
  })

  test('in its nonce or key share is caught by the echo of both', () => {
    // A lie about R or pk fails its own checks; two signers that were shown different sets differ in the last echo.
    const run = runProtocol(
      signParties(key, everyone),
      changing([
        { round: 3, channel: 'broadcast', from: 1, to: 2 },
        editing(round3Broadcast, () => ({ view: new Uint8Array(32) })),
      ]),
    )
    expect(run.ends[2]).toEqual(abort('view-mismatch'))
    expect(run.ends[0]).toMatchObject({ kind: 'done' })
  })

  test('in its part of the signature can only stop those it lied to', () => {
    const run = runProtocol(
      signParties(key, everyone, { messageHash }),
      changing([
        { round: 3, channel: 'broadcast', from: 0, to: 2 },
        editing(round3Broadcast, ({ w }) => ({ w: scalars.add(w, scalarOf(1n)) })),
      ]),
    )
    expect(run.ends[2]).toEqual(abort('signature-invalid'))
    const [, honest] = run.ends
    expect(honest?.kind === 'done' && verifySignature(honest.result, messageHash, publicKey)).toBe(true)
  })
})

describe('a signer that waits for all other parts of the signature before it sends its own', () => {
  const { packets } = runProtocol(signParties(key, everyone, { messageHash }))
  const partOf = (from: number) => sentAt(packets, { round: 3, channel: 'broadcast', from })
  const parts = everyone.map((from) => decodeMessage(round3Broadcast, partOf(from)))
  const sum = (of: (part: (typeof parts)[number]) => Scalar) => sumOf(parts.map(of))
  const endsWith = (edit: Parameters<typeof editing<typeof round3Broadcast>>[1]) =>
    runProtocol(
      signParties(key, everyone, { messageHash }),
      changing([{ round: 3, channel: 'broadcast', from: 0, to: 1 }, editing(round3Broadcast, edit)]),
    ).ends[1]

  test('cannot make another one release a valid signature with the wrong recovery id', () => {
    // Σw turned into -Σw gives -s, which low-s form turns back: (r, s) stays valid, the parity of R does not.
    const double = scalars.multiply(scalarOf(2n), sum(({ w }) => w))
    expect(endsWith(({ w }) => ({ w: scalars.subtract(w, double) }))).toEqual(abort('signature-invalid'))
  })

  test('cannot pass a sum that nobody can divide by for bad luck', () => {
    const total = sum(({ u }) => u)
    expect(endsWith(({ u }) => ({ u: scalars.subtract(u, total) }))).toEqual(abort('signature-invalid'))
  })
})

describe('the session is compared before any OT processing', () => {
  test.each(['broadcast', 'direct'] as const)('when the %s message of round 1 is from another one', (channel) => {
    const other = runProtocol(signParties(key, [0, 1], { label: 'another session' })).packets
    const place = { round: 1, channel, from: 0 }
    const run = runProtocol(signParties(key, [0, 1]), changing([place, () => sentAt(other, place)]))
    expect(run.ends[1]).toEqual(abort('session-mismatch'))
  })

  test('even when another signer sends a broken OT message in the same round', () => {
    const run = runProtocol(
      signParties(key, everyone),
      changing(
        [
          { round: 1, channel: 'direct', from: 0, to: 2 },
          editing(round1Direct, () => ({ xHat: new Uint8Array(16) })),
        ],
        [
          { round: 1, channel: 'broadcast', from: 1, to: 2 },
          editing(round1Broadcast, () => ({ session: hashOf('x') })),
        ],
      ),
    )
    expect(run.ends[2]).toEqual(abort('session-mismatch'))
  })

  test.each([
    ['the message', { messageHash: hashOf('something else') }],
    ['the session id', { sid: hashOf('something else') }],
  ])('when two honest signers differ about %s', (_, options) => {
    const [first] = signParties(key, [0, 1], { label: 'x', messageHash, sid: hashOf('sid') })
    const [, second] = signParties(key, [0, 1], { label: 'x', messageHash, sid: hashOf('sid'), ...options })
    if (first === undefined || second === undefined) throw new Error('two signers')
    const run = runProtocol([first, second])
    expect(run.ends).toEqual([abort('session-mismatch'), abort('session-mismatch')])
  })

  test('when two honest signers differ about who signs', () => {
    const [first] = signParties(key, [0, 1], { label: 'x' })
    const [, second] = signParties(key, [2, 1], { label: 'x' })
    if (first === undefined || second === undefined) throw new Error('two signers')
    expect(runProtocol([first, second]).ends).toEqual([abort('session-mismatch'), abort('session-mismatch')])
  })
})

test('a commitment and its opening copied from another signer are refused', () => {
  const honest = runProtocol(signParties(key, [0, 1])).packets
  const copied = sentAt(honest, { round: 1, channel: 'broadcast', from: 1 })
  const opening = decodeMessage(round2Direct, sentAt(honest, { round: 2, channel: 'direct', from: 1 }))
  const { session, nonce, salt } = opening
  const view = broadcastView(session, 1, [{ from: 1, broadcast: copied }], { from: 0, body: copied })
  const run = runProtocol(
    signParties(key, [0, 1]),
    changing(
      [{ round: 1, channel: 'broadcast', from: 0 }, () => copied],
      [{ round: 2, channel: 'direct', from: 0 }, editing(round2Direct, () => ({ view, nonce, salt }))],
    ),
  )
  expect(run.ends[1]).toEqual(abort('commitment-mismatch', [0]))
})

test('inputs that do not add up to the key are refused without blame', () => {
  // An honest multiplication with a key share that is off by one: every check but the sum passes.
  const wrong = { ...shareOf(key, 0), secretShare: scalars.add(shareOf(key, 0).secretShare, scalarOf(1n)) }
  const run = runProtocol(signParties([wrong, shareOf(key, 1), shareOf(key, 2)], [0, 1]))
  expect(run.ends[1]).toEqual(abort('public-key-mismatch'))
})

test('a public share that is not of what was multiplied is refused', () => {
  const run = runProtocol(
    signParties(key, [0, 1]),
    changing([
      { round: 2, channel: 'direct', from: 0 },
      editing(round2Direct, ({ publicShare }) => ({ publicShare: points.add(publicShare, pointOf(1n)) })),
    ]),
  )
  expect(run.ends[1]).toEqual(abort('rvole-check-failed', [0], 'ban'))
})

test('public shares that are right in their sum only are refused', () => {
  const shifted = (by: bigint) =>
    editing(round2Direct, ({ publicShare }) => ({ publicShare: points.add(publicShare, pointOf(by)) }))
  const run = runProtocol(
    signParties(key, everyone),
    changing(
      [{ round: 2, channel: 'direct', from: 0, to: 2 }, shifted(1n)],
      [{ round: 2, channel: 'direct', from: 1, to: 2 }, shifted(-1n)],
    ),
  )
  expect(run.ends[2]).toEqual(abort('rvole-check-failed', [0, 1], 'ban'))
})

test('all cheats of one round are named', () => {
  const broken = editing(round1Direct, () => ({ tHat: new Uint8Array(2048) }))
  const run = runProtocol(
    signParties(key, everyone),
    changing(
      [{ round: 1, channel: 'direct', from: 0, to: 2 }, broken],
      [{ round: 1, channel: 'direct', from: 1, to: 2 }, broken],
    ),
  )
  expect(run.ends[2]).toEqual(abort('ot-check-failed', [0, 1], 'ban'))
})

test('a peer whose message is too short, too long or empty is named', () => {
  const changes = [
    (body: Uint8Array) => body.slice(1),
    (body: Uint8Array) => Uint8Array.from([...body, 0]),
    () => new Uint8Array(0),
  ]
  for (const change of changes) {
    const run = runProtocol(signParties(key, [0, 1]), changing([{ round: 2, channel: 'direct', from: 0 }, change]))
    expect(run.ends[1]).toEqual(abort('malformed-message', [0]))
  }
})

test('nonces, OT messages and blinded values are fresh for every peer and session', () => {
  const packets = ['a', 'b'].flatMap((label) => runProtocol(signParties(key, everyone, { label, messageHash })).packets)
  const direct = (round: number) => packets.filter((packet) => packet.round === round && packet.channel === 'direct')
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const requests = direct(1).map(({ body }) => decodeMessage(round1Direct, body))
  expect(new Set(requests.map(({ u }) => hex(u))).size).toBe(12)
  expect(new Set(requests.map(({ xHat }) => hex(xHat))).size).toBe(12)
  const answers = direct(2).map(({ body }) => decodeMessage(round2Direct, body))
  for (const field of ['psi', 'eta', 'mu'] as const) expect(new Set(answers.map((sent) => hex(sent[field]))).size).toBe(12)
  expect(new Set(answers.map(({ mask }) => hex(encodePoint(mask)))).size).toBe(12)
  // One nonce and one share of the key for each of three signers in each of two sessions.
  expect(new Set(answers.map(({ nonce }) => hex(encodePoint(nonce)))).size).toBe(6)
  expect(new Set(answers.map(({ publicShare }) => hex(encodePoint(publicShare)))).size).toBe(6)
})

describe('parameters', () => {
  const valid = { sid: hashOf('sid'), self: 0, signers: [0, 2], messageHash, share: shareOf(key, 0) }
  const create = (change: object) => () => createSign({ ...valid, ...change }, seededRng('params'))

  test.each([
    ['fewer signers than the threshold', { signers: [0] }, 'signers must be at least 2'],
    ['no signers', { signers: [] }, 'signers must be at least 2'],
    ['a repeated signer', { signers: [0, 0] }, 'signers must be distinct'],
    ['a signer who is not a member', { signers: [0, 3] }, 'signers must be members'],
    ['a negative signer', { signers: [0, -1] }, 'signers must be members'],
    ['a fractional signer', { signers: [0, 0.5] }, 'signers must be members'],
    ['a position that is another signer', { self: 1 }, 'self is not the owner'],
    ['a position outside the roster', { self: 2 }, 'self is not the owner'],
    ['a short hash', { messageHash: new Uint8Array(31) }, 'messageHash must be 32 bytes'],
    ['a short session id', { sid: new Uint8Array(31) }, 'sid must be 32 bytes'],
  ])('%s: refused', (_, change, text) => {
    expect(create(change)).toThrow(text)
  })

  test('a peer whose OT state was erased: refused before anything is sent, while others still sign', () => {
    const share = eraseOtState(shareOf(key, 0), 2)
    expect(create({ share })).toThrow('OT state with party 2 was erased')
    const erased = [share, shareOf(key, 1), shareOf(key, 2)]
    expect(resultsOf(runProtocol(signParties(erased, [0, 1], { messageHash })))).toHaveLength(2)
  })
})

test('an OT message meant for another recipient is refused', () => {
  const { packets } = runProtocol(signParties(key, everyone))
  const run = runProtocol(
    signParties(key, everyone),
    (packet) =>
      isAt(packet, { round: 1, channel: 'direct', from: 0, to: 2 })
        ? sentAt(packets, { round: 1, channel: 'direct', from: 0, to: 1 })
        : packet.body,
  )
  expect(run.ends[2]).toEqual(abort('ot-check-failed', [0], 'ban'))
})
