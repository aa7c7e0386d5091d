/**
 * What the router knows of a session: a fold of its lifecycle events, kept to membership, credentials and whether
 * messages may flow. The coordinator decides; the router only reads (architecture, section 6).
 */
import type { SessionEvent } from '../gen/mpc/events/v1/session_events_pb.ts'

export type Outcome = 'completed' | 'failed' | 'expired' | 'closed'

export type Phase =
  | Readonly<{ kind: 'unknown' }>
  | Readonly<{ kind: 'gathering' }>
  | Readonly<{ kind: 'running' }>
  | Readonly<{ kind: 'over'; outcome: Outcome }>

export type Member = Readonly<{
  /** False: the party brought no keys; in open mode it needs no credential. */
  hasKeys: boolean
  /** SHA-256 of its credential. */
  credentialHash: Uint8Array
}>

export type SessionView = Readonly<{
  phase: Phase
  /** Everyone who was invited. */
  participants: ReadonlySet<string>
  /** Those who have joined, by party id. */
  members: ReadonlyMap<string, Member>
}>

export const unknownSession: SessionView = {
  phase: { kind: 'unknown' },
  participants: new Set(),
  members: new Map(),
}

/** Total: an event that does not fit the state changes nothing. The first join of a party counts, and the first end. */
export function evolve(view: SessionView, event: SessionEvent): SessionView {
  const { payload } = event
  if (view.phase.kind === 'over') return view
  switch (payload.case) {
    case 'sessionCreated':
      if (view.phase.kind !== 'unknown') return view
      return {
        phase: { kind: 'gathering' },
        participants: new Set(payload.value.participants.map((invited) => invited.partyId)),
        members: new Map(),
      }
    case 'partyJoined': {
      const { partyId, keys, credentialHash } = payload.value
      if (!view.participants.has(partyId) || view.members.has(partyId)) return view
      const member: Member = { hasKeys: keys !== undefined, credentialHash }
      return { ...view, members: new Map(view.members).set(partyId, member) }
    }
    case 'sessionStarted':
      return view.phase.kind === 'gathering' ? { ...view, phase: { kind: 'running' } } : view
    case 'sessionCompleted':
      return ended(view, 'completed')
    case 'sessionFailed':
      return ended(view, payload.value.reason === 'closed' ? 'closed' : 'failed')
    case 'sessionExpired':
      return ended(view, 'expired')
    case 'sessionClosed':
      return ended(view, 'closed')
    case 'partyReady':
    case 'partyCompleted':
    case undefined:
      return view
    default:
      return payload satisfies never
  }
}

function ended(view: SessionView, outcome: Outcome): SessionView {
  return view.phase.kind === 'unknown' ? view : { ...view, phase: { kind: 'over', outcome } }
}
