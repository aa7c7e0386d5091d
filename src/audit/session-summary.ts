/** A session in one line, without checking it. */
import { decodeEvent } from '../events/session-event.ts'
import { takeEvent } from './lifecycle-rules.ts'
import type { SessionRecords } from './records.ts'
import { noFacts, type SessionStatus } from './session-facts.ts'

export type SessionSummary = Readonly<{
  sessionId: string
  type: string
  keyType: string
  status: SessionStatus | 'unreadable'
  /** RFC 3339. */
  createdAt: string
  /** Lifecycle events. */
  events: number
  /** Events of the stream MESSAGES. */
  messages: number
}>

export function summarizeSession({ sessionId, lifecycle, messages }: SessionRecords): SessionSummary {
  const facts = noFacts(sessionId)
  const counts = { events: lifecycle.length, messages: messages.length }
  try {
    for (const { data } of lifecycle) takeEvent(facts, decodeEvent(data))
  } catch {
    return { sessionId, type: '', keyType: '', status: 'unreadable', createdAt: '', ...counts }
  }
  const { type, keyType, status, createdMs } = facts
  return { sessionId, type, keyType, status, createdAt: new Date(createdMs).toISOString(), ...counts }
}
