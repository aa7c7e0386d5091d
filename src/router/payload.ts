/** The payload of an indexed message: from memory, or from its place in the log. */
import { LogUnavailable, type EventLog } from '../events/event-log.ts'
import { decodeMessageEvent } from '../events/message-event.ts'
import type { Entry } from './mailbox.ts'

/** Null: its session is over, and the message was moved to an archive (events/trimmed.ts). Throws LogUnavailable. */
export async function payloadOf(log: EventLog, entry: Entry): Promise<Uint8Array | null> {
  if (entry.payload !== null) return entry.payload
  const stored = await log.at('MESSAGES', entry.sequence)
  if (stored === null && (await wasMoved(log, entry.sequence))) return null
  const event = stored === null ? null : decodeMessageEvent(stored.data)
  if (event?.payload.case !== 'messageRouted') throw new LogUnavailable(`event log: no message at ${entry.sequence}`)
  return event.payload.value.payload
}

/** Whether the event at this position of MESSAGES is in an archive and need not be in the log any more. */
export async function wasMoved(log: EventLog, sequence: number): Promise<boolean> {
  return sequence <= ((await log.trimmed())?.upTo ?? 0)
}
