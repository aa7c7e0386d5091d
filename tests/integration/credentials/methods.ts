/** Every method of coordinator and router: whose credential it asks for, and a request in alice's name. */
import type { DescMethod, DescService, MessageInitShape } from '@bufbuild/protobuf'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { SessionLog } from '../../../src/gen/mpc/coordinator/v1/session_log_pb.ts'
import { MessageRouter } from '../../../src/gen/mpc/router/v1/message_router_pb.ts'
import type { ServiceName } from './system.ts'

/** `party`: its own. `member`, `auditor`: any of the session, or an API key with `sessions`, `audit`. */
export type Needs = 'party' | 'member' | 'auditor' | 'caller'

/** What a call with the right credential is refused with when the session is over; null: it is answered. */
type Over = Readonly<{ closed: string | null; expired: string | null }>

export type Method = Readonly<{
  name: string
  at: ServiceName
  method: DescMethod
  needs: Needs
  /** The field that a refusal names. */
  field: string
  request: (sessionId: string, partyId: string) => MessageInitShape<DescMethod['input']>
  over: Over
}>

export const services: Readonly<Record<ServiceName, readonly DescService[]>> = {
  coordinator: [SessionCoordinator, SessionFeed, SessionLog],
  router: [MessageRouter],
}

const stays: Over = { closed: null, expired: null }
const ends: Over = { closed: 'conflict', expired: 'session_expired' }
const ids = (sessionId: string, partyId: string) => ({ sessionId, partyId })
const coordinator = SessionCoordinator.method
const router = MessageRouter.method

const of = (
  at: ServiceName,
  method: DescMethod,
  needs: Needs,
  over: Over,
  request: Method['request'] = ids,
  field = needs === 'party' ? 'party_id' : 'Authorization',
): Method => ({ name: method.name, at, method, needs, over, request, field })

const message = (sessionId: string, fromParty: string) => {
  return { sessionId, fromParty, toParties: ['bob'], round: 1, payload: new Uint8Array(3) }
}
const session = (sessionId: string) => ({ sessionId })
const participants = ['a', 'b'].map((partyId) => ({ partyId }))
const keygen = { sessionType: 'keygen', thresholdN: 2, thresholdT: 2, participants }

export const methods: readonly Method[] = [
  of('coordinator', coordinator.markPartyReady, 'party', ends),
  // Without a result, so that it changes nothing: that is refused where the session could not say more.
  of('coordinator', coordinator.reportCompletion, 'party', { ...ends, closed: 'invalid_request' }),
  of('coordinator', coordinator.getSessionStatus, 'member', stays, session),
  of('coordinator', coordinator.startSession, 'member', ends, session),
  of('coordinator', SessionFeed.method.watchSession, 'member', stays, session),
  of('coordinator', SessionLog.method.listSessionEvents, 'auditor', stays, session),
  of('coordinator', SessionLog.method.watchSessionEvents, 'auditor', stays, session),
  of('coordinator', coordinator.createSession, 'caller', stays, () => keygen),
  of('coordinator', coordinator.closeSession, 'caller', stays, session),
  of('router', router.routeMessage, 'party', ends, message, 'from_party'),
  of('router', router.subscribeMessages, 'party', stays),
  of('router', router.getPendingMessages, 'party', stays),
  of('router', router.createSubscriptionTicket, 'party', stays),
]

/** Those that ask for something else than a bearer, with what it is and where it is tested. */
export const others: Readonly<Record<string, string>> = {
  JoinSession: 'a join token: several-coordinators.test.ts, identities.test.ts',
  WatchInvitations: 'a signature of the registered identity: session-feed.test.ts',
}
