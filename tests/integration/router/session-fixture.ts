/** Sessions as the router sees them: lifecycle events written straight to the log, as the coordinator would. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import type { EventLog } from '../../../src/events/event-log.ts'
import { emptyChain, encodeEvent, type SessionPayload } from '../../../src/events/session-event.ts'
import { sessionSubject } from '../../../src/events/subjects.ts'
import { SessionCreatedSchema } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'

export type SessionFixture = Readonly<{
  id: string
  /** The credential of each party that joined. */
  credential: (partyId: string) => string
  append: (payload: SessionPayload) => Promise<void>
  join: (partyId: string, how?: { keys: boolean }) => Promise<void>
  start: () => Promise<void>
  complete: () => Promise<void>
  expire: () => Promise<void>
  fail: (reason: string) => Promise<void>
}>

export async function createSession(log: EventLog, partyIds: readonly string[]): Promise<SessionFixture> {
  const id = randomUUID()
  const credentials = new Map(partyIds.map((party) => [party, `mpc_party_${randomBytes(32).toString('base64url')}`]))
  const credential = (partyId: string): string => credentials.get(partyId) ?? 'mpc_party_nobody'
  let head = emptyChain
  const append = async (payload: SessionPayload): Promise<void> => {
    const context = { actor: 'coordinator', causationId: 'test', correlationId: 'test', timeMs: Date.now() }
    const { eventId, bytes, next } = encodeEvent(id, head, payload, context)
    await log.append(sessionSubject(id), bytes, { messageId: eventId })
    head = next
  }
  await append({
    case: 'sessionCreated',
    value: create(SessionCreatedSchema, {
      sessionType: 'keygen',
      thresholdT: 2,
      thresholdN: partyIds.length,
      participants: partyIds.map((partyId) => ({ partyId, deviceType: 'test', joinTokenHash: new Uint8Array(32) })),
      expiresAtMs: BigInt(Date.now() + 60_000),
    }),
  })
  const empty = new Uint8Array()
  return {
    id,
    credential,
    append,
    join: (partyId, { keys } = { keys: true }) =>
      append({
        case: 'partyJoined',
        value: {
          $typeName: 'mpc.events.v1.PartyJoined',
          partyId,
          deviceType: 'test',
          deviceId: '',
          ...(keys ? { keys: joinedKeys() } : {}),
          credentialHash: createHash('sha256').update(credential(partyId)).digest(),
        },
      }),
    start: () =>
      append({ case: 'sessionStarted', value: { $typeName: 'mpc.events.v1.SessionStarted', rosterHash: empty } }),
    complete: () =>
      append({
        case: 'sessionCompleted',
        value: { $typeName: 'mpc.events.v1.SessionCompleted', publicKey: empty, signature: empty, recoveryId: 0 },
      }),
    expire: () => append({ case: 'sessionExpired', value: { $typeName: 'mpc.events.v1.SessionExpired' } }),
    fail: (reason) =>
      append({
        case: 'sessionFailed',
        value: { $typeName: 'mpc.events.v1.SessionFailed', reason, reportedBy: 'a', culprits: [] },
      }),
  }
}

/** A session in which all have joined with keys and which has started. */
export async function runningSession(log: EventLog, partyIds: readonly string[]): Promise<SessionFixture> {
  const session = await createSession(log, partyIds)
  for (const party of partyIds) await session.join(party)
  await session.start()
  return session
}

function joinedKeys() {
  return {
    $typeName: 'mpc.events.v1.JoinedKeys' as const,
    identityKey: randomBytes(32),
    ephemeralKey: randomBytes(32),
    nonce: randomBytes(32),
    signature: randomBytes(64),
  }
}
