import { describe, expect, test } from 'vitest'
import type { Execution, Inbound, Step } from '../../../src/crypto/protocol.ts'
import { abort, createExecution, type Outcome, type RoundState } from '../../../src/crypto/execution.ts'
import { createKeygen } from '../../../src/crypto/keygen/keygen.ts'
import { hashOf, makeKey, seededRng, signParties } from './fixtures.ts'
import { inboundFor, runProtocol, type Packet } from './run-protocol.ts'
import { flipBit } from './tamper.ts'

const key = makeKey(2, 3)
const everyone = [0, 1, 2]
const { packets } = runProtocol(signParties(key, everyone))

/** Party 0, and what the others sent it in each round. */
function partyZero(): Execution<unknown> {
  const [party] = signParties(key, everyone)
  if (party === undefined) throw new Error('no party')
  return party
}

const delivered = (round: number) => inboundFor(packets, round, 0, ({ body }: Packet) => body)

function changedBy(from: number, inbound: readonly Inbound[]): Inbound[] {
  return inbound.map((message) => {
    if (message.from !== from || message.direct === undefined) return message
    return { ...message, direct: flipBit(message.direct, 900) }
  })
}

const replayed = (culprits: number[]): Step<unknown> => {
  return { kind: 'abort', reason: 'replayed-round', culprits, severity: 'retry' }
}

describe('a run', () => {
  test('started twice gives the same messages', () => {
    const party = partyZero()
    expect(party.start()).toBe(party.start())
  })

  test('given a round twice answers the same, in every round and in any order of delivery', () => {
    const party = partyZero()
    party.start()
    for (const round of [1, 2, 3]) {
      const step = party.receive(round, delivered(round))
      expect(party.receive(round, delivered(round).reverse())).toBe(step)
    }
    expect(party.receive(3, delivered(3))).toMatchObject({ kind: 'done' })
  })

  test('given a round again with other bytes aborts, names who changed, and stays so', () => {
    const party = partyZero()
    party.start()
    expect(party.receive(1, delivered(1))).toMatchObject({ kind: 'next' })
    expect(party.receive(1, changedBy(2, delivered(1)))).toEqual(replayed([2]))
    expect(party.receive(1, delivered(1))).toEqual(replayed([2]))
    expect(() => party.receive(2, delivered(2))).toThrow('not waiting')
  })

  test('that aborted answers the same abort and takes no other round', () => {
    const party = partyZero()
    party.start()
    const step = party.receive(1, changedBy(1, delivered(1)))
    expect(step).toMatchObject({ kind: 'abort', reason: 'ot-check-failed', culprits: [1], severity: 'ban' })
    expect(party.receive(1, changedBy(1, delivered(1)))).toBe(step)
    expect(party.start()).toBe(step)
    expect(() => party.receive(2, delivered(2))).toThrow('not waiting')
  })

  test('refuses rounds out of order, without harm', () => {
    const party = partyZero()
    expect(() => party.receive(1, delivered(1))).toThrow('not waiting')
    party.start()
    expect(() => party.receive(2, delivered(2))).toThrow('round 1 is awaited')
    expect(() => party.receive(4, delivered(1))).toThrow('no round 4')
    party.receive(1, delivered(1))
    party.receive(2, delivered(2))
    expect(() => party.receive(1, delivered(1))).toThrow('round 3 is awaited')
    expect(party.receive(3, delivered(3))).toMatchObject({ kind: 'done' })
  })

  test.each([
    ['a sender missing', (inbound: Inbound[]) => inbound.slice(1)],
    ['a sender twice', (inbound: Inbound[]) => [...inbound.slice(1), ...inbound.slice(1)]],
    ['itself as sender', (inbound: Inbound[]) => inbound.map((m, i) => (i === 0 ? { ...m, from: 0 } : m))],
    ['a stranger as sender', (inbound: Inbound[]) => inbound.map((m, i) => (i === 0 ? { ...m, from: 3 } : m))],
    ['a broadcast missing', (inbound: Inbound[]) => inbound.map(({ broadcast: _, ...m }) => m)],
    ['a direct message missing', (inbound: Inbound[]) => inbound.map(({ direct: _, ...m }) => m)],
  ])('refuses a round with %s, without harm', (_, change) => {
    const party = partyZero()
    party.start()
    expect(() => party.receive(1, change(delivered(1)))).toThrow('round 1')
    expect(party.receive(1, delivered(1))).toMatchObject({ kind: 'next' })
  })

  test('refuses a message the round does not have', () => {
    const party = partyZero()
    party.start()
    party.receive(1, delivered(1))
    const extra = delivered(2).map((message) => ({ ...message, broadcast: new Uint8Array(1) }))
    expect(() => party.receive(2, extra)).toThrow('not expected')
  })

  test('whose randomness fails ends, and never uses that state again', () => {
    let working = true
    const rng = seededRng('failing')
    const sid = hashOf('sid failing')
    const party = createKeygen({ sid, self: 0, threshold: 2, parties: 2 }, (length) => {
      if (!working) throw new Error('no entropy')
      return rng(length)
    })
    const peer = createKeygen({ sid, self: 1, threshold: 2, parties: 2 }, seededRng('peer'))
    const [first, other] = [party.start(), peer.start()]
    if (first.kind !== 'next' || other.kind !== 'next') throw new Error('did not start')
    const [broadcast] = other.outbound
    if (broadcast === undefined) throw new Error('nothing sent')
    working = false
    expect(() => party.receive(1, [{ from: 1, broadcast: broadcast.body }])).toThrow('no entropy')
    working = true
    expect(party.receive(1, [{ from: 1, broadcast: broadcast.body }])).toMatchObject({ kind: 'abort' })
  })
})

