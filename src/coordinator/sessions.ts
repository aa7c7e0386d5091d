/**
 * Sessions as the service handles them: who calls is checked against the same state that the command is decided on,
 * and what is due by the clock is settled on the way.
 */
import type { HandlerContext } from '@connectrpc/connect'
import { callerKey, type Caller } from '../edge/caller.ts'
import { Refusal } from '../edge/refusal.ts'
import type { AggregateStore, Cause, Decision, Loaded } from '../events/aggregate-store.ts'
import { AppendConflict, LogUnavailable } from '../events/event-log.ts'
import { NewerSchemaVersion } from '../events/schema-version.ts'
import type { Command } from './decide/command.ts'
import { coordinator, decide } from './decide/decide.ts'
import { requireKnown } from './decide/require.ts'
import { eventsDue } from './decide/settle.ts'
import type { SessionState } from './session-state.ts'

export type Authorize = (caller: Caller, state: SessionState) => string

export type Sessions = Readonly<{
  /** Carries out a command for a caller, or throws its Refusal. `check` may refuse what was decided. */
  change(
    context: HandlerContext,
    sessionId: string,
    authorize: Authorize,
    command: Command,
    check?: (loaded: Loaded<SessionState>, decision: Decision) => Refusal | null,
  ): Promise<Loaded<SessionState>>
  /** The session as it is now, for a caller who may see it. Refuses an unknown one (404). */
  view(context: HandlerContext, sessionId: string, authorize: Authorize): Promise<Loaded<SessionState>>
  /** Appends what is due: expiry, or the outcome that a crash left out. */
  settle(sessionId: string): Promise<Loaded<SessionState>>
  now(): number
}>

export function createSessions(store: AggregateStore<SessionState>, now: () => number): Sessions {
  async function settle(sessionId: string): Promise<Loaded<SessionState>> {
    const cause: Cause = { causationId: '', correlationId: '', timeMs: now() }
    const command = { type: 'settle', nowMs: cause.timeMs } as const
    return store.execute(sessionId, ({ state }) => decide(state, command, coordinator), cause)
  }

  return {
    now,
    settle: (sessionId) => refusingOutages(() => settle(sessionId)),
    change: (context, sessionId, authorize, command, check = () => null) => {
      const caller = context.values.get(callerKey)
      const cause: Cause = { causationId: caller.requestId, correlationId: caller.traceId, timeMs: command.nowMs }
      const decideFor = (loaded: Loaded<SessionState>): Decision => {
        const { state } = loaded
        const actor = refusalOf(() => authorize(caller, state))
        if (actor instanceof Refusal) return { events: [], refusal: actor }
        const decision = decide(state, command, actor)
        const refusal = decision.refusal ?? check(loaded, decision)
        return refusal === null || decision.refusal !== null ? decision : { events: [], refusal }
      }
      return refusingOutages(() => store.execute(sessionId, decideFor, cause))
    },
    view: (context, sessionId, authorize) =>
      refusingOutages(async () => {
        const loaded = await store.load(sessionId)
        authorize(context.values.get(callerKey), loaded.state)
        requireKnown(loaded.state)
        return eventsDue(loaded.state, now()).length > 0 ? settle(sessionId) : loaded
      }),
  }
}

/** An outage of the log is a refusal too: the caller may try again. */
export async function refusingOutages<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof LogUnavailable) throw new Refusal('unavailable', 'the event log is not available; try again')
    if (error instanceof AppendConflict) throw new Refusal('unavailable', 'the session is busy; try again')
    if (error instanceof NewerSchemaVersion) {
      throw new Refusal('unavailable', 'a newer release has written in this session; try again')
    }
    throw error
  }
}

function refusalOf<T>(action: () => T): T | Refusal {
  try {
    return action()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}
