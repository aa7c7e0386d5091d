/** Two parties with a protocol of their own go through the documented calls, both in this page. */
import { createClient } from '@connectrpc/connect'
import { SessionCoordinator } from '../../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter } from '../../../../src/gen/mpc/router/v1/message_router_pb.ts'
import { transportsTo, type Services } from './services.ts'

const parties = ['alice', 'bob'] as const
const utf8 = new TextEncoder()

export async function ownProtocolSession(services: Services) {
  const transports = transportsTo(services)
  const coordinator = createClient(SessionCoordinator, transports.coordinator)
  const router = createClient(MessageRouter, transports.router)
  const participants = parties.map((partyId) => ({ partyId }))
  const created = await coordinator.createSession({
    sessionType: 'keygen',
    thresholdN: 2,
    thresholdT: 2,
    participants,
  })
  const { sessionId, joinTokens } = created
  const partyIndexes: number[] = []
  for (const partyId of parties) {
    const joined = await coordinator.joinSession({ joinToken: joinTokens[partyId] ?? '', partyId })
    partyIndexes.push(joined.partyIndex)
  }
  for (const partyId of parties) await coordinator.markPartyReady({ sessionId, partyId })
  await coordinator.startSession({ sessionId })
  const route = (round: number, toParties: readonly string[]) =>
    router.routeMessage({
      sessionId,
      fromParty: 'alice',
      toParties: [...toParties],
      isBroadcast: toParties.length === 0,
      round,
      payload: utf8.encode(`message ${round}`),
    })
  await route(1, [])
  const received: { from: string; round: number; text: string; broadcast: boolean }[] = []
  for await (const message of router.subscribeMessages({ sessionId, partyId: 'bob' })) {
    const { fromParty, round, payload, isBroadcast } = message
    received.push({ from: fromParty, round, text: new TextDecoder().decode(payload), broadcast: isBroadcast })
    // The first was replayed, the second comes while the page listens; then the session ends, and with it the stream.
    if (round === 1) await route(2, ['bob'])
    else await coordinator.closeSession({ sessionId })
  }
  const { status } = await coordinator.getSessionStatus({ sessionId })
  return { partyIndexes, received, status, messageCount: received.length }
}
