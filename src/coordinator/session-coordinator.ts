/** The seven documented methods of the session coordinator (API reference, sections 2 and 7). */
import type { ServiceImpl } from '@connectrpc/connect'
import { callerKey } from '../edge/caller.ts'
import { hashRequest, idempotencyKeyOf } from '../edge/idempotency.ts'
import {
  CreateSessionRequestSchema,
  type SessionCoordinator,
} from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { authorizeCaller, authorizeClosing, authorizeMember, authorizeParty, authorizeViewer } from './authorize.ts'
import { freshSession, repeatableSession } from './credentials.ts'
import { inviteAll } from './invite.ts'
import { readApproval, readPolicy } from '../policy/wire.ts'
import { joinSession } from './join-session.ts'
import { findKey, type KeySources } from './key-groups.ts'
import { verdictOn } from './policies.ts'
import { reportCompletion } from './report-completion.ts'
import type { ServerParties } from '../edge/server-parties.ts'
import { refusingOutages, type Authorize, type Sessions } from './sessions.ts'
import { expiresAtSeconds, snapshot } from './snapshot.ts'

export type CoordinatorOptions = Readonly<{
  sessions: Sessions
  keys: KeySources
  servers: ServerParties
  /** 32 secret bytes, common to all coordinators. */
  credentialKey: Uint8Array
}>

export function sessionCoordinator(options: CoordinatorOptions): ServiceImpl<typeof SessionCoordinator> {
  const { sessions, keys, servers, credentialKey } = options
  return {
    createSession: async (request, context) => {
      const actor = authorizeCaller(context.values.get(callerKey))
      const idempotencyKey = idempotencyKeyOf(context.requestHeader)
      const key = await refusingOutages(() => findKey(keys, request))
      const isRepeatable = idempotencyKey !== null
      const session = isRepeatable ? repeatableSession(credentialKey, actor, idempotencyKey) : freshSession()
      const { sessionId } = session
      const { invited, joinTokens } = await inviteAll(session, request.participants, key, servers)
      const { sessionType, thresholdT, thresholdN, keyType, messageHash, message, expiresInSeconds } = request
      const nowMs = sessions.now()
      const { state } = await sessions.change(context, sessionId, authorizeCaller, {
        type: 'create',
        nowMs,
        // The contract allows no third.
        sessionType: sessionType === 'sign' ? 'sign' : 'keygen',
        thresholdT,
        thresholdN,
        participants: invited,
        keyType,
        messageHash,
        message,
        expiresInSeconds,
        key,
        policy: request.policy === undefined ? null : readPolicy(request.policy),
        approvals: request.approvals.map(readApproval),
        verdict: await verdictOn(key, request, nowMs),
        requestHash: isRepeatable ? hashRequest(CreateSessionRequestSchema, request) : new Uint8Array(0),
      })
      // Also when the session has gone on since: a repeated call is answered as the first was.
      const { thresholdT: t, thresholdN: n } = state
      const shown = { status: 'created', thresholdT: t, thresholdN: n, keyType: state.keyType }
      const keyId = key === null ? {} : { keyId: key.keyId }
      return { sessionId, joinTokens, expiresAt: expiresAtSeconds(state), ...shown, ...keyId }
    },

    joinSession: (request, context) => joinSession(sessions, credentialKey, request, context),

    getSessionStatus: async ({ sessionId }, context) =>
      snapshot(sessionId, await sessions.view(context, sessionId, authorizeViewer)),

    markPartyReady: async ({ sessionId, partyId }, context) => {
      const authorize: Authorize = (caller, state) => authorizeParty(caller, state, partyId)
      const command = { type: 'ready', nowMs: sessions.now(), partyId } as const
      const { state } = await sessions.change(context, sessionId, authorize, command)
      const totalParties = state.participants.length
      const readyCount = state.participants.filter(({ status }) => status !== 'waiting' && status !== 'joined').length
      return { success: true, allReady: readyCount === totalParties, readyCount, totalParties }
    },

    startSession: async ({ sessionId }, context) => {
      const command = { type: 'start', nowMs: sessions.now() } as const
      const { state } = await sessions.change(context, sessionId, authorizeMember, command)
      return { success: true, status: state.status }
    },

    reportCompletion: async (request, context) => {
      const { state } = await reportCompletion(sessions, keys.store, request, context)
      return { success: true, allCompleted: state.status === 'completed' }
    },

    closeSession: async ({ sessionId }, context) => {
      const command = { type: 'close', nowMs: sessions.now() } as const
      const { state } = await sessions.change(context, sessionId, authorizeClosing, command)
      return { success: true, status: state.status }
    },
  }
}
