import { describe, expect, test } from 'vitest'
import { chunks } from '../../../../src/crypto/bytes.ts'
import { messageLength, type Schema } from '../../../../src/crypto/codec.ts'
import { frostKeygenSchemas, frostSignSchemas } from '../../../../src/crypto/frost/messages.ts'
import { isScalar, suiteOf } from '../../../../src/crypto/frost/suite.ts'
import type { FrostKeyType } from '../../../../src/crypto/key-type.ts'
import { frostKeygenConsequences, frostSignConsequences, malformed, type FrostField } from '../consequences.ts'
import { runProtocol } from '../run-protocol.ts'
import { bitFlips, changing, flipBit, isAt } from '../tamper.ts'
import { frostKeygenParties, frostKeyTypes, frostSignParties, makeFrostKey } from './fixtures.ts'

type Place = Readonly<{ round: number; channel: 'broadcast' | 'direct'; schema: Schema }>

function places(rounds: readonly Readonly<{ broadcast: Schema; direct?: Schema }>[]): readonly Place[] {
  return rounds.flatMap(({ broadcast, direct }, i): Place[] => {
    const round = i + 1
    const broadcasts: Place[] = [{ round, channel: 'broadcast', schema: broadcast }]
    return direct === undefined ? broadcasts : [...broadcasts, { round, channel: 'direct', schema: direct }]
  })
}

function flipsOf(rounds: Parameters<typeof places>[0]) {
  return places(rounds).flatMap((place) => bitFlips(place.schema).map((flip) => ({ ...place, ...flip })))
}

type Flip = ReturnType<typeof flipsOf>[number]

/** The flipped field's bytes, looked at as what they should be. */
function isWellFormed(keyType: FrostKeyType, flip: Flip, holds: FrostField['holds'], body: Uint8Array): boolean {
  const { schema, field } = flip
  const suite = suiteOf(keyType)
  const position = schema.findIndex(({ name }) => name === field)
  const start = messageLength(schema.slice(0, position))
  const value = body.slice(start, messageLength(schema.slice(0, position + 1)))
  if (holds === 'scalar') return isScalar(suite, value)
  if (holds === 'bytes') return true
  return chunks(value, suite.pointLength).every(suite.isPoint)
}

const parties = 3
const corrupt = 1

describe.each(frostKeyTypes)('one bit flipped on the way, %s:', (keyType) => {
  const { pointLength } = suiteOf(keyType)
  const key = makeFrostKey(keyType, 2, parties)
  const protocols = {
    keygen: {
      fields: frostKeygenConsequences,
      flips: flipsOf(frostKeygenSchemas(2, pointLength)),
      run: () => frostKeygenParties(keyType, 2, parties, 'bit flips'),
    },
    sign: {
      fields: frostSignConsequences,
      flips: flipsOf(frostSignSchemas(pointLength)),
      run: () => frostSignParties(key, [0, 1, 2], { label: 'bit flips' }),
    },
  } as const

  test.each(['keygen', 'sign'] as const)('%s has every field of every message in its table', (protocol) => {
    const { fields, flips } = protocols[protocol]
    console.log(`${keyType} ${protocol}: ${flips.length} cases, ${Object.keys(fields).length} fields`)
    const walked = flips.map(({ round, channel, field }) => `${round} ${channel} ${field}`)
    expect(new Set(walked)).toEqual(new Set(Object.keys(fields)))
  })

  const cases = (['keygen', 'sign'] as const).flatMap((protocol) =>
    protocols[protocol].flips.map((flip) => ({ protocol, ...flip })),
  )
  test.each(cases)('$protocol, round $round $channel $field, bit $bit', ({ protocol, ...flip }) => {
    const { round, channel, field, bit } = flip
    const place = { round, channel, from: corrupt }
    const { fields, run } = protocols[protocol]
    const { ends, packets } = runProtocol<unknown>(run(), changing([place, (body) => flipBit(body, bit)]))
    const sent = packets.find((packet) => isAt(packet, place))
    const expected = fields[`${round} ${channel} ${field}`]
    if (sent === undefined || expected === undefined) throw new Error('no such message')
    const wellFormed = isWellFormed(keyType, flip, expected.holds, flipBit(sent.body, bit))
    const { reason, blame, severity } = wellFormed ? expected : malformed
    for (const honest of [0, 2]) {
      const culprits = blame === 'names the sender' ? [corrupt] : []
      expect(ends[honest]).toEqual({ kind: 'abort', reason, culprits, severity })
    }
  })
})
