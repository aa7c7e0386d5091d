import { fileURLToPath } from 'node:url'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkSession, type SessionReport } from '../../../src/audit/check-session.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import type { SessionRecords } from '../../../src/audit/records.ts'
import type { KeyFacts } from '../../../src/audit/session-facts.ts'
import { messageId, refusalId, slotOf, slotSubject } from '../../../src/events/message-slot.ts'
import { schemaVersion } from '../../../src/events/schema-version.ts'
import { decodeStored, emptyChain, encodeEvent, type SessionPayload } from '../../../src/events/session-event.ts'
import { fingerprint } from '../../../src/identity/identity-key.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import { MessageEventSchema, type MessageEvent } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import {
  PartyCompletedSchema,
  PartyJoinedSchema,
  PartyReadySchema,
  SessionCompletedSchema,
  SessionCreatedSchema,
  SessionEventSchema,
  SessionFailedSchema,
  SessionStartedSchema,
} from '../../../src/gen/mpc/events/v1/session_events_pb.ts'

const recorded = fileURLToPath(new URL('../../vectors/logs/schema-1.jsonl', import.meta.url))
let keygen: SessionRecords
let sign: SessionRecords
let key: KeyFacts

beforeAll(async () => {
  const sessions: SessionRecords[] = []
  for await (const records of (await openExport(recorded)).sessions()) sessions.push(records)
  const [first, second] = sessions
  if (first === undefined || second === undefined) throw new Error('no sessions')
  keygen = first
  sign = second
  const report = await checkSession(keygen)
  if (report.key === null) throw new Error('no key')
  key = report.key
})

type Caused = Readonly<{ actor: string; payload: SessionPayload }>

function lifecycleOf(sessionId: string, events: readonly Caused[]): SessionRecords['lifecycle'] {
  let head = emptyChain
  return events.map(({ actor, payload }, index) => {
    const context = { actor, causationId: '', correlationId: '', timeMs: 1000 + index }
    const { bytes, next } = encodeEvent(sessionId, head, payload, context)
    head = next
    return { stream: 'SESSIONS', sequence: index + 1, subject: sessionSubject(sessionId), data: bytes }
  })
}

function messageEvent(sessionId: string, eventId: string, payload: MessageEvent['payload']): Uint8Array {
  const event = create(MessageEventSchema, { eventId, sessionId, timeMs: 2000n, schemaVersion: 1, payload })
  return toBinary(MessageEventSchema, event)
}

/** The recorded key generation as if it had failed where the parties would have reported. */
function failedKeygen(): SessionRecords {
  const events = keygen.lifecycle.slice(0, 8).map(({ data }) => decodeStored(data))
  const failed = create(SessionFailedSchema, { reason: 'round_timed_out', reportedBy: 'phone' })
  const lifecycle = lifecycleOf(keygen.sessionId, [
    ...events.map(({ actor, payload }) => ({ actor, payload })),
    { actor: 'party:phone', payload: { case: 'sessionFailed', value: failed } },
  ])
  return { ...keygen, lifecycle }
}

const reasonsOf = ({ findings }: SessionReport) => findings.map(({ kind, reason }) => `${kind}: ${reason}`)

test('the timeline says with which identity each party joined, in the form that people compare', async () => {
  const { entries, key: made } = await checkSession(keygen)
  const joined = entries.filter(({ kind }) => kind === 'PartyJoined')
  const members = new Map(made?.members.map(({ partyId, identityKey }) => [partyId, fingerprint(identityKey)]))
  expect(joined).toHaveLength(members.size)
  for (const { actor, detail } of joined) expect(detail).toBe(`identity ${members.get(actor)}`)
})

