/** What must hold of the whole log after any number of crashes. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { expect } from 'vitest'
import { checkSession } from '../../../src/audit/check-session.ts'
import type { KeyFacts } from '../../../src/audit/session-facts.ts'
import type { EventLog, StoredEvent } from '../../../src/events/event-log.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { decodeMessageEvent } from '../../../src/events/message-event.ts'
import { slotKey } from '../../../src/events/message-slot.ts'
import { decodeEvent } from '../../../src/events/session-event.ts'
import { allMessages, allSessions, sessionIdOf } from '../../../src/events/subjects.ts'
import type { Acked } from './nats-tap.ts'

export type LogSummary = Readonly<{ acked: number; sessions: number; signatures: number; messages: number }>

/** `acked`: appends that the server has acknowledged. */
export async function verifyLog(natsUrl: string, acked: readonly Acked[] = []): Promise<LogSummary> {
  const log = await openEventLog({ url: natsUrl, name: 'tests', replicas: 1 })
  try {
    await requireStored(log, acked)
    const lifecycles = await bySession(log, allSessions)
    const messages = await bySession(log, allMessages)
    requireFreshJoins([...lifecycles.values()].flat())
    const keys = new Map<string, KeyFacts>()
    const nonces = new Set<string>()
    let signatures = 0
    for (const [sessionId, lifecycle] of lifecycles) {
      const routed = messages.get(sessionId) ?? []
      requireOneMessageASlot(routed)
      requireOneOfEach(lifecycle)
      // The auditor's verdict: hash chain, order, envelope signatures, rounds, results, the signature itself.
      const context = { keyOf: (keyId: string) => keys.get(keyId) ?? null, expectedHead: null }
      const report = await checkSession({ sessionId, lifecycle, messages: routed }, context)
      expect(report.findings, `session ${sessionId}`).toEqual([])
      expect(['completed', 'failed'], `session ${sessionId}`).toContain(report.status)
      if (report.key !== null) keys.set(sessionId, report.key)
      for (const r of noncesIn(lifecycle)) {
        expect(nonces, 'a nonce was used twice').not.toContain(r)
        nonces.add(r)
        signatures += 1
      }
    }
    const count = [...messages.values()].reduce((sum, { length }) => sum + length, 0)
    return { acked: acked.length, sessions: lifecycles.size, signatures, messages: count }
  } finally {
    await log.close()
  }
}

/** Each at its position, to the last byte. */
async function requireStored(log: EventLog, acked: readonly Acked[]): Promise<void> {
  for (const { stream, sequence, subject, data } of acked) {
    if (stream !== 'SESSIONS' && stream !== 'MESSAGES') continue
    const stored = await log.at(stream, sequence)
    const found = stored === null ? null : { subject: stored.subject, data: bytesToHex(stored.data) }
    expect(found, `${stream} ${sequence} was acknowledged`).toEqual({ subject, data: bytesToHex(data) })
  }
}

async function bySession(log: EventLog, filter: string): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
  const sessions = new Map<string, StoredEvent[]>()
  for await (const event of log.read(filter)) {
    const sessionId = sessionIdOf(event.subject) ?? ''
    const events = sessions.get(sessionId)
    if (events === undefined) sessions.set(sessionId, [event])
    else events.push(event)
  }
  return sessions
}

function requireOneMessageASlot(messages: readonly StoredEvent[]): void {
  const slots = messages.flatMap(({ data }) => {
    const payload = decodeMessageEvent(data)?.payload
    // A refused message is one that differs from what its sender has sent before: nobody here does that.
    expect(payload?.case).not.toBe('messageRefused')
    if (payload?.case !== 'messageRouted') return []
    const { round, fromParty, toParties } = payload.value
    return [slotKey({ round, from: fromParty, to: toParties })]
  })
  expect(new Set(slots).size).toBe(slots.length)
}

/** No transition twice: neither of the session nor of one of its parties. */
function requireOneOfEach(lifecycle: readonly StoredEvent[]): void {
  const transitions = lifecycle.map(({ data }) => {
    const { payload } = decodeEvent(data)
    const { value } = payload
    return value !== undefined && 'partyId' in value ? `${payload.case} ${value.partyId}` : payload.case
  })
  expect(new Set(transitions).size, String(transitions)).toBe(transitions.length)
  const ends = transitions.filter((kind) => /^session(Completed|Failed|Expired|Closed)$/.test(kind ?? ''))
  expect(ends.length, String(transitions)).toBe(1)
}

/** Ephemeral keys and nonces of one join never appear in another: no protocol's session id can repeat. */
function requireFreshJoins(lifecycle: readonly StoredEvent[]): void {
  const fresh = lifecycle.flatMap(({ data }) => {
    const { payload } = decodeEvent(data)
    const keys = payload.case === 'partyJoined' ? payload.value.keys : undefined
    return keys === undefined ? [] : [bytesToHex(keys.ephemeralKey), bytesToHex(keys.nonce)]
  })
  expect(new Set(fresh).size).toBe(fresh.length)
}

/** The first half of a signature is the point that its nonce stands for. */
function noncesIn(lifecycle: readonly StoredEvent[]): readonly string[] {
  return lifecycle.flatMap(({ data }) => {
    const { payload } = decodeEvent(data)
    if (payload.case !== 'sessionCompleted' || payload.value.signature.length === 0) return []
    return [bytesToHex(payload.value.signature.subarray(0, 32))]
  })
}
