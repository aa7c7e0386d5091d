/** What holds after any sequence of commands and any sequence of events. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Command } from '../../../src/coordinator/decide/command.ts'
import { evolve, initialState, isFinal, type SessionState } from '../../../src/coordinator/session-state.ts'
import type { SessionPayload } from '../../../src/events/session-event.ts'
import {
  close,
  fail,
  join,
  keygen,
  keyPair,
  keysOf,
  madeKey,
  otherPublicKey,
  ready,
  signed,
  signing,
  start,
  startMs,
  tokenHash,
  when,
} from './scenario.ts'

const party = fc.constantFrom('alice', 'bob', 'mallory')
const command: fc.Arbitrary<Command> = fc
  .oneof(
    fc.constantFrom<Command>(keygen(), signing(), start, close),
    fc
      .tuple(party, party, party)
      .map(([name, token, keys]) => join(name, { tokenHash: tokenHash(token), keys: keysOf(keys) })),
    party.map((name) => join(name, { keys: null })),
    party.map(ready),
    party.map((name) => madeKey(name)),
    party.map((name) => madeKey(name, otherPublicKey)),
    party.map((name) => signed(name)),
    party.map((name) => fail(name)),
  )
  .chain((made) => fc.integer({ min: 0, max: 320_000 }).map((ms) => ({ ...made, nowMs: startMs + ms })))

const honest: readonly Command[] = [
  keygen(),
  join('alice'),
  join('bob'),
  ready('alice'),
  ready('bob'),
  start,
  madeKey('alice'),
  madeKey('bob'),
]

/** Sequences that get far: the honest steps in order, with anything in between. */
const sequence = fc
  .array(fc.array(command, { maxLength: 2 }), { minLength: 8, maxLength: 8 })
  .map((noise) => {
    return honest.flatMap((step, index) => [...(noise[index] ?? []), step])
  })

const progress = ['none', 'created', 'waiting', 'in_progress', 'completed', 'failed', 'expired']

function invariants(before: SessionState, after: SessionState): void {
  expect(progress.indexOf(after.status)).toBeGreaterThanOrEqual(progress.indexOf(before.status))
  if (isFinal(before.status)) expect(after).toEqual(before)
  if (after.status === 'completed') {
    expect(after.participants.every(({ status }) => status === 'completed')).toBe(true)
    expect(new Set(after.participants.map(({ result }) => JSON.stringify(result))).size).toBe(1)
    const made = after.type === 'keygen' ? after.participants[0]?.result?.publicKey : keyPair.publicKey
    expect(after.publicKey).toEqual(made)
  }
  if (after.status === 'in_progress') {
    expect(after.participants.every(({ credentialHash }) => credentialHash.length > 0)).toBe(true)
  }
  if (before.rosterHash.length > 0) expect(after.rosterHash).toEqual(before.rosterHash)
  for (const [index, { partyId, keys, result }] of before.participants.entries()) {
    expect(after.participants[index]?.partyId).toBe(partyId)
    if (keys !== null) expect(after.participants[index]?.keys).toEqual(keys)
    if (result !== null) expect(after.participants[index]?.result).toEqual(result)
  }
}

describe('any sequence of commands', () => {
  test('keeps the invariants of a session', () => {
    fc.assert(
      fc.property(sequence, (commands) => {
        commands.reduce((state, next) => {
          const outcome = when(state, next)
          outcome.events.reduce((before, event) => {
            const after = evolve(before, event)
            invariants(before, after)
            return after
          }, state)
          return outcome.state
        }, initialState)
      }),
      { numRuns: 150 },
    )
  })

  test('a command that was carried out changes nothing when it is repeated at once', () => {
    fc.assert(
      fc.property(sequence, (commands) => {
        commands.reduce((state, next) => {
          const outcome = when(state, next)
          const again = when(outcome.state, next)
          if (next.type !== 'create') expect(again.events).toEqual([])
          if (next.type !== 'create' && outcome.refusal === null && outcome.state.status !== 'failed') {
            expect(again.refusal).toBeNull()
          }
          return outcome.state
        }, initialState)
      }),
      { numRuns: 100 },
    )
  })
})

describe('any sequence of events', () => {
  test('is folded without throwing, and nothing follows the end', () => {
    const all: SessionPayload[] = [{ case: undefined }]
    const failed = [signing(), join('alice'), fail('alice')]
    const expired = [keygen(), { ...start, nowMs: startMs + 400_000 }]
    for (const commands of [honest, failed, expired, [keygen(), close]]) {
      commands.reduce((state, next) => {
        const outcome = when(state, next)
        all.push(...outcome.events)
        return outcome.state
      }, initialState)
    }
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...all), { maxLength: 30 }), (events) => {
        events.reduce((before, event) => {
          const after = evolve(before, event)
          if (isFinal(before.status)) expect(after).toBe(before)
          return after
        }, initialState)
      }),
    )
  })
})