describe('a session that failed', () => {
  test('may lack messages', async () => {
    const session = failedKeygen()
    expect(await checkSession(session)).toMatchObject({ verdict: 'intact', status: 'failed', findings: [] })
    const cut = { ...session, messages: session.messages.slice(0, 5) }
    expect(await checkSession(cut)).toMatchObject({ verdict: 'intact', findings: [] })
  })

  test('in which a party has sent too early is evidence against the party, not against the log', async () => {
    const { messages, ...session } = failedKeygen()
    const early = [messages[23], ...messages.slice(0, 5)].flatMap((record, index) =>
      record === undefined ? [] : [{ ...record, sequence: index + 1 }],
    )
    const report = await checkSession({ ...session, messages: early })
    expect(report.verdict).toBe('intact')
    expect(reasonsOf(report)[0]).toMatch(/^misconduct: \w+ sent round 4 before round 3/)
    expect(report.entries.find(({ stream }) => stream === 'MESSAGES')).toMatchObject({ mark: 'misconduct' })
  })
})

describe('a sign session is compared with the session that made its key', () => {
  const checkWith = (change: Partial<KeyFacts>) =>
    checkSession(sign, { expectedHead: null, keyOf: (keyId) => (keyId === key.keyId ? { ...key, ...change } : null) })

  test('and fits', async () => {
    expect(await checkWith({})).toMatchObject({ verdict: 'intact', keyKnown: true, findings: [] })
  })

  const others: readonly Readonly<{ what: string; change: () => Partial<KeyFacts>; reason: RegExp }>[] = [
    { what: 'another key', change: () => ({ publicKey: new Uint8Array(33) }), reason: /not the key that session/ },
    { what: 'another threshold', change: () => ({ thresholdT: 3 }), reason: /not the key that session/ },
    { what: 'other members', change: () => ({ members: key.members.slice(1) }), reason: /not one of the parties/ },
    {
      what: 'other identities',
      change: () => ({ members: key.members.map((member) => ({ ...member, identityKey: new Uint8Array(32) })) }),
      reason: /made the key with another identity/,
    },
    {
      what: 'other numbers in the key',
      change: () => ({ members: [...key.members].reverse() }),
      reason: /the broadcast states another session/,
    },
  ]
  test.for(others)('$what is found', async ({ change, reason }) => {
    const report = await checkWith(change())
    expect(report.verdict).toBe('tampered')
    expect(reasonsOf(report)[0]).toMatch(reason)
  })
})

describe('what the router has recorded besides messages', () => {
  const refusal = (storedSequence: bigint) => {
    const { messages, sessionId } = keygen
    const payload = fromBinary(MessageEventSchema, messages[0]?.data ?? new Uint8Array(0)).payload
    if (payload.case !== 'messageRouted') throw new Error('no message')
    const { fromParty, toParties, round } = payload.value
    const slot = slotOf(sessionId, round, fromParty, toParties)
    const payloadHash = sha256(Uint8Array.of(1))
    const data = messageEvent(sessionId, refusalId(slot, bytesToHex(payloadHash)), {
      case: 'messageRefused',
      value: { $typeName: 'mpc.events.v1.MessageRefused', fromParty, toParties, round, payloadHash, storedSequence },
    })
    const last = messages.at(-1)?.sequence ?? 0
    return [...messages, { stream: 'MESSAGES' as const, sequence: last + 1, subject: slotSubject(slot), data }]
  }

  test('a refusal names the message that holds the slot', async () => {
    const first = BigInt(keygen.messages[0]?.sequence ?? 0)
    const report = await checkSession({ ...keygen, messages: refusal(first) })
    expect(report).toMatchObject({ verdict: 'intact', findings: [] })
    expect(report.entries.find(({ kind }) => kind === 'MessageRefused')).toMatchObject({ mark: 'ok', round: 1 })
    const wrong = await checkSession({ ...keygen, messages: refusal(first + 1n) })
    expect(reasonsOf(wrong)[0]).toMatch(/the message that it was refused for is not there/)
  })

  test('a ticket is issued before it is used', async () => {
    const ticketHash = sha256(Uint8Array.of(2))
    const { sessionId, messages } = keygen
    const last = messages.at(-1)?.sequence ?? 0
    const events: MessageEvent['payload'][] = [
      {
        case: 'subscriptionTicketIssued',
        value: {
          $typeName: 'mpc.events.v1.SubscriptionTicketIssued',
          ticketHash,
          partyId: 'phone',
          afterSequence: 0n,
          origin: '',
          expiresAtMs: 1n,
        },
      },
      {
        case: 'subscriptionTicketRedeemed',
        value: { $typeName: 'mpc.events.v1.SubscriptionTicketRedeemed', ticketHash },
      },
    ]
    const stored = events.map((payload, index) => ({
      stream: 'MESSAGES' as const,
      sequence: last + 1 + index,
      subject: `mpc.message.${sessionId}.phone`,
      data: messageEvent(sessionId, `ticket-${index}`, payload),
    }))
    expect(await checkSession({ ...keygen, messages: [...messages, ...stored] })).toMatchObject({ verdict: 'intact' })
    const unissued = await checkSession({ ...keygen, messages: [...messages, ...stored.slice(1)] })
    expect(reasonsOf(unissued)).toEqual(['tampered: the ticket was never issued'])
  })
})

