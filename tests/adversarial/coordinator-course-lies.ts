/** Lies of a coordinator about the course of a session: joins, history, reports and results. */
import { ConnectError, Code } from '@connectrpc/connect'
import type { Break, Hooks } from './lying-services.ts'
import { group } from './arena.ts'
import { flip, hiding, showing, type Change, type Shown } from './coordinator-view.ts'
import type { Lie, Scene } from './lie.ts'

const signers = ['alice', 'bob']
const signing = { session: 'sign', keyType: 'schnorr-secp256k1', parties: signers } as const
const signingHash = { session: 'sign', keyType: 'ecdsa-secp256k1', parties: signers } as const
const making = { session: 'keygen', keyType: 'schnorr-secp256k1', parties: group } as const
const alice = ['alice']

/** The others wait for alice until the session's time is over. */
const joinLies: readonly Lie[] = [
  ['another session', { sessionId: 'another-session' }, 'join_refused'] as const,
  ['a credential of nobody', { partyCredential: 'mpc_party_of_nobody' }, 'refused'] as const,
  ['no credential', { partyCredential: '' }, 'refused'] as const,
].map(([name, change, end]) => ({
  ...signing,
  step: 'answer to the join',
  name,
  end: [end, 'session_timed_out'],
  tell: ({ hooks, lied }) => {
    hooks.join = (partyId, answer) => {
      if (partyId !== 'alice') return answer
      lied()
      return { ...answer, ...change }
    }
  },
}))

const otherIndexes: readonly Lie[] = [1, -1, 7].map((partyIndex) => ({
  ...signing,
  step: 'answer to the join',
  name: `the number ${partyIndex} for the first party`,
  end: ['roster_own_entry_changed'],
  tell: ({ hooks, lied }) => {
    hooks.join = (partyId, answer) => {
      if (partyId !== 'alice') return answer
      lied()
      return { ...answer, partyIndex }
    }
  },
}))

const historyLies: readonly Lie[] = [
  [
    'that shrinks',
    'started',
    () => ({ version: 1n, chainHead: new Uint8Array(32).fill(1) }),
    ['history_lost'],
  ] as const,
  ['of no length', 'started', () => ({ version: 0n }), ['history_lost']] as const,
  ['of a negative length', 'started', () => ({ version: -5n }), ['history_lost']] as const,
  [
    'that its log does not have, to be signed by alice',
    'always',
    ({ chainHead }: Shown) => ({ chainHead: flip(chainHead) }),
    ['refused'],
  ] as const,
  [
    'of more events than its log has, to be signed by alice',
    'always',
    ({ version }: Shown) => ({ version: version + 50n }),
    ['refused'],
  ] as const,
].map(([name, phase, change, end]) => ({
  ...signing,
  step: 'history',
  name,
  end,
  tell: showing(alice, phase, change),
}))

const rewritten: Lie = {
  ...signing,
  step: 'history',
  name: 'that is told twice in two ways',
  end: ['history_lost'],
  tell: (scene) => {
    scene.hooks.show = (partyId, session) => {
      if (partyId !== 'alice' || session.status !== 'in_progress') return [session]
      scene.lied()
      return [session, { ...session, chainHead: flip(session.chainHead) }]
    }
  },
}

const repeating: readonly Lie[] = [
  {
    ...signing,
    step: 'history',
    name: 'every state fifty times',
    end: 'harmless',
    tell: (scene) => {
      scene.hooks.show = (_partyId, session) => {
        scene.lied()
        return Array.from({ length: 50 }, () => session)
      }
    },
  },
  {
    ...signing,
    step: 'readiness',
    name: 'nobody is told that all are ready',
    end: 'harmless',
    limits: { startPatienceMs: 100 },
    tell: ({ hooks, lied }) => {
      hooks.ready = (_partyId, answer) => {
        lied()
        return { ...answer, allReady: false }
      }
    },
  },
]

