/** What each lifecycle event changes in the rows of its session. Pure and total: what does not fit changes nothing. */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Insertable } from 'kysely'
import type { StoredEvent } from '../../events/event-log.ts'
import type {
  PartyJoined,
  SessionCompleted,
  SessionCreated,
  SessionEvent,
  SessionFailed,
} from '../../gen/mpc/events/v1/session_events_pb.ts'
import { keyTypeOf } from '../session-state.ts'
import type { KeysTable, ParticipantsTable, SessionsTable } from './tables.ts'

export type SessionRow = Insertable<SessionsTable>
export type ParticipantRow = Insertable<ParticipantsTable>
export type KeyRow = Insertable<KeysTable>

/** A session's rows; participants by their index. */
export type SessionRows = { session: SessionRow; participants: readonly ParticipantRow[] }

export type Changes = Readonly<{
  /** Every session of the batch that there is, by id. */
  sessions: Map<string, SessionRows>
  changedSessions: Set<string>
  /** Sessions whose participants have changed. */
  changedParticipants: Set<string>
  newKeys: KeyRow[]
}>

export function emptyChanges(known: ReadonlyMap<string, SessionRows>): Changes {
  return { sessions: new Map(known), changedSessions: new Set(), changedParticipants: new Set(), newKeys: [] }
}

/** Takes over one event. Events of a session come in their order. */
export function changeRows(changes: Changes, stored: StoredEvent, event: SessionEvent): void {
  const { payload, sessionId } = event
  const rows = changes.sessions.get(sessionId)
  if (rows === undefined) {
    if (payload.case !== 'sessionCreated') return
    changes.sessions.set(sessionId, createdRows(stored, event, payload.value))
    changes.changedSessions.add(sessionId)
    changes.changedParticipants.add(sessionId)
    return
  }
  const { session, participants = rows.participants, key } = changed(rows, stored, event)
  if (participants !== rows.participants) changes.changedParticipants.add(sessionId)
  // Every event moves the session's version and chain head.
  const moved = {
    version: Number(event.sessionSequence),
    chain_head: sha256(stored.data),
    changed_at_ms: Number(event.timeMs),
  }
  changes.sessions.set(sessionId, { session: { ...rows.session, ...session, ...moved }, participants })
  changes.changedSessions.add(sessionId)
  if (key !== undefined) changes.newKeys.push(key)
}

type Change = Readonly<{ session: Partial<SessionRow>; participants?: readonly ParticipantRow[]; key?: KeyRow }>

function changed({ session, participants }: SessionRows, stored: StoredEvent, { payload }: SessionEvent): Change {
  switch (payload.case) {
    case 'partyJoined':
      return { session: { status: 'waiting' }, participants: withJoined(participants, payload.value) }
    case 'partyReady':
      return { session: {}, participants: withStatus(participants, 'ready', [payload.value.partyId]) }
    case 'sessionStarted':
      return {
        session: { status: 'in_progress', roster_hash: orNull(payload.value.rosterHash) },
        participants: withStatus(participants, 'computing'),
      }
    case 'partyCompleted':
      return { session: {}, participants: withStatus(participants, 'completed', [payload.value.partyId]) }
    case 'sessionCompleted':
      return completed(session, stored, payload.value)
    case 'sessionFailed':
      return failed(participants, payload.value)
    case 'sessionExpired':
      return { session: { status: 'expired' } }
    case 'sessionClosed':
      return { session: { status: 'failed', failure_reason: 'closed' } }
    case 'sessionCreated':
    case undefined:
      return { session: {} }
    default:
      return payload satisfies never
  }
}

function createdRows(stored: StoredEvent, event: SessionEvent, created: SessionCreated): SessionRows {
  const { sessionId, timeMs } = event
  return {
    session: {
      session_id: sessionId,
      session_type: created.sessionType,
      key_type: keyTypeOf(created),
      status: 'created',
      threshold_t: created.thresholdT,
      threshold_n: created.thresholdN,
      created_at_ms: Number(timeMs),
      expires_at_ms: Number(created.expiresAtMs),
      changed_at_ms: Number(timeMs),
      message_hash: orNull(created.messageHash),
      message: orNull(created.message),
      key_id: created.keyId || null,
      public_key: orNull(created.publicKey),
      signature: null,
      recovery_id: null,
      roster_hash: null,
      failure_reason: null,
      failure_reported_by: null,
      failure_culprits: [],
      version: Number(event.sessionSequence),
      chain_head: sha256(stored.data),
    },
    participants: created.participants.map((invited, index) => ({
      session_id: sessionId,
      party_index: index,
      party_id: invited.partyId,
      device_type: invited.deviceType,
      device_id: invited.deviceId,
      status: 'waiting',
      identity_key: null,
    })),
  }
}

/** What the creator said about the device stands; the party fills in what the creator left open. */
function withJoined(participants: readonly ParticipantRow[], joined: PartyJoined): readonly ParticipantRow[] {
  return participants.map((party) => {
    if (party.party_id !== joined.partyId) return party
    return {
      ...party,
      status: 'joined',
      device_type: party.device_type || joined.deviceType,
      device_id: party.device_id || joined.deviceId,
      identity_key: joined.keys === undefined ? null : joined.keys.identityKey,
    }
  })
}

function completed(session: SessionRow, stored: StoredEvent, result: SessionCompleted): Change {
  const { signature, recoveryId, publicKey } = result
  if (signature.length > 0) return { session: { status: 'completed', signature, recovery_id: recoveryId } }
  const { session_id: keyId, key_type, threshold_t, threshold_n } = session
  const key = { key_id: keyId, key_type, public_key: publicKey, threshold_t, threshold_n, sequence: stored.sequence }
  return { session: { status: 'completed', public_key: publicKey }, key }
}

function failed(participants: readonly ParticipantRow[], { reason, reportedBy, culprits }: SessionFailed): Change {
  return {
    session: {
      status: 'failed',
      failure_reason: reason,
      failure_reported_by: reportedBy || null,
      failure_culprits: culprits,
    },
    participants: withStatus(participants, 'failed', [reportedBy, ...culprits]),
  }
}

/** Of `parties`; where not given, of all. */
function withStatus(
  participants: readonly ParticipantRow[],
  status: string,
  parties?: readonly string[],
): readonly ParticipantRow[] {
  return participants.map((party) => {
    return parties === undefined || parties.includes(party.party_id) ? { ...party, status } : party
  })
}

function orNull(bytes: Uint8Array): Uint8Array | null {
  return bytes.length > 0 ? bytes : null
}
