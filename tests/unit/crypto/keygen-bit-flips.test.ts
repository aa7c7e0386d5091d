import { describe, expect, test } from 'vitest'
import type { Schema } from '../../../src/crypto/codec.ts'
import { keygenSchemas } from '../../../src/crypto/keygen/messages.ts'
import { baseOtRole } from '../../../src/crypto/keygen/roles.ts'
import { keygenConsequences, malformed } from './consequences.ts'
import { keygenParties } from './fixtures.ts'
import { runProtocol } from './run-protocol.ts'
import { bitFlips, changing, flipBit, isAt, isMalformed } from './tamper.ts'

const threshold = 2

type Case = Readonly<{ round: number; channel: 'broadcast' | 'direct'; corrupt: number; schema: Schema }>

/** Broadcasts come from party 0; direct messages from both, whose roles in the pair differ. */
const messages = keygenSchemas(threshold).flatMap(({ broadcast, direct }, i): Case[] => {
  const round = i + 1
  const directs = [0, 1].flatMap((corrupt): Case[] => {
    const schema = direct?.[baseOtRole(corrupt, 1 - corrupt, 2)]
    return schema === undefined ? [] : [{ round, channel: 'direct', corrupt, schema }]
  })
  return [{ round, channel: 'broadcast', corrupt: 0, schema: broadcast }, ...directs]
})
// Every run costs a whole key generation, so only the last bit of each field is flipped, and the first of points,
// which keeps them on the curve.
const cases = messages.flatMap((message) => {
  const kinds = new Map(message.schema.map(({ name, kind }) => [name, kind]))
  return bitFlips(message.schema)
    .filter((flip, i) => i % 3 === 2 || (i % 3 === 0 && kinds.get(flip.field)?.startsWith('point')))
    .map((flip) => ({ ...message, ...flip }))
})

describe('one bit flipped on the way to a party that makes a key', () => {
  test('is tried in every field of every message', () => {
    console.log(`key generation: ${cases.length} cases, ${Object.keys(keygenConsequences).length} fields`)
    expect(new Set(cases.map(({ round, channel, field }) => `${round} ${channel} ${field}`))).toEqual(
      new Set(Object.keys(keygenConsequences)),
    )
  })

  test.each(cases)('round $round $channel $field from party $corrupt, bit $bit', (flip) => {
    const { round, channel, schema, field, bit, corrupt } = flip
    const place = { round, channel, from: corrupt }
    const run = runProtocol(
      keygenParties(threshold, 2, 'bit flips'),
      changing([place, (body) => flipBit(body, bit)]),
    )
    const sent = run.packets.find((packet) => isAt(packet, place))
    const wellFormed = keygenConsequences[`${round} ${channel} ${field}`]
    if (sent === undefined || wellFormed === undefined) throw new Error('no such message')
    const { reason, blame, severity } = isMalformed(schema, flipBit(sent.body, bit)) ? malformed : wellFormed
    const culprits = blame === 'names the sender' ? [corrupt] : []
    expect(run.ends[1 - corrupt]).toEqual({ kind: 'abort', reason, culprits, severity })
  })
})
