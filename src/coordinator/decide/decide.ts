/**
 * The session's decider: state and command in, events or a refusal out. Before any command, what is due anyway is
 * settled, so that the command meets the session as it should be by now.
 */
import { Refusal } from '../../edge/refusal.ts'
import type { DecidedEvent, Decision } from '../../events/aggregate-store.ts'
import type { SessionPayload } from '../../events/session-event.ts'
import { evolve, type SessionState } from '../session-state.ts'
import { closeSession } from './close.ts'
import type { Command } from './command.ts'
import { reportFailure, reportResult } from './complete.ts'
import { createSession } from './create.ts'
import { joinSession } from './join.ts'
import { markReady } from './ready.ts'
import { eventsDue } from './settle.ts'
import { startSession } from './start.ts'

/** The coordinator itself, as the cause of what nobody asked for. */
export const coordinator = 'coordinator'

/** `actor` is who sent the command. */
export function decide(state: SessionState, command: Command, actor: string): Decision {
  const due = eventsDue(state, command.nowMs)
  const present = due.reduce(evolve, state)
  const settled = due.map((payload) => ({ actor: coordinator, payload }))
  try {
    const wanted = carryOut(present, command).map((payload) => causedBy(actor, payload))
    return { events: [...settled, ...wanted], refusal: null }
  } catch (error) {
    if (error instanceof Refusal) return { events: settled, refusal: error }
    throw error
  }
}

/** The last report leads to completion, but it is the coordinator that finds that all agree. */
function causedBy(actor: string, payload: SessionPayload): DecidedEvent {
  return { actor: payload.case === 'sessionCompleted' ? coordinator : actor, payload }
}

function carryOut(state: SessionState, command: Command): readonly SessionPayload[] {
  switch (command.type) {
    case 'create':
      return createSession(state, command)
    case 'join':
      return joinSession(state, command)
    case 'ready':
      return markReady(state, command)
    case 'start':
      return startSession(state)
    case 'complete':
      return reportResult(state, command)
    case 'fail':
      return reportFailure(state, command)
    case 'close':
      return closeSession(state)
    case 'settle':
      return []
    default:
      return command satisfies never
  }
}
