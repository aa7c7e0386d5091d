import { describe, expect, test, vi } from 'vitest'
import { judgeFrostKeygen, judgeFrostSigning } from '../../../src/crypto/frost/spectator.ts'
import { judgeKeygen } from '../../../src/crypto/keygen/spectator.ts'
import { signSession } from '../../../src/crypto/sign/sign.ts'
import { judgeSigning } from '../../../src/crypto/sign/spectator.ts'
import { tag } from '../../../src/crypto/tags.ts'
import type { Broadcasts, Fault } from '../../../src/crypto/transcript.ts'
import { hashOf, keygenParties, makeKey, seededRng, shareOf, signParties } from './fixtures.ts'
import { frostKeygenParties, frostKeyTypes, frostShareOf, frostSignParties, makeFrostKey } from './frost/fixtures.ts'
import { resultsOf, runProtocol, type Packet } from './run-protocol.ts'

function broadcastsOf(packets: readonly Packet[]): Map<number, Map<number, Uint8Array>> {
  const broadcasts = new Map<number, Map<number, Uint8Array>>()
  for (const { channel, round, from, body } of packets) {
    if (channel === 'direct') continue
    broadcasts.set(round, (broadcasts.get(round) ?? new Map<number, Uint8Array>()).set(from, body))
  }
  return broadcasts
}

/** Every broadcast with a bit flipped somewhere in each of its stretches of 32 bytes, one at a time. */
function* spoiled(broadcasts: Broadcasts): Generator<Readonly<{ what: string; broadcasts: Broadcasts }>> {
  for (const [round, bodies] of broadcasts) {
    for (const [from, body] of bodies) {
      for (let at = 1; at < body.length; at += 32) {
        const changed = body.slice()
        changed[at] = (changed[at] ?? 0) ^ 1
        const what = `byte ${at} of round ${round} from ${from}`
        yield { what, broadcasts: new Map(broadcasts).set(round, new Map(bodies).set(from, changed)) }
      }
    }
  }
}

function expectEveryChangeFound(broadcasts: Broadcasts, judge: (broadcasts: Broadcasts) => readonly Fault[]): void {
  let count = 0
  for (const { what, broadcasts: changed } of spoiled(broadcasts)) {
    expect(judge(changed), what).not.toEqual([])
    count += 1
  }
  expect(count).toBeGreaterThan(broadcasts.size)
}

/** What parties of version 2 broadcast: its rounds, schemas and hashes are these, but for the tag of its session. */
async function formerKeygen() {
  vi.resetModules()
  vi.doMock('../../../src/crypto/tags.ts', () => ({ tag: { ...tag, keygenSession: tag.formerKeygenSession } }))
  const { keygenParties: formerParties } = await import('./fixtures.ts')
  vi.doUnmock('../../../src/crypto/tags.ts')
  const run = runProtocol(formerParties(2, 3, 'spectator'))
  return { broadcasts: broadcastsOf(run.packets), publicKey: resultsOf(run)[0]?.publicKey }
}

