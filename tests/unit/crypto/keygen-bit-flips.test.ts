import { describe, expect, test } from 'vitest'
import type { Schema } from '../../../src/crypto/codec.ts'
import { keygenSchemas } from '../../../src/crypto/keygen/messages.ts'
import { baseOtRole } from '../../../src/crypto/keygen/roles.ts'
import type { Abort } from '../../../src/crypto/protocol.ts'
import { keygenParties } from './fixtures.ts'
import { runProtocol } from './run-protocol.ts'
import { bitFlips, changing, flipBit, isAt, isMalformed } from './tamper.ts'

const threshold = 2

/** How the receiver of each damaged field ends, and whether it can name the sender. */
const consequences: Readonly<Record<string, readonly [Abort['reason'], 'names the sender' | 'names nobody']>> = {
  '1 broadcast session': ['session-mismatch', 'names nobody'],
  '1 broadcast commitment': ['view-mismatch', 'names nobody'],
  '2 broadcast session': ['session-mismatch', 'names nobody'],
  '2 broadcast view': ['view-mismatch', 'names nobody'],
  '2 broadcast contribution': ['commitment-mismatch', 'names the sender'],
  '2 broadcast proofNonce': ['commitment-mismatch', 'names the sender'],
  '2 broadcast proofResponse': ['commitment-mismatch', 'names the sender'],
  '2 broadcast chainCodeShare': ['commitment-mismatch', 'names the sender'],
  '2 broadcast salt': ['commitment-mismatch', 'names the sender'],
  '2 direct session': ['session-mismatch', 'names nobody'],
  '2 direct share': ['share-invalid', 'names the sender'],
  '2 direct zeroShare': ['confirmation-mismatch', 'names the sender'],
  '2 direct baseOtKey': ['confirmation-mismatch', 'names the sender'],
  '2 direct baseOtPoints': ['confirmation-mismatch', 'names the sender'],
  '3 broadcast session': ['session-mismatch', 'names nobody'],
  '3 broadcast view': ['view-mismatch', 'names nobody'],
  '3 broadcast publicShare': ['public-key-mismatch', 'names the sender'],
  '3 broadcast proofNonce': ['proof-invalid', 'names the sender'],
  '3 broadcast proofResponse': ['proof-invalid', 'names the sender'],
  '3 direct session': ['session-mismatch', 'names nobody'],
  '3 direct pairConfirmation': ['confirmation-mismatch', 'names the sender'],
  '3 direct u': ['ot-check-failed', 'names the sender'],
  '3 direct xHat': ['ot-check-failed', 'names the sender'],
  '3 direct tHat': ['ot-check-failed', 'names the sender'],
  '4 broadcast session': ['session-mismatch', 'names nobody'],
  '4 broadcast confirmation': ['confirmation-mismatch', 'names nobody'],
}

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
    console.log(`key generation: ${cases.length} cases, ${Object.keys(consequences).length} fields`)
    expect(new Set(cases.map(({ round, channel, field }) => `${round} ${channel} ${field}`))).toEqual(
      new Set(Object.keys(consequences)),
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
    const [reason, blame] = consequences[`${round} ${channel} ${field}`] ?? []
    if (sent === undefined || reason === undefined) throw new Error('no such message')
    const malformed = isMalformed(schema, flipBit(sent.body, bit))
    expect(run.ends[1 - corrupt]).toEqual({
      kind: 'abort',
      reason: malformed ? 'malformed-message' : reason,
      culprits: malformed || blame === 'names the sender' ? [corrupt] : [],
      severity: 'retry',
    })
  })
})
