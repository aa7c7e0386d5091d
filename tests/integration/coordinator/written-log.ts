/** Whole lives of sessions written straight into the log, as a coordinator would have: many, and fast. */
import { create } from '@bufbuild/protobuf'
import type { EventLog } from '../../../src/events/event-log.ts'
import { emptyChain, encodeEvent, type SessionPayload } from '../../../src/events/session-event.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import {
  JoinedKeysSchema,
  PartyCompletedSchema,
  PartyJoinedSchema,
  PartyReadySchema,
  SessionClosedSchema,
  SessionCompletedSchema,
  SessionCreatedSchema,
  SessionExpiredSchema,
  SessionFailedSchema,
  SessionStartedSchema,
} from '../../../src/gen/mpc/events/v1/session_events_pb.ts'

const parties = ['alice', 'bob']
const startMs = 1_700_000_000_000
const filled = (length: number, seed: number) => new Uint8Array(length).fill(seed % 256)

/** Number `n`: every fifth fails, expires, is closed or is still open, the others complete, with 9 events. */
export function lifeOf(n: number): readonly SessionPayload[] {
  const started = [created(n), ...parties.flatMap((party) => [joined(n, party), ready(party)]), starting(n)]
  switch (n % 20) {
    case 4:
      return [...started, { case: 'sessionFailed', value: create(SessionFailedSchema, { reason: 'proof-invalid', reportedBy: 'alice', culprits: ['bob'] }) }]
    case 9:
      return [created(n), { case: 'sessionExpired', value: create(SessionExpiredSchema) }]
    case 14:
      return [created(n), joined(n, 'alice'), { case: 'sessionClosed', value: create(SessionClosedSchema) }]
    case 19:
      return started
    default:
      return [...started, ...parties.map((party) => reported(n, party)), completed(n)]
  }
}

/** Appends sessions `from` up to, not with, `to`; several at once. Resolves to the number of events. */
export async function writeSessions(log: EventLog, from: number, to: number): Promise<number> {
  let next = from
  let events = 0
  const write = async (): Promise<void> => {
    while (next < to) {
      const n = next++
      const sessionId = `session-${n}`
      let head = emptyChain
      for (const [index, payload] of lifeOf(n).entries()) {
        const context = { actor: 'caller:tests', causationId: '', correlationId: '', timeMs: startMs + n * 1000 + index }
        const encoded = encodeEvent(sessionId, head, payload, context)
        await log.append(sessionSubject(sessionId), encoded.bytes, { messageId: encoded.eventId })
        head = encoded.next
        events += 1
      }
    }
  }
  await Promise.all(Array.from({ length: 32 }, write))
  return events
}

function created(n: number): SessionPayload {
  const participants = parties.map((partyId) => ({ partyId, joinTokenHash: filled(32, n) }))
  const keygen = { sessionType: 'keygen', thresholdT: 2, thresholdN: 2, expiresAtMs: BigInt(startMs + n * 1000 + 300_000) }
  const signing = { sessionType: 'sign', messageHash: filled(32, n), keyId: `session-${n - 1}`, publicKey: filled(33, n - 1) }
  const value = create(SessionCreatedSchema, { ...keygen, ...(n % 2 === 1 && signing), participants })
  return { case: 'sessionCreated', value }
}

function joined(n: number, partyId: string): SessionPayload {
  const keys = create(JoinedKeysSchema, { identityKey: filled(32, n), ephemeralKey: filled(32, n), nonce: filled(32, n) })
  const value = create(PartyJoinedSchema, { partyId, deviceType: 'iOS', deviceId: `phone-${n}`, keys })
  return { case: 'partyJoined', value }
}

function ready(partyId: string): SessionPayload {
  return { case: 'partyReady', value: create(PartyReadySchema, { partyId }) }
}

function starting(n: number): SessionPayload {
  return { case: 'sessionStarted', value: create(SessionStartedSchema, { rosterHash: filled(32, n) }) }
}

const result = (n: number) =>
  n % 2 === 1 ? { signature: filled(64, n), recoveryId: n % 4 } : { publicKey: filled(33, n) }

function reported(n: number, partyId: string): SessionPayload {
  return { case: 'partyCompleted', value: create(PartyCompletedSchema, { partyId, ...result(n) }) }
}

function completed(n: number): SessionPayload {
  return { case: 'sessionCompleted', value: create(SessionCompletedSchema, result(n)) }
}
