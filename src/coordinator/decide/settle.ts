/**
 * Events that are due whatever the command: the outcome of a session whose reports are all in (a coordinator may have
 * died between the last report and the outcome), and expiry. Only the coordinator's clock decides expiry.
 */
import { create } from '@bufbuild/protobuf'
import { equalBytes } from '../../crypto/bytes.ts'
import type { SessionPayload } from '../../events/session-event.ts'
import {
  SessionCompletedSchema,
  SessionExpiredSchema,
  SessionFailedSchema,
} from '../../gen/mpc/events/v1/session_events_pb.ts'
import { isFinal, type Result, type SessionState } from '../session-state.ts'

export function eventsDue(state: SessionState, nowMs: number): readonly SessionPayload[] {
  if (state.status === 'none' || isFinal(state.status)) return []
  const outcome = outcomeOf(state)
  if (outcome.length > 0) return outcome
  return nowMs >= state.expiresAtMs ? [{ case: 'sessionExpired', value: create(SessionExpiredSchema) }] : []
}

/** Failed as soon as two reports differ, completed when all are in and agree, else nothing yet. */
export function outcomeOf(state: SessionState): readonly SessionPayload[] {
  if (state.status !== 'in_progress') return []
  const results = state.participants.flatMap((party) => (party.result === null ? [] : [party.result]))
  const [first] = results
  if (first === undefined) return []
  const odd = state.participants.find((party) => party.result !== null && !sameResult(party.result, first))
  if (odd !== undefined) {
    const value = create(SessionFailedSchema, { reason: 'results_disagree', reportedBy: odd.partyId })
    return [{ case: 'sessionFailed', value }]
  }
  if (results.length < state.participants.length) return []
  return [{ case: 'sessionCompleted', value: create(SessionCompletedSchema, first) }]
}

export function sameResult(a: Result, b: Result): boolean {
  return (
    equalBytes(a.publicKey, b.publicKey) && equalBytes(a.signature, b.signature) && a.recoveryId === b.recoveryId
  )
}
