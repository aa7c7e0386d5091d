/** What the log holds of a session, for whoever wants to replay and check it: in pages, or as a live stream. */
import { create } from '@bufbuild/protobuf'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { Refusal } from '../../edge/refusal.ts'
import type { AggregateStore } from '../../events/aggregate-store.ts'
import { LogUnavailable, type EventLog } from '../../events/event-log.ts'
import { messagesOfSession } from '../../events/subjects.ts'
import {
  ListSessionEventsResponseSchema,
  WatchSessionEventsResponseSchema,
  type ListSessionEventsRequest,
  type ListSessionEventsResponse,
  type LoggedEvent,
  type SessionLog,
  type WatchSessionEventsRequest,
  type WatchSessionEventsResponse,
} from '../../gen/mpc/coordinator/v1/session_log_pb.ts'
import { authorizeAuditor } from '../authorize.ts'
import type { ChangeFeed } from '../change-feed.ts'
import { isFinal, type SessionState } from '../session-state.ts'
import { refusingOutages, type Sessions } from '../sessions.ts'
import { loggedEvent } from './logged-event.ts'
import { cursorOf, positionOf, timeline } from './timeline.ts'

export type SessionLogParts = Readonly<{
  sessions: Sessions
  log: EventLog
  store: AggregateStore<SessionState>
  feed: ChangeFeed
}>

const defaultPageEvents = 100
/** Clients of gRPC take 4 MiB unless told otherwise. */
const maxPageBytes = 3 * 1024 * 1024

export function sessionLog(parts: SessionLogParts): ServiceImpl<typeof SessionLog> {
  return {
    listSessionEvents: (request, context) => listSessionEvents(parts, request, context),
    watchSessionEvents: (request, context) => watchSessionEvents(parts, request, context),
  }
}

async function listSessionEvents(
  { sessions, log }: SessionLogParts,
  { sessionId, after, limit }: ListSessionEventsRequest,
  context: HandlerContext,
): Promise<ListSessionEventsResponse> {
  await sessions.view(context, sessionId, authorizeAuditor)
  return refusingOutages(async () => {
    const events: LoggedEvent[] = []
    let bytes = 0
    let position = positionOf(after)
    for await (const next of timeline(log, sessionId, position)) {
      const { data } = next.event
      const isFull = events.length === (limit || defaultPageEvents) || bytes + data.length > maxPageBytes
      // The first is shown whatever its size, or nobody could read on.
      if (isFull && events.length > 0) return page(events, cursorOf(position), true)
      position = next.position
      events.push(loggedEvent(next.event, cursorOf(position)))
      bytes += data.length
    }
    return page(events, cursorOf(position), false)
  })
}

function page(events: LoggedEvent[], nextAfter: string, hasMore: boolean): ListSessionEventsResponse {
  return create(ListSessionEventsResponseSchema, { events, nextAfter, hasMore })
}

/** Ends when the session is over and all of it has been told. */
async function* watchSessionEvents(
  { sessions, log, store, feed }: SessionLogParts,
  { sessionId, after }: WatchSessionEventsRequest,
  context: HandlerContext,
): AsyncGenerator<WatchSessionEventsResponse> {
  const changes = feed.changesOf(sessionId)
  try {
    await sessions.view(context, sessionId, authorizeAuditor)
    const newest = await refusingOutages(() => log.lastSequence('MESSAGES'))
    const follower = await refusingOutages(() =>
      log.follow(messagesOfSession(sessionId), newest, () => changes.put('changed')),
    )
    try {
      let position = positionOf(after)
      for (;;) {
        // Asked before reading: nothing is added to a session that is over.
        const { state } = await refusingOutages(() => store.load(sessionId))
        try {
          for await (const next of timeline(log, sessionId, position)) {
            position = next.position
            const event = loggedEvent(next.event, cursorOf(position))
            yield create(WatchSessionEventsResponseSchema, { event })
          }
        } catch (error) {
          throw error instanceof LogUnavailable ? endedEarly() : error
        }
        if (isFinal(state.status)) return
        if ((await changes.take(context.signal)) === null) throw endedEarly()
      }
    } finally {
      await follower.close()
    }
  } finally {
    changes.end()
  }
}

/** The service is stopping, or the log is away: with the cursor of the last event the reader may come back. */
function endedEarly(): Refusal {
  return new Refusal('unavailable', 'the stream has ended; follow again after the last event')
}