/** A session that breaks off, or ends, before it is over is looked at again. */
const brokenOff: readonly Lie[] = (
  [
    ['fails three times before it begins', (shown, _last, opened) => (shown === 0 && opened <= 3 ? 'fail' : undefined)],
    ['breaks off after each state', (shown) => (shown === 0 ? undefined : 'fail')],
    ['ends after each state', (shown) => (shown === 0 ? undefined : 'end')],
    ['breaks off at the start', (_shown, last) => (last?.status === 'in_progress' ? 'fail' : undefined)],
    ['ends at the start', (_shown, last) => (last?.status === 'in_progress' ? 'end' : undefined)],
  ] satisfies readonly (readonly [string, BreakWatch])[]
).map(([name, breaks]: readonly [string, BreakWatch]) => ({
  ...signing,
  step: 'stream of states',
  name,
  end: 'harmless',
  tell: ({ hooks, lied }) => {
    let opened = 0
    hooks.breakWatch = (partyId, shown, last) => {
      if (partyId !== 'alice') return undefined
      if (shown === 0) opened += 1
      const how = breaks(shown, last, opened)
      if (how !== undefined) lied()
      return how
    }
  },
}))
type BreakWatch = (shown: number, last: Shown | undefined, opened: number) => Break | undefined

/** A completion that is not what the parties have computed. The protocol is over for them all. */
function wrongResult(base: typeof signing | typeof signingHash | typeof making, name: string, change: Change): Lie {
  const late = { mayFinish: true, mayStore: true, end: ['result_disagrees'] } as const
  return { ...base, ...late, step: 'completion', name, tell: showing(alice, 'completed', change) }
}

const wrongResults: readonly Lie[] = [
  wrongResult(making, 'another public key', () => ({ publicKey: 'ee'.repeat(32) })),
  wrongResult(making, 'no public key', () => ({ publicKey: '' })),
  wrongResult(signing, 'another signature', () => ({ signature: 'ee'.repeat(64) })),
  wrongResult(signing, 'no signature', () => ({ signature: '' })),
  wrongResult(signing, 'a recovery id that there is not', () => ({ recoveryId: 0 })),
  wrongResult(signingHash, 'another signature', () => ({ signature: 'ee'.repeat(64) })),
  wrongResult(signingHash, 'another recovery id', ({ recoveryId }) => ({ recoveryId: (recoveryId ?? 0) ^ 1 })),
]

/** Completed as soon as it starts, with a result that nobody computed. */
const early: readonly Lie[] = [making, signing].map((base) => ({
  ...base,
  step: 'start',
  name: 'already completed, with a result that nobody has computed',
  end: ['result_disagrees'],
  mayFinish: true,
  mayStore: true,
  tell: showing(alice, 'started', () => ({
    status: 'completed',
    publicKey: 'ee'.repeat(32),
    signature: 'ee'.repeat(64),
  })),
}))

type TakeReport = NonNullable<Hooks['report']>

function reporting(take: TakeReport): Lie['tell'] {
  return ({ hooks, lied }: Scene) => {
    hooks.report = async (partyId, pass) => {
      if (partyId !== 'alice') return pass()
      lied()
      return take(partyId, pass)
    }
  }
}

const reportLies: readonly Lie[] = [making, signing].flatMap((base): readonly Lie[] => {
  const late = { ...base, step: 'report', mayFinish: true, mayStore: true } as const
  const taken = { $typeName: 'mpc.coordinator.v1.ReportCompletionResponse', success: true, allCompleted: true } as const
  return [
    {
      ...late,
      name: 'swallowed, and said to be the last',
      end: ['session_timed_out'],
      tell: reporting(async () => taken),
    },
    {
      ...late,
      name: 'refused',
      end: ['refused', 'session_timed_out'],
      tell: reporting(async () => {
        throw new ConnectError('no', Code.PermissionDenied)
      }),
    },
    {
      ...late,
      name: 'passed on, and completion never shown',
      end: ['session_timed_out'],
      tell: hiding(alice, 'completed'),
    },
  ]
})

export const coordinatorCourseLies: readonly Lie[] = [
  ...joinLies,
  ...otherIndexes,
  ...historyLies,
  rewritten,
  ...repeating,
  ...brokenOff,
  ...wrongResults,
  ...early,
  ...reportLies,
]
