import { describe, expect, test } from 'vitest'
import { hashWitnessed, witnessStatement, type WitnessedMessage } from '../../../src/identity/witness.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const message = (change: Partial<WitnessedMessage> = {}): WitnessedMessage => ({
  round: 1,
  from: 'alice',
  channel: 'broadcast',
  payloadHash: new Uint8Array(32).fill(1),
  ...change,
})

describe('the hash over the messages that a party has seen', () => {
  const all = [
    message(),
    message({ channel: 'direct' }),
    message({ from: 'bob' }),
    message({ round: 2 }),
    message({ round: 10, from: 'Bob' }),
  ]

  test('is the same in whatever order they came', () => {
    const hash = hex(hashWitnessed(all))
    expect(hex(hashWitnessed([...all].reverse()))).toBe(hash)
    expect(hex(hashWitnessed([all[2]!, all[0]!, all[4]!, all[1]!, all[3]!]))).toBe(hash)
  })

  test('changes with every part of every message, and with every message', () => {
    const others = all.flatMap((one, i) => [
      all.filter((_, j) => j !== i),
      ...[{ round: 3 }, { from: 'carol' }, { payloadHash: new Uint8Array(32) }].map((change) =>
        all.map((kept, j) => (j === i ? { ...one, ...change } : kept)),
      ),
    ])
    const hashes = [all, ...others].map((messages) => hex(hashWitnessed(messages)))
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(hex(hashWitnessed([message({ channel: 'direct' })]))).not.toBe(hex(hashWitnessed([message()])))
  })
})

test('the statement names session, party and all that was seen', () => {
  const claim = { version: 7, chainHead: new Uint8Array(32), messageCount: 3, messagesHash: new Uint8Array(32) }
  const statements = [
    witnessStatement('s', 'p', claim),
    witnessStatement('t', 'p', claim),
    witnessStatement('s', 'q', claim),
    witnessStatement('s', 'p', { ...claim, version: 8 }),
    witnessStatement('s', 'p', { ...claim, chainHead: new Uint8Array(32).fill(1) }),
    witnessStatement('s', 'p', { ...claim, messageCount: 4 }),
    witnessStatement('s', 'p', { ...claim, messagesHash: new Uint8Array(32).fill(1) }),
  ]
  expect(new Set(statements.map(hex)).size).toBe(statements.length)
})
