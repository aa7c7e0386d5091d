import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../../src/crypto/bytes.ts'
import { signRound1, signRound2 } from '../../../../src/crypto/frost/messages.ts'
import { createFrostSign } from '../../../../src/crypto/frost/sign.ts'
import { suiteOf } from '../../../../src/crypto/frost/suite.ts'
import { hashOf, seededRng } from '../fixtures.ts'
import { runProtocol, type Packet } from '../run-protocol.ts'
import { changing, editing, isAt, type Place } from '../tamper.ts'
import { frostKeyTypes, frostShareOf, frostSignParties, makeFrostKey } from './fixtures.ts'

const from = (party: number, round: number, to?: number): Place => ({
  round,
  channel: 'broadcast',
  from: party,
  ...(to !== undefined && { to }),
})
const abort = (reason: string, culprits: readonly number[]) => ({ kind: 'abort', reason, culprits, severity: 'retry' })

function bodyOf(packets: readonly Packet[], place: Place): Uint8Array {
  const packet = packets.find((candidate) => isAt(candidate, place))
  if (packet === undefined) throw new Error('no such message')
  return packet.body
}

describe.each(frostKeyTypes)('signing with a key of type %s', (keyType) => {
  const { pointLength } = suiteOf(keyType)
  const key = makeFrostKey(keyType, 2, 4)
  const signers = [3, 0, 2] // not in the order of the key: positions and numbers must not be confused
  const parties = (label: string) => frostSignParties(key, signers, { label })

  test('wrong shares name all who sent them, by position', () => {
    const spoil = editing(signRound2, ({ share }) => ({ share: share.map((byte, i) => (i === 15 ? byte ^ 1 : byte)) }))
    const { ends } = runProtocol(parties('two wrong'), changing([from(0, 2), spoil], [from(2, 2), spoil]))
    expect(ends[1]).toEqual(abort('signature-share-invalid', [0, 2]))
    expect(ends[0]).toEqual(abort('signature-share-invalid', [2]))
  })

  test('shares that are wrong one by one but right in sum give the signature all the same', () => {
    const { Fn } = suiteOf(keyType).frost.utils
    const shift = (by: bigint) =>
      editing(signRound2, ({ share }) => ({ share: Fn.toBytes(Fn.add(Fn.fromBytes(share), Fn.create(by))) }))
    const { ends } = runProtocol(parties('in sum'), changing([from(0, 2, 1), shift(5n)], [from(2, 2, 1), shift(-5n)]))
    expect(ends[1]).toMatchObject({ kind: 'done' })
  })

  test('a copied share names the copier', () => {
    const packets = runProtocol(parties('copied')).packets
    const copied = bodyOf(packets, from(0, 2))
    const { ends } = runProtocol(parties('copied'), changing([from(2, 2), () => copied]))
    expect(ends[1]).toEqual(abort('signature-share-invalid', [2]))
  })

  test('a signer with a share of another key is named', () => {
    const stranger = frostShareOf(makeFrostKey(keyType, 2, 4, 'another key'), 0)
    const share = { ...frostShareOf(key, 0), secretShare: stranger.secretShare }
    const mixed = parties('foreign share')
    mixed[1] = createFrostSign(
      { sid: hashOf('sid foreign share'), self: 1, signers, message: hashOf('message'), share },
      seededRng('foreign'),
    )
    const { ends } = runProtocol(mixed)
    expect(ends[0]).toEqual(abort('signature-share-invalid', [1]))
    expect(ends[2]).toEqual(abort('signature-share-invalid', [1]))
    expect(ends[1]).toEqual(abort('signature-invalid', [])) // nobody blames itself
  })

  test('another commitment to one signer than to the others shows in the echo and names nobody', () => {
    const other = frostSignParties(key, signers, { label: 'other', sid: hashOf('sid equivocation') })
    const second = bodyOf(runProtocol(other).packets, from(0, 1))
    const { ends } = runProtocol(parties('equivocation'), changing([from(0, 1, 1), () => second]))
    expect(ends[1]).toEqual(abort('view-mismatch', []))
    expect(ends[2]).toEqual(abort('view-mismatch', []))
  })

  test('another share to one signer than to the others ends that one only', () => {
    const spoil = editing(signRound2, ({ share }) => ({ share: share.map((byte, i) => (i === 15 ? byte ^ 1 : byte)) }))
    const { ends } = runProtocol(parties('last word'), changing([from(0, 2, 1), spoil]))
    expect(ends[1]).toEqual(abort('signature-share-invalid', [0]))
    expect(ends[2]).toMatchObject({ kind: 'done' })
  })

  test('commitments that are no points name their sender', () => {
    const none = new Uint8Array(pointLength).fill(0xff)
    for (const field of ['hiding', 'binding'] as const) {
      const spoil = editing(signRound1(pointLength), () => ({ [field]: none }))
      const { ends } = runProtocol(parties('no point'), changing([from(0, 1), spoil]))
      expect(ends[1]).toEqual(abort('malformed-message', [0]))
    }
  })

  test('commitments of another session, as they are or put into this one, sign nothing', () => {
    const other = runProtocol(frostSignParties(key, signers, { label: 'another session' })).packets
    const stale = bodyOf(other, from(0, 1))
    expect(runProtocol(parties('replay'), changing([from(0, 1), () => stale])).ends[1]).toEqual(
      abort('session-mismatch', []),
    )
    const moved = (body: Uint8Array) => concatBytes(body.slice(0, 32), stale.slice(32))
    expect(runProtocol(parties('replay'), changing([from(0, 1), moved])).ends[1]).toEqual(abort('view-mismatch', []))
  })

  test('signers that were told of different messages are in different sessions', () => {
    const mixed = parties('messages')
    const sid = hashOf('sid messages')
    const share = frostShareOf(key, 0)
    mixed[1] = createFrostSign({ sid, self: 1, signers, message: hashOf('another'), share }, seededRng('another'))
    expect(runProtocol(mixed).ends).toEqual(signers.map(() => abort('session-mismatch', [])))
  })

  test.each([
    ['fewer than t', { signers: [0], self: 0 }, 'signers must be at least 2'],
    ['a signer twice', { signers: [0, 0], self: 0 }, 'signers must be distinct'],
    ['a stranger', { signers: [0, 4], self: 0 }, 'signers must be members of the key'],
    ['a number that is none', { signers: [0, 0.5], self: 0 }, 'signers must be members of the key'],
    ["somebody else's position", { signers: [0, 1], self: 1 }, 'self is not the owner of the share'],
    ['an empty message', { message: new Uint8Array(0) }, 'message is none'],
    ['a message of the wrong size', { message: new Uint8Array(65_537) }, 'message is none'],
    ['a short sid', { sid: new Uint8Array(31) }, 'sid must be 32 bytes'],
  ])('%s is refused before anything is sent', (_, change, problem) => {
    const params = { sid: hashOf('sid'), self: 0, signers: [0, 1], message: hashOf('m'), share: frostShareOf(key, 0) }
    expect(() => createFrostSign({ ...params, ...change }, seededRng('x'))).toThrow(`frost sign: ${problem}`)
  })
})

test('a BIP-340 key signs hashes of 32 bytes only', () => {
  const share = frostShareOf(makeFrostKey('schnorr-secp256k1', 2, 2), 0)
  const params = { sid: hashOf('sid'), self: 0, signers: [0, 1], message: new Uint8Array(33), share }
  expect(() => createFrostSign(params, seededRng('x'))).toThrow('message is none that schnorr-secp256k1 signs')
})