test('payloads of parties that brought no keys are marked as their own business', async () => {
  const sessionId = 'own-protocol'
  const partyIds = ['a', 'b']
  const publicKey = key.publicKey
  const participants = partyIds.map((partyId) => ({ partyId }))
  const created = { sessionType: 'keygen', thresholdT: 2, thresholdN: 2, participants, expiresAtMs: 5000n }
  const forEach = (payload: (partyId: string) => SessionPayload) =>
    partyIds.map((partyId): Caused => ({ actor: `party:${partyId}`, payload: payload(partyId) }))
  const lifecycle = lifecycleOf(sessionId, [
    { actor: 'caller:x', payload: { case: 'sessionCreated', value: create(SessionCreatedSchema, created) } },
    ...forEach((partyId) => ({ case: 'partyJoined', value: create(PartyJoinedSchema, { partyId }) })),
    ...forEach((partyId) => ({ case: 'partyReady', value: create(PartyReadySchema, { partyId }) })),
    { actor: 'party:a', payload: { case: 'sessionStarted', value: create(SessionStartedSchema) } },
    ...forEach((partyId) => ({ case: 'partyCompleted', value: create(PartyCompletedSchema, { partyId, publicKey }) })),
    { actor: 'coordinator', payload: { case: 'sessionCompleted', value: create(SessionCompletedSchema, { publicKey }) } },
  ])
  const slot = slotOf(sessionId, 1, 'a', [])
  const data = messageEvent(sessionId, messageId(slot), {
    case: 'messageRouted',
    value: {
      $typeName: 'mpc.events.v1.MessageRouted',
      fromParty: 'a',
      toParties: [],
      round: 1,
      payload: Uint8Array.of(1, 2, 3),
    },
  })
  const messages = [{ stream: 'MESSAGES' as const, sequence: 1, subject: slotSubject(slot), data }]
  const report = await checkSession({ sessionId, lifecycle, messages })
  expect(report).toMatchObject({ verdict: 'intact', opaque: true, findings: [] })
  expect(report.entries.find(({ stream }) => stream === 'MESSAGES')).toMatchObject({ mark: 'opaque' })
})

test('what a later release has written cannot be judged, and neither can what follows from it', async () => {
  const [first, ...rest] = keygen.lifecycle
  if (first === undefined) throw new Error('no event')
  const newer = { ...decodeStored(first.data), schemaVersion: schemaVersion + 1, eventId: '' }
  newer.eventId = bytesToHex(sha256(toBinary(SessionEventSchema, newer)).subarray(0, 16))
  let previousHash: Uint8Array = sha256(toBinary(SessionEventSchema, newer))
  const later = rest.map((record) => {
    const event = { ...decodeStored(record.data), previousHash, eventId: '' }
    event.eventId = bytesToHex(sha256(toBinary(SessionEventSchema, event)).subarray(0, 16))
    const data = toBinary(SessionEventSchema, event)
    previousHash = sha256(data)
    return { ...record, data }
  })
  const lifecycle = [{ ...first, data: toBinary(SessionEventSchema, newer) }, ...later]
  const report = await checkSession({ ...keygen, lifecycle })
  expect(report.verdict).toBe('unjudged')
  expect(report.findings[0]).toMatchObject({ kind: 'unjudged', sequence: first.sequence })
})