describe('a spectator of ECDSA', () => {
  const sid = hashOf('sid spectator')
  const made = runProtocol(keygenParties(2, 3, 'spectator'))
  const keygen = { sid, threshold: 2, parties: 3, broadcasts: broadcastsOf(made.packets) }

  test('finds the key that the parties made, and nothing wrong', () => {
    const [share] = resultsOf(made)
    expect(judgeKeygen(keygen)).toEqual({ faults: [], publicKey: share?.publicKey })
  })

  test('finds a change in any broadcast of key generation', () => {
    expectEveryChangeFound(keygen.broadcasts, (broadcasts) => judgeKeygen({ ...keygen, broadcasts }).faults)
  })

  test('finds nothing wrong with a key generation that stops after any round', () => {
    for (const last of [0, 1, 2, 3]) {
      const broadcasts = new Map([...keygen.broadcasts].filter(([round]) => round <= last))
      expect(judgeKeygen({ ...keygen, broadcasts }).faults).toEqual([])
    }
  })

  test('reads a key generation of version 2, and blames nobody for the version that it begins with', async () => {
    const run = await formerKeygen()
    expect(judgeKeygen({ ...keygen, broadcasts: run.broadcasts })).toEqual({ faults: [], publicKey: run.publicKey })
    const [present, former] = [keygen.broadcasts.get(1), run.broadcasts.get(1)]
    if (present === undefined || former === undefined) throw new Error('two first rounds')
    for (const [most, from] of [[present, former], [former, present]] as const) {
      for (const party of [0, 2]) {
        const begun = new Map(most).set(party, from.get(party) ?? new Uint8Array(0))
        expect(judgeKeygen({ ...keygen, broadcasts: new Map([[1, begun]]) })).toEqual({ faults: [], publicKey: null })
      }
    }
  })

  const key = makeKey(2, 3)
  const signers = [2, 0]
  const signed = runProtocol(signParties(key, signers, { sid }))
  const [signature] = resultsOf(signed)
  const broadcasts = broadcastsOf(signed.packets)
  const { publicKey } = shareOf(key, 0)
  const signing = { sid, publicKey, messageHash: hashOf('message'), signers, broadcasts, s: signature?.s ?? null }

  test('finds that the shares add up to the signature, and not to another', () => {
    expect(judgeSigning(signing)).toEqual([])
    const [fault] = judgeSigning({ ...signing, s: hashOf('another') })
    expect(fault).toMatchObject({ round: 3, reason: 'signature-invalid' })
  })

  const former = signSession(sid, publicKey, hashOf('message'), signers, tag.formerSignSession)
  const ofFormer = (from: number) => (bodies: ReadonlyMap<number, Uint8Array>) =>
    new Map([...bodies].map(([at, body]) => [at, at < from ? body : Uint8Array.from([...former, ...body.slice(32)])]))
  const inFormer = (from: number) => new Map([...broadcasts].map(([round, bodies]) => [round, ofFormer(from)(bodies)]))

  test('reads a run of version 2, and finds a change in it', () => {
    expect(judgeSigning({ ...signing, broadcasts: inFormer(0) })).toEqual([])
    const changed = new Map(inFormer(0)).set(3, broadcasts.get(3) ?? new Map<number, Uint8Array>())
    expect(judgeSigning({ ...signing, broadcasts: changed })).toEqual([
      { round: 3, party: 0, reason: 'session-mismatch' },
      { round: 3, party: 1, reason: 'session-mismatch' },
    ])
  })

  test('blames nobody where signers begin with both versions, but who changes to the other one in the middle', () => {
    const mixed = inFormer(1)
    const backwards = new Map([...mixed].map(([round, bodies]) => [round, new Map([...bodies].reverse())]))
    for (const told of [mixed, backwards]) expect(judgeSigning({ ...signing, broadcasts: told })).toEqual([])
    const changed = new Map(broadcasts).set(3, mixed.get(3) ?? new Map<number, Uint8Array>())
    expect(judgeSigning({ ...signing, broadcasts: changed })).toEqual([
      { round: 3, party: 1, reason: 'session-mismatch' },
    ])
  })

  test('finds a change in what signers broadcast in the clear', () => {
    const inRound3 = new Map([...broadcasts].filter(([round]) => round === 3))
    expectEveryChangeFound(inRound3, (changed) => judgeSigning({ ...signing, broadcasts: changed }))
  })
})

describe.each(frostKeyTypes)('a spectator of %s', (keyType) => {
  const label = 'spectator'
  const sid = hashOf(`sid ${label}`)
  const made = runProtocol(frostKeygenParties(keyType, 2, 3, label))
  const keygen = { keyType, sid, threshold: 2, parties: 3, broadcasts: broadcastsOf(made.packets) }
  const judge = (broadcasts: Broadcasts) => judgeFrostKeygen({ ...keygen, broadcasts }, seededRng('filling'))

  test('computes the public side of the key that the parties made', () => {
    const [share] = resultsOf(made)
    if (share === undefined) throw new Error('no share')
    const { index: _index, secretShare: _secret, ...known } = share
    expect(judge(keygen.broadcasts)).toEqual({ faults: [], key: known })
  })

  test('finds a change in any broadcast of key generation', () => {
    expectEveryChangeFound(keygen.broadcasts, (broadcasts) => judge(broadcasts).faults)
  })

  test('computes the signature from the broadcasts, and finds a change in any', () => {
    const shares = makeFrostKey(keyType, 2, 3)
    const { index: _index, secretShare: _secret, ...key } = frostShareOf(shares, 0)
    const signers = [2, 0]
    const run = runProtocol(frostSignParties(shares, signers, { sid }))
    const [result] = resultsOf(run)
    const broadcasts = broadcastsOf(run.packets)
    const signing = { sid, key, message: hashOf('message'), signers, signature: result?.signature ?? null }
    expect(judgeFrostSigning({ ...signing, broadcasts })).toEqual([])
    expectEveryChangeFound(broadcasts, (changed) => judgeFrostSigning({ ...signing, broadcasts: changed }))
  })
})
