import { describe, expect, test } from 'vitest'
import { verifySignature } from '../../../src/crypto/ecdsa.ts'
import { hashOf, makeKey, shareOf, signParties } from './fixtures.ts'
import { runProtocol } from './run-protocol.ts'
import { consequenceOf, damaged, placeOf, signConsequences, signDamages } from './sign-damage.ts'
import { changing, isAt } from './tamper.ts'

const key = makeKey(2, 2)
const corrupt = 0
const honest = 1
const messageHash = hashOf('message')

// What follows for the stored OT state is in tests/unit/party/ban-matrix.test.ts, for the same cases.
describe('one bit flipped on the way to a signer', () => {
  test('is tried in every field of every message', () => {
    console.log(`signing: ${signDamages.length} cases, ${Object.keys(signConsequences).length} fields`)
    expect(new Set(signDamages.map(placeOf))).toEqual(new Set(Object.keys(signConsequences)))
  })

  test.each(signDamages)('round $round $channel $field, bit $bit', (damage) => {
    const { round, channel } = damage
    const place = { round, channel, from: corrupt }
    const run = runProtocol(
      signParties(key, [0, 1], { messageHash }),
      changing([place, (body) => damaged(damage, body)]),
    )
    const sent = run.packets.find((packet) => isAt(packet, place))
    if (sent === undefined) throw new Error('nothing was sent')
    const { reason, blame, severity } = consequenceOf(damage, sent.body)
    const culprits = blame === 'names the sender' ? [corrupt] : []
    expect(run.ends[honest]).toEqual({ kind: 'abort', reason, culprits, severity })
    // The other one may have finished, and then with a right signature; it never blames an honest party.
    const other = run.ends[corrupt]
    if (other?.kind === 'done') {
      expect(verifySignature(other.result, messageHash, shareOf(key, 0).publicKey)).toBe(true)
    } else if (other !== undefined) {
      expect(other).toMatchObject({ culprits: [], severity: 'retry' })
    }
  })
})
