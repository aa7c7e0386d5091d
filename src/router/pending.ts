/** One page of the messages to a party, from the same mailbox that subscriptions follow. */
import type { EventLog } from '../events/event-log.ts'
import type { LiveViews } from './live-views.ts'
import type { RouterLimits } from './limits.ts'
import { indexAfter, isFor, type Mailbox } from './mailbox.ts'
import { admit, available, refuseParty, type Credential, type SessionBox } from './membership.ts'
import { payloadOf } from './payload.ts'
import type { Delivered, SubscriptionRequest } from './subscription.ts'

export type PageRequest = SubscriptionRequest & Readonly<{ /** 0: the default. */ limit: number }>

export type Page = Readonly<{
  messages: readonly Delivered[]
  hasMore: boolean
  /** `afterSequence` of the next page. */
  nextAfterSequence: number
}>

export type PendingParts = Readonly<{
  log: EventLog
  sessions: LiveViews<SessionBox>
  mailboxes: LiveViews<Mailbox>
  limits: RouterLimits
}>

/** At least one message where there is one, then as many as the limits allow. Throws Refusal. */
export async function pendingPage(parts: PendingParts, request: PageRequest, credential: Credential): Promise<Page> {
  const { sessionId, partyId, afterSequence } = request
  const session = await admit(parts.sessions, sessionId, (view) => refuseParty(view, partyId, credential, 'party_id'))
  session.release()
  const mailbox = await available(() => parts.mailboxes.lease(sessionId))
  try {
    const { pageMessages, maxPageMessages, pageBytes } = parts.limits
    const maxMessages = Math.min(request.limit === 0 ? pageMessages : request.limit, maxPageMessages)
    const { entries } = mailbox.view
    const messages: Delivered[] = []
    let nextAfterSequence = afterSequence
    let bytes = 0
    for (let index = indexAfter(entries, afterSequence); index < entries.length; index += 1) {
      const entry = entries[index]
      if (entry === undefined || !isFor(entry, partyId)) continue
      const isFull = messages.length === maxMessages || bytes + entry.length > pageBytes
      if (isFull && messages.length > 0) return { messages, hasMore: true, nextAfterSequence }
      const payload = await available(() => payloadOf(parts.log, entry))
      if (payload === null) continue
      bytes += entry.length
      messages.push({ entry, payload })
      nextAfterSequence = entry.sequence
    }
    return { messages, hasMore: false, nextAfterSequence }
  } finally {
    mailbox.release()
  }
}
