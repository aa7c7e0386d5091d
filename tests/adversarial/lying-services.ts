/**
 * A coordinator and a router that lie: real Connect-RPC servers in front of the real ones. Whatever passes can be
 * changed, held back, repeated or made up, for each session and each party by itself.
 */
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { connectService, type ServiceConnection } from '../../src/edge/service-client.ts'
import {
  SessionFeed,
  WatchInvitationsResponseSchema,
  WatchSessionResponseSchema,
  type Invitation,
} from '../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import {
  SessionCoordinator,
  type GetSessionStatusResponse,
  type JoinSessionResponse,
  type MarkPartyReadyResponse,
  type ReportCompletionResponse,
} from '../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter, type MPCMessage } from '../../src/gen/mpc/router/v1/message_router_pb.ts'
import { Feed } from '../unit/party/fixtures/feed.ts'

/** What the services do to one session instead of their duty. */
export type Hooks = {
  /** The answer to a join. */
  join?: (partyId: string, answer: JoinSessionResponse) => JoinSessionResponse
  ready?: (partyId: string, answer: MarkPartyReadyResponse) => MarkPartyReadyResponse
  /** What a party is shown instead of the session as it is: any number of states in its place. */
  show?: (partyId: string, session: GetSessionStatusResponse) => readonly GetSessionStatusResponse[]
  /** Takes a report; by default it is passed on. */
  report?: (partyId: string, pass: () => Promise<ReportCompletionResponse>) => Promise<ReportCompletionResponse>
  /** Takes a message from its sender. False: the router says that it is stored, and does not pass it on. */
  take?: (from: string, message: MPCMessage) => boolean
  /** Puts a message into a recipient's stream, or something else, or nothing. */
  deliver?: (to: string, message: MPCMessage, stream: Feed<MPCMessage>) => void
  /** Breaks a recipient's stream off, or ends it as if all were said, when so many messages have been put into it. */
  breakStream?: (to: string, delivered: number) => Break | undefined
  /** The same with the session that a party is shown, after so many states; `last` is what it saw. */
  breakWatch?: (partyId: string, shown: number, last: GetSessionStatusResponse | undefined) => Break | undefined
}
export type Break = 'end' | 'fail'
/** What a server party is sent instead of an invitation. */
export type Invite = (invitation: Invitation) => Promise<readonly Invitation[]>

export type ServiceUrls = Readonly<{ coordinatorUrl: string; routerUrl: string }>

export type LyingServices = Readonly<{
  url: string
  /** Of a session; made with the first use. */
  hooksOf: (sessionId: string) => Hooks
  /** Where parties of a session have their coordinator and their router: who has nothing to lie about is not in between. */
  inPlaceOf: (honest: ServiceUrls, sessionId: string) => ServiceUrls
  forget: (sessionId: string) => void
  /** For all server parties, from now on. */
  inviting: (invite: Invite) => void
  close: () => Promise<void>
}>

