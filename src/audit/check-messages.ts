/** The messages of one session, checked one by one, then together. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { FrostPublicKey } from '../crypto/frost/key-share.ts'
import type { StoredEvent } from '../events/event-log.ts'
import { decodeMessageEvent, messageSchemaVersion } from '../events/message-event.ts'
import { refusalId, slotKey, slotOf, slotSubject } from '../events/message-slot.ts'
import { isToken, messageSubject } from '../events/subjects.ts'
import type { MessageEvent, MessageRefused, MessageRouted } from '../gen/mpc/events/v1/message_events_pb.ts'
import { Entry, type Description } from './entry.ts'
import { checkProtocol } from './protocol-check.ts'
import { checkRounds, missingMessages } from './round-rules.ts'
import type { KeyFacts, SessionFacts } from './session-facts.ts'
import { bindingOf, MessageReader, type Binding, type SignedMessage } from './session-messages.ts'

export type MessagesCheck = Readonly<{
  entries: readonly Entry[]
  /** Whether payloads were not judged: parties with a protocol of their own. */
  opaque: boolean
  frost: FrostPublicKey | null
  /** What the envelopes are bound to; null where payloads were not judged. */
  binding: Binding | null
  /** Those that are in order. */
  signed: readonly SignedMessage[]
}>

/** `isPart`: the first of them may have been moved away, and only each by itself can be judged. */
type Messages = Readonly<{ records: readonly StoredEvent[]; isPart: boolean }>

/** `blameEnd` is told what a completed session lacks, or what its result contradicts. */
export async function checkMessages(
  facts: SessionFacts,
  key: KeyFacts | null,
  { records, isPart }: Messages,
  blameEnd: (reason: string) => void,
): Promise<MessagesCheck> {
  const binding = bindingOrNull(facts)
  const reader = new MessageReader(facts, binding)
  const routed = new Map<number, MessageRouted>()
  const tickets = new Map<string, string>()
  const signed: SignedMessage[] = []
  const entries: Entry[] = []
  // Where the lifecycle could not be followed, a message may be right that seems wrong.
  const wrong = facts.isFollowed ? 'tampered' : 'unjudged'
  let last = 0
  for (const record of records) {
    const event = decodeMessageEvent(record.data)
    const entry = new Entry('MESSAGES', record, describe(event))
    entries.push(entry)
    if (record.sequence <= last) entry.blame('tampered', 'its sequence is not after the one before it')
    last = record.sequence
    if (event === null) entry.blame('tampered', 'it cannot be decoded')
    else if (event.sessionId !== facts.sessionId) entry.blame('tampered', 'it belongs to another session')
    else if (event.schemaVersion > messageSchemaVersion || event.payload.case === undefined) {
      entry.blame('unjudged', `written by a later release (schema version ${event.schemaVersion})`)
    } else if (event.payload.case === 'messageRouted') {
      const verdict = await reader.take(record, event.eventId, event.payload.value)
      routed.set(record.sequence, event.payload.value)
      if (verdict.kind === 'bad') {
        // No honest party completes a session with it; a party that is not may have sent it.
        const isDisputed = verdict.isUnsigned && facts.isFollowed && facts.status !== 'completed'
        if (isDisputed) entry.dispute(verdict.reason)
        else entry.blame(wrong, verdict.reason)
      }
      if (verdict.kind === 'opaque') entry.markOpaque()
      if (verdict.kind === 'signed') signed.push(verdict.message)
    } else {
      const problem = recordProblem(facts, record, event, routed, tickets)
      if (problem !== null && !isPart) entry.blame(wrong, problem)
    }
  }
  const isRun = binding !== null && facts.isFollowed && !isPart
  const frost = isRun ? checkRun(facts, binding, key, signed, entries, blameEnd) : null
  return { entries, opaque: binding === null && routed.size > 0, frost, binding, signed }
}

