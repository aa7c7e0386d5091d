/**
 * The real signing protocol over a network that loses, repeats and reorders. A session may fail; what never happens is a
 * wrong signature, two signatures of one session, or a nonce that is used again.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { secureRandom } from '../../../src/party/clock.ts'
import { createInlineHost } from '../../../src/party/execution/inline-host.ts'
import { defaultPartyLimits } from '../../../src/party/limits.ts'
import type { SessionOutcome } from '../../../src/party/session/run.ts'
import { libsecp256k1Recovers, libsecp256k1Verifies } from '../crypto/libraries.ts'
import { MemoryServices } from './fixtures/memory-services.ts'
import { partiesOf, runAll, testParty } from './fixtures/parties.ts'

const members = ['device', 'server', 'recovery']
const signers = ['recovery', 'device']
const host = createInlineHost(secureRandom)
const messageHash = new Uint8Array(32).fill(5)

/** How often a message arrives, and how long each copy takes: the order is that of the delays. */
const fate = fc.oneof(
  { weight: 12, arbitrary: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant<number[]>([]) },
)

test('loss, repetition and reordering never give a wrong signature or a nonce twice', { timeout: 120_000 }, async () => {
  const keygen = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: members })
  const parties = await partiesOf(keygen, members, () => ({ host }))
  const [made] = await runAll(keygen, parties)
  if (made?.kind !== 'key-made') throw new Error(JSON.stringify(made))
  const folders = new Map(parties.map(({ partyId, folder }) => [partyId, folder]))
  const nonces = new Set<string>()
  const ends = { signed: 0, failed: 0 }

  const signOnce = async (fates: readonly (readonly number[])[]) => {
    const plan = { sessionType: 'sign', thresholdT: 2, thresholdN: 3, partyIds: signers } as const
    const services = new MemoryServices({ ...plan, messageHash, keyId: made.keyId })
    let delivered = 0
    services.hooks.deliver = (_to, message, push) => {
      for (const delayMs of fates[delivered++] ?? [0]) setTimeout(() => push(message), delayMs)
    }
    const limits = { ...defaultPartyLimits, roundTimeoutMs: 1000 }
    const again = await Promise.all(
      signers.map((partyId) =>
        testParty(partyId, services.transport(), { host, limits, folder: folders.get(partyId) as string }),
      ),
    )
    const outcomes = await runAll(services, again)
    requireSound(outcomes, made.publicKey)
    // One message a slot: an execution that answered a round twice, differently, would give its nonce away.
    const slots = services.routed.map(({ from, to, round }) => `${round} ${from} ${to}`)
    expect(new Set(slots).size).toBe(slots.length)
    const [signed] = outcomes.filter((outcome) => outcome.kind === 'signed')
    if (signed !== undefined) {
      expect(nonces).not.toContain(bytesToHex(signed.r))
      nonces.add(bytesToHex(signed.r))
    }
    ends[outcomes.every(({ kind }) => kind === 'signed') ? 'signed' : 'failed'] += 1
  }

  const schedules = fc.array(fate, { minLength: 12, maxLength: 12 })
  await fc.assert(fc.asyncProperty(schedules, signOnce), { numRuns: 30, endOnFailure: true })
  console.log(`${ends.signed} sessions signed, ${ends.failed} failed`)
  expect(ends.signed).toBeGreaterThan(0)
  expect(ends.failed).toBeGreaterThan(0)
})

function requireSound(outcomes: readonly SessionOutcome[], publicKey: Uint8Array): void {
  const signed = outcomes.filter((outcome) => outcome.kind === 'signed')
  for (const signature of signed) {
    expect(libsecp256k1Verifies(signature, messageHash)).toBe(true)
    expect(libsecp256k1Recovers(signature, messageHash)).toEqual(publicKey)
    expect(signature.r).toEqual(signed[0]?.r)
    expect(signature.s).toEqual(signed[0]?.s)
  }
  for (const outcome of outcomes) {
    if (outcome.kind === 'failed') expect(['round_timed_out', 'session_over']).toContain(outcome.reason)
  }
}
