/**
 * The messages of one session: whether each is where it belongs, alone in its slot, and signed by its sender. Payloads
 * of parties that brought no keys are their own business.
 */
import { protocolName, type ProtocolName } from '../crypto/protocol-name.ts'
import { rosterHash, sessionId as protocolSessionId, type RosterEntry } from '../crypto/session-id.ts'
import type { StoredEvent } from '../events/event-log.ts'
import { messageId, slotKey, slotOf, slotSubject } from '../events/message-slot.ts'
import { isToken } from '../events/subjects.ts'
import type { MessageRouted } from '../gen/mpc/events/v1/message_events_pb.ts'
import { readEnvelope, type EnvelopeRejection } from '../identity/signed-envelope.ts'
import type { EnvelopeBinding } from '../identity/envelope-statement.ts'
import { policyHash } from '../policy/key-policy.ts'
import { rosterOf, type SessionFacts } from './session-facts.ts'

/** A message of our protocols, signed by its sender. Parties by their position in the roster. */
export type SignedMessage = Readonly<{
  record: StoredEvent
  round: number
  from: number
  /** Null: to everyone. */
  to: number | null
  /** The broadcast's content; null where it is sealed. */
  body: Uint8Array | null
}>

export type MessageVerdict =
  | Readonly<{ kind: 'signed'; message: SignedMessage }>
  | Readonly<{ kind: 'opaque' }>
  /** `isUnsigned`: as the router took it, but not signed by whom it is said to be from. */
  | Readonly<{ kind: 'bad'; reason: string; isUnsigned: boolean }>

/** What the envelopes of a session are bound to. */
export type Binding = EnvelopeBinding & Readonly<{ protocol: ProtocolName; roster: readonly RosterEntry[] }>

/** Null where the parties brought no keys. @throws RangeError for facts that no protocol can run on. */
export function bindingOf(facts: SessionFacts): Binding | null {
  const roster = rosterOf(facts)
  if (roster === null || !facts.started) return null
  const { sessionId, type, keyType, keyId, message, thresholdT, thresholdN, policy } = facts
  const isSign = type === 'sign'
  const sid = protocolSessionId({
    purpose: type,
    keyType,
    sessionId,
    keyId: isSign ? keyId : sessionId,
    epoch: 0, // keys are not refreshed yet
    derivationPath: '',
    message: isSign ? message : new Uint8Array(0),
    threshold: thresholdT,
    parties: thresholdN,
    roster,
    policyHash: policyHash(policy),
  })
  return { protocol: protocolName(type, keyType), sessionId, sid, rosterHash: rosterHash(roster), roster }
}

/** Takes the messages of one session in the order of the log. */
export class MessageReader {
  readonly #facts: SessionFacts
  readonly #binding: Binding | null
  readonly #slots = new Set<string>()

  constructor(facts: SessionFacts, binding: Binding | null) {
    this.#facts = facts
    this.#binding = binding
  }

  async take(record: StoredEvent, eventId: string, message: MessageRouted): Promise<MessageVerdict> {
    const { fromParty: from, toParties: to, round, payload } = message
    const problem = this.#misplaced(record, eventId, message)
    if (problem !== null) return { kind: 'bad', reason: problem, isUnsigned: false }
    const binding = this.#binding
    if (binding === null) return { kind: 'opaque' }
    const positionOf = (partyId: string) => binding.roster.findIndex((entry) => entry.partyId === partyId)
    const recipient = to[0] ?? ''
    const envelope = await readEnvelope(
      binding,
      { from, round, payload },
      (partyId) => binding.roster[positionOf(partyId)]?.identityKey,
      (_, sealedTo) => (to.length <= 1 && sealedTo === recipient ? undefined : 'wrong-recipient'),
    )
    if (envelope.kind === 'rejected') return { kind: 'bad', reason: rejections[envelope.reason](from), isUnsigned: true }
    const body = envelope.body.case === 'plaintext' ? envelope.body.value : null
    const position = recipient === '' ? null : positionOf(recipient)
    return { kind: 'signed', message: { record, round, from: positionOf(from), to: position, body } }
  }

  #misplaced(record: StoredEvent, eventId: string, message: MessageRouted): string | null {
    const { fromParty: from, toParties: to, round } = message
    const { sessionId, parties, started } = this.#facts
    const isParty = (partyId: string) => isToken(partyId) && parties.some((party) => party.partyId === partyId)
    if (!started) return 'a message of a session that has not started'
    if (!isParty(from)) return `${from} is not a participant`
    const isAddressed = to.every((recipient) => recipient !== from && isParty(recipient))
    if (!isAddressed) return 'it is addressed to nobody in the session'
    const slot = slotOf(sessionId, round, from, to)
    if (record.subject !== slotSubject(slot)) return 'it lies under the subject of another message'
    if (eventId !== messageId(slot)) return 'its event id is not that of its slot'
    const key = slotKey(slot)
    if (this.#slots.has(key)) return `a second message for round ${round} from ${from} to ${to.join(', ') || 'all'}`
    this.#slots.add(key)
    return null
  }
}

const rejections: Readonly<Record<EnvelopeRejection, (from: string) => string>> = {
  malformed: (from) => `it is no envelope that ${from} could have signed`,
  'wrong-version': () => 'the envelope is of an unknown version',
  'wrong-protocol': () => 'the envelope belongs to another protocol',
  'wrong-session': () => 'the envelope belongs to another session',
  'wrong-sid': () => 'the envelope is bound to another protocol session id',
  'wrong-round': () => 'the envelope belongs to another round',
  'wrong-sender': () => 'the envelope is of another sender',
  'wrong-recipient': () => 'the envelope is for another recipient',
  'signature-invalid': (from) => `the envelope is not signed by ${from}`,
}