export async function startLyingServices(urls: ServiceUrls): Promise<LyingServices> {
  const behind = {
    coordinator: connectService(urls.coordinatorUrl, { deadlineMs: 60_000 }),
    router: connectService(urls.routerUrl, { deadlineMs: 60_000 }),
  }
  const sessions = new Map<string, Session>()
  const of = (sessionId: string) => {
    const known = sessions.get(sessionId)
    if (known !== undefined) return known
    const fresh: Session = { hooks: {}, parties: new Map() }
    sessions.set(sessionId, fresh)
    return fresh
  }
  let invite: Invite = async (invitation) => [invitation]
  const routes = (router: Routes) => addRoutes(router, behind, of, (invitation) => invite(invitation))
  const server = createServer({}, connectNodeAdapter({ routes }))
  const connections = new Set<ServerHttp2Session>()
  server.on('session', (connection) => connections.add(connection))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A listening TCP server's address is never a pipe name or null.
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    hooksOf: (sessionId) => of(sessionId).hooks,
    inPlaceOf: (honest, sessionId) => {
      const { join, ready, show, report, breakWatch, take, deliver, breakStream } = of(sessionId).hooks
      return {
        coordinatorUrl: (join ?? ready ?? show ?? report ?? breakWatch) === undefined ? honest.coordinatorUrl : url,
        routerUrl: (take ?? deliver ?? breakStream) === undefined ? honest.routerUrl : url,
      }
    },
    forget: (sessionId) => void sessions.delete(sessionId),
    inviting: (next) => void (invite = next),
    close: async () => {
      for (const connection of Object.values(behind)) connection.close()
      for (const connection of connections) connection.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type Session = { readonly hooks: Hooks; readonly parties: Map<string, string> }
type Routes = Parameters<Parameters<typeof connectNodeAdapter>[0]['routes']>[0]

function addRoutes(
  routes: Routes,
  behind: Readonly<{ coordinator: ServiceConnection; router: ServiceConnection }>,
  of: (sessionId: string) => Session,
  invite: Invite,
): void {
  const coordinator = behind.coordinator.client(SessionCoordinator)
  const feed = behind.coordinator.client(SessionFeed)
  const router = behind.router.client(MessageRouter)
  const headersOf = (context: HandlerContext) => {
    const authorization = context.requestHeader.get('authorization')
    return authorization === null ? {} : { headers: { authorization } }
  }
  const partyOf = (sessionId: string, context: HandlerContext) =>
    of(sessionId).parties.get(context.requestHeader.get('authorization') ?? '') ?? ''

  routes.service(SessionCoordinator, {
    async joinSession(request, context) {
      const answer = await coordinator.joinSession(request, headersOf(context))
      const { hooks, parties } = of(answer.sessionId)
      parties.set(`Bearer ${answer.partyCredential}`, request.partyId)
      return hooks.join?.(request.partyId, answer) ?? answer
    },
    async markPartyReady(request, context) {
      const answer = await coordinator.markPartyReady(request, headersOf(context))
      return of(request.sessionId).hooks.ready?.(request.partyId, answer) ?? answer
    },
    startSession: (request, context) => coordinator.startSession(request, headersOf(context)),
    async reportCompletion(request, context) {
      const { sessionId, partyId } = request
      const { hooks } = of(sessionId)
      const pass = () => coordinator.reportCompletion(request, headersOf(context))
      return hooks.report === undefined ? pass() : hooks.report(partyId, pass)
    },
  })
  routes.service(SessionFeed, {
    async *watchSession(request, context) {
      const { sessionId } = request
      const options = { ...headersOf(context), signal: context.signal }
      const partyId = partyOf(sessionId, context)
      const { show = (_partyId: string, shown: GetSessionStatusResponse) => [shown], breakWatch } = of(sessionId).hooks
      let count = 0
      if (ends(breakWatch?.(partyId, count, undefined))) return
      for await (const { session } of feed.watchSession(request, options)) {
        if (session === undefined) continue
        for (const shown of show(partyId, session)) {
          yield create(WatchSessionResponseSchema, { session: shown })
          count += 1
          if (ends(breakWatch?.(partyId, count, shown))) return
        }
      }
    },
    async *watchInvitations(request, context) {
      for await (const { invitation } of feed.watchInvitations(request, { signal: context.signal })) {
        const sent = invitation === undefined ? [undefined] : await invite(invitation)
        for (const one of sent) yield create(WatchInvitationsResponseSchema, one && { invitation: one })
      }
    },
  })
  routes.service(MessageRouter, {
    async routeMessage(message, context) {
      const { hooks } = of(message.sessionId)
      if (hooks.take?.(message.fromParty, message) === false) return { success: true, sequence: 1n }
      return router.routeMessage(message, headersOf(context))
    },
    async *subscribeMessages(request, context) {
      const { sessionId, partyId } = request
      const { hooks } = of(sessionId)
      const stream = new Feed<MPCMessage>(context.signal)
      const incoming = router.subscribeMessages(request, { ...headersOf(context), signal: context.signal })
      let failure: unknown
      follow(incoming, (message) => (hooks.deliver ?? passOn)(partyId, message, stream))
        .catch((error: unknown) => (failure = error))
        .finally(() => stream.end())
      let delivered = 0
      if (ends(hooks.breakStream?.(partyId, delivered))) return
      for await (const message of stream) {
        yield message
        delivered += 1
        if (ends(hooks.breakStream?.(partyId, delivered))) return
      }
      if (failure !== undefined) throw failure
    },
    getPendingMessages: (request, context) => router.getPendingMessages(request, headersOf(context)),
    createSubscriptionTicket: (request, context) => router.createSubscriptionTicket(request, headersOf(context)),
  })
}

function ends(broken: Break | undefined): boolean {
  if (broken === 'fail') throw new ConnectError('gone', Code.Unavailable)
  return broken === 'end'
}

function passOn(_to: string, message: MPCMessage, stream: Feed<MPCMessage>): void {
  stream.push(message)
}

async function follow(incoming: AsyncIterable<MPCMessage>, arrived: (message: MPCMessage) => void): Promise<void> {
  for await (const message of incoming) arrived(message)
}
