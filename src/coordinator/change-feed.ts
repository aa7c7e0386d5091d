/**
 * Tells, within this process, what has changed, by whichever coordinator: it follows the log. It also keeps the folded
 * sessions in memory up to date.
 */
import type { AggregateStore } from '../events/aggregate-store.ts'
import type { EventLog } from '../events/event-log.ts'
import { NewerSchemaVersion } from '../events/schema-version.ts'
import { BrokenChain, decodeEvent } from '../events/session-event.ts'
import { allSessions, sessionIdOf } from '../events/subjects.ts'
import type { SessionEvent } from '../gen/mpc/events/v1/session_events_pb.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import type { SessionState } from './session-state.ts'

export type ChangeFeed = Readonly<{
  /** A letter whenever the session has changed; several changes may be one letter. */
  changesOf(sessionId: string): Mailbox<'changed'>
  /** Every session event that `wanted` picks, from now on. */
  events<T>(wanted: (event: SessionEvent) => T | null): Mailbox<T>
  /** Open mailboxes. */
  followers(): number
  /** Ends every mailbox. */
  close(): Promise<void>
}>

/** What a subscriber may fall behind before its mailbox ends. */
const maxWaiting = 10_000

/** `seen` is told of every event from now on. */
export async function startChangeFeed(
  log: EventLog,
  store: AggregateStore<SessionState>,
  seen: (event: SessionEvent, sequence: number) => void,
): Promise<ChangeFeed> {
  const bySession = new Map<string, Set<Mailbox<'changed'>>>()
  const readers = new Map<Mailbox<unknown>, (event: SessionEvent) => void>()
  const follower = await log.follow(allSessions, await log.lastSequence('SESSIONS'), (stored) => {
    store.absorb(stored)
    for (const mailbox of bySession.get(sessionIdOf(stored.subject) ?? '') ?? []) mailbox.put('changed')
    const event = decodedOrNull(stored.data)
    if (event === null) return
    seen(event, stored.sequence)
    for (const read of readers.values()) read(event)
  })

  return {
    changesOf: (sessionId) => {
      const mailboxes = bySession.get(sessionId) ?? new Set()
      const mailbox: Mailbox<'changed'> = createMailbox(1, 'merge', () => {
        mailboxes.delete(mailbox)
        if (mailboxes.size === 0) bySession.delete(sessionId)
      })
      bySession.set(sessionId, mailboxes.add(mailbox))
      return mailbox
    },
    events: <T>(wanted: (event: SessionEvent) => T | null) => {
      const mailbox: Mailbox<T> = createMailbox(maxWaiting, 'end', () => void readers.delete(mailbox))
      readers.set(mailbox, (event) => {
        const letter = wanted(event)
        if (letter !== null) mailbox.put(letter)
      })
      return mailbox
    },
    followers: () => [...bySession.values()].reduce((sum, mailboxes) => sum + mailboxes.size, readers.size),
    close: async () => {
      for (const mailboxes of [...bySession.values()]) for (const mailbox of [...mailboxes]) mailbox.end()
      for (const mailbox of [...readers.keys()]) mailbox.end()
      await follower.close()
    },
  }
}

/** Null for what cannot be read: whoever loads that session hears of it, the others are not to suffer. */
function decodedOrNull(bytes: Uint8Array): SessionEvent | null {
  try {
    return decodeEvent(bytes)
  } catch (error) {
    if (error instanceof BrokenChain || error instanceof NewerSchemaVersion) return null
    throw error
  }
}