/** The run as a whole. A party can break the rules by itself; but then its session does not complete. */
function checkRun(
  facts: SessionFacts,
  binding: Binding,
  key: KeyFacts | null,
  signed: readonly SignedMessage[],
  entries: readonly Entry[],
  blameEnd: (reason: string) => void,
): FrostPublicKey | null {
  const isCompleted = facts.status === 'completed'
  const { problems, isKeyOfOpenings, frost } = checkProtocol(facts, binding, key, signed)
  for (const { record, reason } of [...checkRounds(binding, signed), ...problems]) {
    const entry = entries.find(({ sequence }) => sequence === record.sequence)
    entry?.blame(isCompleted ? 'tampered' : 'misconduct', reason)
  }
  // Where a message is bad already, what follows from it is not told again.
  if (entries.some(({ isTampered, isUnjudged }) => isTampered || isUnjudged)) return null
  if (!isCompleted) return frost
  const missing = missingMessages(binding, signed)
  if (missing.length > 0) blameEnd(`completed, but ${missing.slice(0, 3).join('; ')}${missing.length > 3 ? '; …' : ''}`)
  else if (facts.type === 'keygen' && isKeyOfOpenings !== true) {
    blameEnd('the reported key is not the one that the openings make')
  }
  return frost
}

/** Null where the parties brought no keys, or keys that no protocol can run on (the start of the session is blamed). */
function bindingOrNull(facts: SessionFacts): Binding | null {
  try {
    return bindingOf(facts)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** What the router has recorded besides messages: refusals and tickets. Nobody but the router vouches for them. */
function recordProblem(
  { sessionId, parties }: SessionFacts,
  { subject }: StoredEvent,
  { eventId, payload }: MessageEvent,
  routed: ReadonlyMap<number, MessageRouted>,
  tickets: Map<string, string>,
): string | null {
  switch (payload.case) {
    case 'messageRefused':
      return refusalProblem(sessionId, subject, eventId, payload.value, routed)
    case 'subscriptionTicketIssued': {
      const { partyId, ticketHash } = payload.value
      tickets.set(bytesToHex(ticketHash), partyId)
      const isParty = isToken(partyId) && parties.some((party) => party.partyId === partyId)
      if (!isParty) return `${partyId} is not a participant`
      return subject === messageSubject(sessionId, partyId) ? null : 'it lies under the subject of another party'
    }
    case 'subscriptionTicketRedeemed':
      return tickets.has(bytesToHex(payload.value.ticketHash)) ? null : 'the ticket was never issued'
    default:
      return null
  }
}

function refusalProblem(
  sessionId: string,
  subject: string,
  eventId: string,
  { fromParty, toParties, round, payloadHash, storedSequence }: MessageRefused,
  routed: ReadonlyMap<number, MessageRouted>,
): string | null {
  if (![fromParty, ...toParties].every(isToken)) return 'it names nobody'
  const slot = slotOf(sessionId, round, fromParty, toParties)
  if (subject !== slotSubject(slot)) return 'it lies under the subject of another message'
  if (eventId !== refusalId(slot, bytesToHex(payloadHash))) return 'its event id is not that of what was refused'
  const holder = routed.get(Number(storedSequence))
  const held = holder && slotKey(slotOf(sessionId, holder.round, holder.fromParty, holder.toParties))
  return held === slotKey(slot) ? null : 'the message that it was refused for is not there'
}

function describe(event: MessageEvent | null): Description {
  if (event === null) return { timeMs: 0, kind: 'unreadable', actor: '' }
  const { payload } = event
  const timeMs = Number(event.timeMs)
  switch (payload.case) {
    case 'messageRouted':
    case 'messageRefused': {
      const { fromParty, toParties, round } = payload.value
      const kind = payload.case === 'messageRouted' ? 'MessageRouted' : 'MessageRefused'
      return { timeMs, kind, actor: fromParty, to: toParties.length === 0 ? ['all'] : toParties, round }
    }
    case 'subscriptionTicketIssued':
      return { timeMs, kind: 'SubscriptionTicketIssued', actor: payload.value.partyId }
    case 'subscriptionTicketRedeemed':
      return { timeMs, kind: 'SubscriptionTicketRedeemed', actor: '' }
    case undefined:
      return { timeMs, kind: 'unknown', actor: '' }
    default:
      return payload satisfies never
  }
}
