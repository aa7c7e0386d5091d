/** The payload of an indexed message: from memory, or from its place in the log. */
import { LogUnavailable, type EventLog } from '../events/event-log.ts'
import { decodeMessageEvent } from '../events/message-event.ts'
import type { Entry } from './mailbox.ts'

/** Throws LogUnavailable. */
export async function payloadOf(log: EventLog, entry: Entry): Promise<Uint8Array> {
  if (entry.payload !== null) return entry.payload
  const stored = await log.at('MESSAGES', entry.sequence)
  const event = stored === null ? null : decodeMessageEvent(stored.data)
  if (event?.payload.case !== 'messageRouted') throw new LogUnavailable(`event log: no message at ${entry.sequence}`)
  return event.payload.value.payload
}
