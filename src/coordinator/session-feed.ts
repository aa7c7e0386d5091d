/** What parties follow instead of polling: one session, or the sessions that want a server party. */
import { create } from '@bufbuild/protobuf'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { Refusal } from '../edge/refusal.ts'
import {
  InvitationSchema,
  type Invitation,
  type SessionFeed,
  type WatchInvitationsRequest,
} from '../gen/mpc/coordinator/v1/session_feed_pb.ts'
import { verifyIdentity } from '../identity/identity-key.ts'
import { invitationsStatement } from '../identity/statement.ts'
import { authorizeViewer } from './authorize.ts'
import type { ChangeFeed } from './change-feed.ts'
import type { KeySources } from './key-groups.ts'
import { openInvitations } from './projection/queries.ts'
import type { ServerParties } from '../edge/server-parties.ts'
import { isFinal, type Participant } from './session-state.ts'
import { refusingOutages, type Sessions } from './sessions.ts'
import { snapshot } from './snapshot.ts'

export type FeedOptions = Readonly<{
  sessions: Sessions
  sources: KeySources
  feed: ChangeFeed
  servers: ServerParties
}>

/** How far a server party's clock may be off. */
const maxClockSkewMs = 60_000
const projectionWaitMs = 5000
const maxOpenInvitations = 1000

export function sessionFeed(options: FeedOptions): ServiceImpl<typeof SessionFeed> {
  return {
    watchSession: (request, context) => watchSession(options, request.sessionId, context),
    watchInvitations: (request, context) => watchInvitations(options, request, context),
  }
}

async function* watchSession({ sessions, sources, feed }: FeedOptions, sessionId: string, context: HandlerContext) {
  const changes = feed.changesOf(sessionId)
  try {
    let loaded = await sessions.view(context, sessionId, authorizeViewer)
    for (;;) {
      yield { session: snapshot(sessionId, loaded) }
      if (isFinal(loaded.state.status)) return
      const shown = loaded.head.version
      while (loaded.head.version <= shown) {
        if ((await changes.take(context.signal)) === null) throw endedEarly()
        loaded = sources.store.known(sessionId) ?? (await refusingOutages(() => sources.store.load(sessionId)))
      }
    }
  } finally {
    changes.end()
  }
}

async function* watchInvitations(options: FeedOptions, request: WatchInvitationsRequest, context: HandlerContext) {
  const { sessions, sources, feed, servers } = options
  await authenticate(servers, request, sessions.now())
  const { deviceId } = request
  const created = feed.events(({ sessionId, payload }) =>
    payload.case === 'sessionCreated' ? invitation(sessionId, deviceId, payload.value.participants) : null,
  )
  try {
    // Headers leave with the first item: from here on nothing that is created is missed.
    yield {}
    const told = new Set<string>()
    for (const sessionId of await refusingOutages(() => invitedSessions(sources, deviceId))) {
      const { state } = await refusingOutages(() => sources.store.load(sessionId))
      const waiting = state.participants.filter((party) => party.status === 'waiting')
      const open = isFinal(state.status) ? null : invitation(sessionId, deviceId, waiting)
      told.add(sessionId)
      if (open !== null) yield { invitation: open }
    }
    for (;;) {
      const next = await created.take(context.signal)
      if (next === null) throw endedEarly()
      if (!told.has(next.sessionId)) yield { invitation: next }
    }
  } finally {
    created.end()
  }
}

/** Only the holder of the identity registered for the device. A recorded request shows nothing that it could open. */
async function authenticate(servers: ServerParties, request: WatchInvitationsRequest, nowMs: number): Promise<void> {
  const { deviceId, signature } = request
  const signedAtMs = Number(request.signedAtMs)
  const identityKey = servers.get(deviceId)
  const timely = Math.abs(nowMs - signedAtMs) <= maxClockSkewMs
  if (identityKey !== undefined && timely) {
    if (await verifyIdentity(identityKey, invitationsStatement({ deviceId, signedAtMs }), signature)) return
  }
  throw new Refusal('unauthorized', 'not signed just now by the identity registered for this device', {
    signature: 'is not one of this moment by the identity registered for device_id',
  })
}

/** From the read model, once it has everything that was in the log when the stream began. */
async function invitedSessions(sources: KeySources, deviceId: string): Promise<readonly string[]> {
  const { log, projection, database } = sources
  const end = await log.lastSequence('SESSIONS')
  if (!(await projection.waitUntilApplied(end, projectionWaitMs))) {
    throw new Refusal('unavailable', 'the index of sessions is behind; try again')
  }
  return openInvitations(database, deviceId, maxOpenInvitations)
}

function invitation(
  sessionId: string,
  deviceId: string,
  participants: readonly Pick<Participant, 'partyId' | 'deviceId' | 'sealedJoinToken'>[],
): Invitation | null {
  const invited = participants.find((party) => party.deviceId === deviceId && party.sealedJoinToken.length > 0)
  if (invited === undefined) return null
  const { partyId, sealedJoinToken } = invited
  return create(InvitationSchema, { sessionId, partyId, sealedJoinToken })
}

/** The service is stopping, or the reader has fallen too far behind: in either case it may come back. */
function endedEarly(): Refusal {
  return new Refusal('unavailable', 'the stream has ended; follow again')
}
