/**
 * A party: joins sessions, makes keys and signs, over whatever transport, storage and threads it is given. A server
 * party, a command-line device and a browser device are this, with different parts.
 */
import { secureRandom, systemClock } from './clock.ts'
import { sessionIdOfToken } from './join-token.ts'
import { defaultPartyLimits } from './limits.ts'
import { silentLog } from './party-log.ts'
import type { PartyParts } from './party-parts.ts'
import type { UnfinishedSession } from './store/session-journal.ts'
import { failUnfinished } from './session/recover.ts'
import { Rejections, type DropReason } from './session/rejections.ts'
import { RunningSessions } from './session/running-sessions.ts'
import type { JoinOrder, SessionOutcome } from './session/run.ts'
import { runSession } from './session/session-run.ts'

/** Clock, randomness, limits and log have defaults. */
export type PartyOptions = Omit<PartyParts, 'rng' | 'clock' | 'limits' | 'log' | 'peers' | 'running' | 'rejections'> &
  Partial<Pick<PartyParts, 'rng' | 'clock' | 'limits' | 'log' | 'peers'>>

export type Party = Readonly<{
  /**
   * Takes part in one session to its end. What peers and services do wrong is an outcome, not an exception. Throws
   * StorageError when the journal cannot be read.
   */
  run: (order: JoinOrder) => Promise<SessionOutcome>
  /** Sessions that an earlier process of this party left in the middle. Throws StorageError. */
  unfinishedSessions: () => Promise<readonly string[]>
  /**
   * Fails those. Call it at every start, before the first run. Throws Refusal 'unavailable' while the coordinator is
   * away, and can be called again then.
   */
  recover: (signal: AbortSignal) => Promise<void>
  runningSessions: () => number
  isRunning: (sessionId: string) => boolean
  /** Messages dropped since the start, by reason. */
  droppedMessages: () => ReadonlyMap<DropReason, number>
}>

const restarted: SessionOutcome = {
  kind: 'failed',
  reason: 'party_restarted',
  culprits: [],
  detail: 'this party was in the session before it was restarted',
}

export function createParty(options: PartyOptions): Party {
  const log = options.log ?? silentLog
  const parts: PartyParts = {
    rng: secureRandom,
    clock: systemClock,
    limits: defaultPartyLimits,
    peers: null,
    ...options,
    log,
    running: new RunningSessions(),
    rejections: new Rejections(log),
  }
  // Read once: what this process opens later is not left over.
  let leftOver: Promise<readonly UnfinishedSession[]> | undefined
  const unfinished = () => (leftOver ??= parts.journal.unfinished())
  return {
    run: async (order) => {
      const sessionId = sessionIdOfToken(order.joinToken)
      if ((await unfinished()).some((left) => left.sessionId === sessionId)) return restarted
      return runSession(parts, order)
    },
    unfinishedSessions: async () => (await unfinished()).map(({ sessionId }) => sessionId),
    recover: async (signal) => failUnfinished(parts, await unfinished(), signal),
    runningSessions: () => parts.running.size,
    isRunning: (sessionId) => parts.running.has(sessionId),
    droppedMessages: () => parts.rejections.counts(),
  }
}
