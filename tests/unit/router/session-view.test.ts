import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SessionEvent } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import { evolve, unknownSession, type SessionView } from '../../../src/router/session-view.ts'
import { completed, created, joined, sessionEvent, started } from './session-events.ts'

function fold(...events: SessionEvent[]): SessionView {
  return events.reduce(evolve, unknownSession)
}

const failed = sessionEvent('s', {
  case: 'sessionFailed',
  value: { $typeName: 'mpc.events.v1.SessionFailed', reason: 'timeout', reportedBy: 'a', culprits: [] },
})
const expired = sessionEvent('s', { case: 'sessionExpired', value: { $typeName: 'mpc.events.v1.SessionExpired' } })
const closed = sessionEvent('s', { case: 'sessionClosed', value: { $typeName: 'mpc.events.v1.SessionClosed' } })

describe('the phase of a session', () => {
  test.each([
    ['unknown', [], { kind: 'unknown' }],
    ['gathering once created', [created('s', ['a'])], { kind: 'gathering' }],
    ['gathering while parties join', [created('s', ['a', 'b']), joined('s', 'a')], { kind: 'gathering' }],
    ['running once started', [created('s', ['a']), started('s')], { kind: 'running' }],
    ['over once complete', [created('s', ['a']), started('s'), completed('s')], { kind: 'over', outcome: 'completed' }],
    ['over when it fails', [created('s', ['a']), started('s'), failed], { kind: 'over', outcome: 'failed' }],
    ['over when it expires before it starts', [created('s', ['a']), expired], { kind: 'over', outcome: 'expired' }],
    ['over when it is closed', [created('s', ['a']), closed, failed], { kind: 'over', outcome: 'closed' }],
    ['not restarted after its end', [created('s', ['a']), expired, started('s')], { kind: 'over', outcome: 'expired' }],
    ['not started before it was created', [started('s')], { kind: 'unknown' }],
  ] as const)('%s', (_name, events, phase) => {
    expect(fold(...events).phase).toEqual(phase)
  })
})

describe('the members of a session', () => {
  test('are those who were invited and have joined, with the credential of their first join', () => {
    const first = new Uint8Array(32).fill(1)
    const second = new Uint8Array(32).fill(2)
    const view = fold(
      created('s', ['a', 'b', 'c']),
      joined('s', 'a', { credentialHash: first }),
      joined('s', 'a', { credentialHash: second }),
      joined('s', 'b', { hasKeys: false, credentialHash: second }),
      joined('s', 'stranger'),
    )
    expect(view.participants).toEqual(new Set(['a', 'b', 'c']))
    expect([...view.members]).toEqual([
      ['a', { hasKeys: true, credentialHash: first }],
      ['b', { hasKeys: false, credentialHash: second }],
    ])
  })

  test('a second creation does not replace them', () => {
    const view = fold(created('s', ['a']), joined('s', 'a'), created('s', ['evil']))
    expect([...view.participants]).toEqual(['a'])
  })
})

test('once over, no sequence of events changes anything, and no event throws', () => {
  const begin = [created('s', ['a', 'b']), joined('s', 'a'), joined('s', 'b'), started('s')]
  const end = [completed('s'), failed, expired, closed]
  const any = fc.array(fc.constantFrom(...begin, ...end, sessionEvent('s', { case: undefined })), { maxLength: 20 })
  fc.assert(
    fc.property(any, any, (before, after) => {
      const view = fold(...before)
      if (view.phase.kind === 'over') expect(after.reduce(evolve, view)).toEqual(view)
    }),
  )
})