describe('secret byte arrays of a run', () => {
  const [kept, dropped] = [new Uint8Array(4), new Uint8Array(4)]
  type State = RoundState & Readonly<{ round: 1 | 2 }>

  /** Two parties, two rounds of nothing; round 2 no longer needs one of the secrets, and ends as told. */
  function runEndingWith(end: () => Outcome<State, string>): Execution<string> {
    kept.fill(1)
    dropped.fill(1)
    const broadcastOnly = { broadcast: true, direct: false }
    const party = createExecution<State, string>({
      parties: 2,
      self: 0,
      rounds: [broadcastOnly, broadcastOnly],
      begin: () => ({ kind: 'next', state: { round: 1, erasable: [kept, dropped] }, outbound: [] }),
      advance: (state) =>
        state.round === 1 ? { kind: 'next', state: { round: 2, erasable: [kept] }, outbound: [] } : end(),
    })
    party.start()
    expect([...kept, ...dropped]).toEqual([1, 1, 1, 1, 1, 1, 1, 1])
    party.receive(1, [{ from: 1, broadcast: Uint8Array.of(1) }])
    expect([...kept, ...dropped]).toEqual([1, 1, 1, 1, 0, 0, 0, 0])
    return party
  }

  const inbound = [{ from: 1, broadcast: Uint8Array.of(2) }]

  test('are overwritten when the next round does not need them, and left to the result at the end', () => {
    const party = runEndingWith(() => ({ kind: 'done', result: 'result' }))
    expect(party.receive(2, inbound)).toEqual({ kind: 'done', result: 'result' })
    expect([...kept]).toEqual([1, 1, 1, 1])
  })

  test('are overwritten when the run aborts', () => {
    runEndingWith(() => abort('proof-invalid', [1])).receive(2, inbound)
    expect([...kept]).toEqual([0, 0, 0, 0])
  })

  test('are overwritten when a round was delivered again with other bytes', () => {
    runEndingWith(() => ({ kind: 'done', result: 'x' })).receive(1, [{ from: 1, broadcast: Uint8Array.of(9) }])
    expect([...kept]).toEqual([0, 0, 0, 0])
  })

  test('are overwritten when a round throws', () => {
    const party = runEndingWith(() => {
      throw new Error('bug')
    })
    expect(() => party.receive(2, inbound)).toThrow('bug')
    expect([...kept]).toEqual([0, 0, 0, 0])
  })
})

describe('key generation refuses', () => {
  const valid = { sid: hashOf('sid'), self: 0, threshold: 2, parties: 3 }

  test.each([
    ['one party', { parties: 1, threshold: 1 }, 'parties'],
    ['21 parties', { parties: 21 }, 'parties'],
    ['a threshold of one', { threshold: 1 }, 'threshold'],
    ['a threshold above the parties', { threshold: 4 }, 'threshold'],
    ['a fractional threshold', { threshold: 2.5 }, 'threshold'],
    ['a number outside the parties', { self: 3 }, 'self'],
    ['a negative number', { self: -1 }, 'self'],
    ['a short session id', { sid: new Uint8Array(16) }, 'sid'],
  ])('%s', (_, change, field) => {
    expect(() => createKeygen({ ...valid, ...change }, seededRng('x'))).toThrow(field)
  })
})
