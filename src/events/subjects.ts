/**
 * The subjects of the three streams, and nothing else that could become one: every token is checked before it is joined
 * in, so that no id can address another session or a wildcard.
 */
import type { StreamName } from './event-log.ts'

/** What a session id, a party id or a device id may look like (architecture, section 5). */
const token = /^[A-Za-z0-9_-]{1,64}$/

/** Recipient of messages that are meant for every other party of a session. */
export const everyone = 'all'

export const allSessions = 'mpc.session.>'
export const allMessages = 'mpc.message.>'
/** The one subject of the checkpoints of the whole log. */
export const checkpoints = 'mpc.checkpoint'

/** Where a follower under that name is delivered to: no stream has such subjects. `id` is unique. */
export function deliverySubject(name: string, id: string): string {
  return `mpc.deliver.${name.replaceAll(/[^A-Za-z0-9_-]/g, '-')}.${checkedToken(id)}`
}

/** Lifecycle events of one session. Throws RangeError for anything that is not an id. */
export function sessionSubject(sessionId: string): string {
  return `mpc.session.${checkedToken(sessionId)}`
}

/** Protocol messages of one session to one recipient, or to `everyone`. Throws RangeError as above. */
export function messageSubject(sessionId: string, recipient: string): string {
  return `mpc.message.${checkedToken(sessionId)}.${checkedToken(recipient)}`
}

/** A filter for all protocol messages of one session. Throws RangeError as above. */
export function messagesOfSession(sessionId: string): string {
  return `mpc.message.${checkedToken(sessionId)}.>`
}

/** The session id in a subject, or null for one that is of no session. */
export function sessionIdOf(subject: string): string | null {
  const [root, kind, sessionId] = subject.split('.')
  if (root !== 'mpc' || (kind !== 'session' && kind !== 'message')) return null
  return sessionId !== undefined && token.test(sessionId) ? sessionId : null
}

/** Which stream holds a subject or filter. Throws RangeError for a subject of none. */
export function streamOf(subject: string): StreamName {
  if (/^mpc\.session\.(>|[A-Za-z0-9_-]{1,64})$/.test(subject)) return 'SESSIONS'
  if (/^mpc\.message\.(>|[A-Za-z0-9_-]{1,64}\.(>|[A-Za-z0-9_-]{1,64}))$/.test(subject)) return 'MESSAGES'
  if (subject === checkpoints) return 'CHECKPOINTS'
  throw new RangeError('not a subject of the event log')
}

/** Whether this may be a session id, a party id or a device id. */
export function isToken(value: string): boolean {
  return token.test(value)
}

function checkedToken(value: string): string {
  if (!isToken(value)) throw new RangeError('a subject token is 1 to 64 characters of A-Z a-z 0-9 _ -')
  return value
}
