/** What a coordinator can say, besides the truth, to parties that it cannot speak for. */
import { create } from '@bufbuild/protobuf'
import { FailureSchema } from '../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { group } from './arena.ts'
import { coordinatorCourseLies } from './coordinator-course-lies.ts'
import { coordinatorPolicyLies } from './coordinator-policy-lies.ts'
import { coordinatorRosterLies } from './coordinator-roster-lies.ts'
import { coordinatorTermsLies } from './coordinator-terms-lies.ts'
import { hiding, rows, type Row } from './coordinator-view.ts'
import type { Lie } from './lie.ts'

const signers = ['alice', 'bob']
const signing = { session: 'sign', keyType: 'eddsa-ed25519', parties: signers } as const
const alice = ['alice']

const failure = create(FailureSchema, { reason: 'rvole-check-failed', reportedBy: 'alice', culprits: ['bob'] })
const overRows: readonly Row[] = [
  ['a failure that blames bob', () => ({ status: 'failed', failure }), ['session_over', 'session_timed_out']],
  [
    'a failure that blames alice herself',
    () => ({ status: 'failed', failure: { ...failure, culprits: ['alice'] } }),
    ['session_over', 'session_timed_out'],
  ],
  [
    'a failure that blames everyone and strangers',
    () => ({ status: 'failed', failure: { ...failure, culprits: [...group, 'eve', '\u001b[2J'] } }),
    ['session_over', 'session_timed_out'],
  ],
  ['expiry', () => ({ status: 'expired' }), ['session_over', 'session_timed_out']],
  ['a status that there is not', () => ({ status: 'stolen' }), ['refused']],
]

export const coordinatorLies: readonly Lie[] = [
  ...coordinatorRosterLies,
  ...coordinatorTermsLies,
  ...rows(signing, 'end before the start', 'always', alice, overRows),
  ...rows(signing, 'end after the start', 'started', alice, overRows),
  {
    ...signing,
    step: 'start',
    name: 'before bob has joined',
    end: ['roster_incomplete', 'roster_hash_mismatch'],
    // Her first sight of the session stays her last: what follows would make it true.
    tell: (scene) => {
      let isTold = false
      scene.hooks.show = (partyId, session) => {
        if (partyId !== 'alice') return [session]
        if (isTold) return []
        isTold = true
        scene.lied()
        return [{ ...session, status: 'in_progress' }]
      }
    },
  },
  { ...signing, step: 'start', name: 'never, to alice', end: ['session_timed_out'], tell: hiding(alice, 'started') },
  { ...signing, step: 'start', name: 'never, to anyone', end: ['session_timed_out'], tell: hiding(signers, 'started') },
  {
    ...signing,
    step: 'start',
    name: 'never, and an expiry in the year 9999',
    end: ['session_timed_out'],
    tell: hiding(signers, 'started', () => ({ expiresAt: 253_370_764_800n })),
  },
  {
    ...signing,
    step: 'start',
    name: 'never, and an expiry in the past',
    end: ['session_timed_out'],
    limits: { clockSkewMs: 200 },
    tell: hiding(signers, 'started', (_session, { lied }) => {
      lied()
      return { expiresAt: 1n }
    }),
  },
  ...coordinatorCourseLies,
  ...coordinatorPolicyLies,
]
