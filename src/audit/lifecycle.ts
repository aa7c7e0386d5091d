/** A session's lifecycle events, decoded, followed and checked one by one. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { StoredEvent } from '../events/event-log.ts'
import { schemaVersion, upcast } from '../events/schema-version.ts'
import { BrokenChain, decodeStored } from '../events/session-event.ts'
import { sessionSubject } from '../events/subjects.ts'
import type { SessionEvent } from '../gen/mpc/events/v1/session_events_pb.ts'
import { fingerprint } from '../identity/identity-key.ts'
import { Entry } from './entry.ts'
import { takeEvent } from './lifecycle-rules.ts'
import { checkSignatures } from './lifecycle-signatures.ts'
import type { SessionRecords } from './records.ts'
import { noFacts, type SessionFacts } from './session-facts.ts'

/** One entry for every record, and what they say together. */
export async function takeLifecycle({
  sessionId,
  lifecycle,
}: SessionRecords): Promise<Readonly<{ facts: SessionFacts; entries: readonly Entry[] }>> {
  const facts = noFacts(sessionId)
  const entries: Entry[] = []
  let last = 0
  for (const record of lifecycle) {
    const entry = await takeRecord(facts, record)
    const isPlaced = record.subject === sessionSubject(sessionId)
    if (!isPlaced) entry.blame('tampered', 'it lies under the subject of another session')
    if (record.sequence <= last) entry.blame('tampered', 'its sequence is not after the one before it')
    last = record.sequence
    entries.push(entry)
  }
  return { facts, entries }
}

async function takeRecord(facts: SessionFacts, record: StoredEvent): Promise<Entry> {
  const stored = decodeOrNull(record.data)
  if (stored === null) {
    const entry = new Entry('SESSIONS', record, { timeMs: 0, kind: 'unreadable', actor: '' })
    entry.blame('tampered', 'it cannot be decoded')
    return entry
  }
  const isKnown = stored.schemaVersion <= schemaVersion && stored.payload.case !== undefined
  const event = isKnown ? upcast(stored) : stored
  const { payload, timeMs, actor } = event
  const name = payload.case ?? 'unknown'
  const kind = isKnown ? `${name.charAt(0).toUpperCase()}${name.slice(1)}` : name
  const who = actor.startsWith('party:') ? actor.slice('party:'.length) : actor
  const entry = new Entry('SESSIONS', record, { timeMs: Number(timeMs), kind, actor: who, detail: detailOf(event) })
  if (!isKnown) {
    entry.blame('unjudged', `written by a later release (schema version ${event.schemaVersion})`)
    if (event.schemaVersion > schemaVersion) facts.isFollowed = false
    return entry
  }
  const problem = takeEvent(facts, event) ?? (await checkSignatures(facts, event))
  if (problem !== null) entry.blame(facts.isFollowed ? 'tampered' : 'unjudged', problem)
  return entry
}

function decodeOrNull(data: Uint8Array): SessionEvent | null {
  try {
    return decodeStored(data)
  } catch (error) {
    if (error instanceof BrokenChain) return null
    throw error
  }
}

function detailOf({ payload }: SessionEvent): string {
  switch (payload.case) {
    case 'sessionCreated': {
      const { sessionType, thresholdT, thresholdN, participants, keyId } = payload.value
      const parties = participants.map(({ partyId }) => partyId).join(', ')
      return `${sessionType} ${thresholdT} of ${thresholdN}: ${parties}${keyId === '' ? '' : `, key ${keyId}`}`
    }
    case 'partyJoined': {
      const { keys } = payload.value
      return keys === undefined ? 'without keys' : `identity ${fingerprint(keys.identityKey)}`
    }
    case 'partyCompleted':
    case 'sessionCompleted': {
      const { publicKey, signature } = payload.value
      return publicKey.length > 0 ? `key ${bytesToHex(publicKey)}` : `signature ${bytesToHex(signature)}`
    }
    case 'sessionFailed': {
      const { reason, reportedBy, culprits } = payload.value
      return [reason, reportedBy && `reported by ${reportedBy}`, culprits.length > 0 && `blames ${culprits.join(', ')}`]
        .filter(Boolean)
        .join(', ')
    }
    default:
      return ''
  }
}
