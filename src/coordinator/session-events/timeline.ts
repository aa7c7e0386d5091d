/**
 * Lifecycle and messages of one session as one timeline. Each stream keeps its order; between them the events' times
 * decide, which two services have written, so that a neighbour may be a few milliseconds out of place.
 */
import type { EventLog, StoredEvent } from '../../events/event-log.ts'
import { messagesOfSession, sessionSubject } from '../../events/subjects.ts'
import { timeOf } from './logged-event.ts'

/** The last event of each stream that was told; 0 for none. */
export type TimelinePosition = Readonly<{ lifecycle: number; messages: number }>

export type TimelineItem = Readonly<{ event: StoredEvent; position: TimelinePosition }>

/** `<position in SESSIONS>-<position in MESSAGES>`. */
export function cursorOf({ lifecycle, messages }: TimelinePosition): string {
  return `${lifecycle}-${messages}`
}

/** `cursor` has the form that the contract asks for; an empty one is the beginning. */
export function positionOf(cursor: string): TimelinePosition {
  const [lifecycle = '0', messages = '0'] = cursor.split('-')
  return { lifecycle: Number(lifecycle || '0'), messages: Number(messages) }
}

/** What is stored after a position, up to the present end. Throws LogUnavailable. */
export async function* timeline(
  log: EventLog,
  sessionId: string,
  after: TimelinePosition,
): AsyncGenerator<TimelineItem> {
  const lifecycle = log.read(sessionSubject(sessionId), after.lifecycle)[Symbol.asyncIterator]()
  const messages = log.read(messagesOfSession(sessionId), after.messages)[Symbol.asyncIterator]()
  try {
    let position = after
    let [first, second] = await Promise.all([nextOf(lifecycle), nextOf(messages)])
    while (first !== null || second !== null) {
      if (second === null || (first !== null && timeOf(first) <= timeOf(second))) {
        // Without a second there is a first.
        const event = first as StoredEvent
        position = { ...position, lifecycle: event.sequence }
        yield { event, position }
        first = await nextOf(lifecycle)
      } else {
        position = { ...position, messages: second.sequence }
        yield { event: second, position }
        second = await nextOf(messages)
      }
    }
  } finally {
    // A reader that has enough leaves no consumer behind.
    await Promise.all([lifecycle.return?.(), messages.return?.()])
  }
}

async function nextOf(events: AsyncIterator<StoredEvent>): Promise<StoredEvent | null> {
  const { done, value } = await events.next()
  return done === true ? null : value
}
