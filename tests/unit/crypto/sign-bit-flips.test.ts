import { describe, expect, test } from 'vitest'
import { verifySignature } from '../../../src/crypto/ecdsa.ts'
import type { Abort } from '../../../src/crypto/protocol.ts'
import { signSchemas } from '../../../src/crypto/sign/messages.ts'
import { hashOf, makeKey, shareOf, signParties } from './fixtures.ts'
import { runProtocol } from './run-protocol.ts'
import { bitFlips, changing, flipBit, isAt, isMalformed } from './tamper.ts'

const key = makeKey(2, 2)
const corrupt = 0
const honest = 1
const messageHash = hashOf('message')

const abort = (reason: Abort['reason'], culprits: number[], severity: Abort['severity'] = 'retry'): Abort => {
  return { kind: 'abort', reason, culprits, severity }
}

/** dkls23.md, "When a check fails": how the receiver of each damaged field ends. */
const consequences: Readonly<Record<string, Abort>> = {
  '1 broadcast session': abort('session-mismatch', []),
  '1 broadcast commitment': abort('view-mismatch', []),
  '1 direct session': abort('session-mismatch', []),
  '1 direct u': abort('ot-check-failed', [corrupt], 'ban'),
  '1 direct xHat': abort('ot-check-failed', [corrupt], 'ban'),
  '1 direct tHat': abort('ot-check-failed', [corrupt], 'ban'),
  '2 direct session': abort('session-mismatch', []),
  '2 direct view': abort('view-mismatch', []),
  '2 direct nonce': abort('commitment-mismatch', [corrupt]),
  '2 direct salt': abort('commitment-mismatch', [corrupt]),
  '2 direct publicShare': abort('gamma-check-failed', [corrupt], 'ban'),
  '2 direct gammaU': abort('gamma-check-failed', [corrupt], 'ban'),
  '2 direct gammaV': abort('gamma-check-failed', [corrupt], 'ban'),
  '2 direct psi': abort('signature-invalid', []),
  '2 direct tau': abort('rvole-check-failed', [corrupt], 'ban'),
  '2 direct eta': abort('rvole-check-failed', [corrupt], 'ban'),
  '2 direct mu': abort('rvole-check-failed', [corrupt], 'ban'),
  '3 broadcast session': abort('session-mismatch', []),
  '3 broadcast view': abort('view-mismatch', []),
  '3 broadcast u': abort('signature-invalid', []),
  '3 broadcast w': abort('signature-invalid', []),
}

const cases = signSchemas.flatMap((schemas, i) =>
  (['broadcast', 'direct'] as const).flatMap((channel) => {
    const schema = schemas[channel]
    if (schema === undefined) return []
    return bitFlips(schema).map((flip) => ({ round: i + 1, channel, schema, ...flip }))
  }),
)

describe('one bit flipped on the way to a signer', () => {
  test('is tried in every field of every message', () => {
    expect(new Set(cases.map(({ round, channel, field }) => `${round} ${channel} ${field}`))).toEqual(
      new Set(Object.keys(consequences)),
    )
  })

  test.each(cases)('round $round $channel $field, bit $bit', ({ round, channel, schema, field, bit }) => {
    const place = { round, channel, from: corrupt }
    const run = runProtocol(
      signParties(key, [0, 1], { messageHash }),
      changing([place, (body) => flipBit(body, bit)]),
    )
    const sent = run.packets.find((packet) => isAt(packet, place))
    if (sent === undefined) throw new Error('nothing was sent')
    const expected = isMalformed(schema, flipBit(sent.body, bit))
      ? abort('malformed-message', [corrupt])
      : consequences[`${round} ${channel} ${field}`]
    expect(run.ends[honest]).toEqual(expected)
    // The other one may have finished, and then with a right signature; it never blames an honest party.
    const other = run.ends[corrupt]
    if (other?.kind === 'done') {
      expect(verifySignature(other.result, messageHash, shareOf(key, 0).publicKey)).toBe(true)
    } else if (other !== undefined) {
      expect(other).toMatchObject({ culprits: [], severity: 'retry' })
    }
  })
})
