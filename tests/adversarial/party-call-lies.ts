/** What a member of the key's group can say to coordinator and router beyond its own part in the session. */
import { createClient } from '@connectrpc/connect'
import { connectService } from '../../src/edge/service-client.ts'
import { SessionCoordinator } from '../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { MessageRouter } from '../../src/gen/mpc/router/v1/message_router_pb.ts'
import { joinStatement } from '../../src/identity/statement.ts'
import type { Member, PartyTransport } from '../../src/party/transport/party-transport.ts'
import { identityOf } from '../unit/party/fixtures/parties.ts'
import { group } from './arena.ts'
import { mallory, type Lie, type Scene } from './lie.ts'

const signing = { session: 'sign', keyType: 'schnorr-secp256k1', parties: ['alice', mallory] } as const
const making = { session: 'keygen', keyType: 'schnorr-secp256k1', parties: group } as const
const tell = () => {}

type Call = (
  scene: Scene,
  as: Readonly<{ coordinator: Coordinator; router: Router; member: Member }>,
) => Promise<unknown>
type Coordinator = ReturnType<typeof createClient<typeof SessionCoordinator>>
type Router = ReturnType<typeof createClient<typeof MessageRouter>>

/** A call with mallory's own credential, made before its first message: it must be refused, and nobody may notice. */
function refused(step: string, name: string, call: Call, base: typeof signing | typeof making = signing): Lie {
  return {
    ...base,
    step,
    name,
    tell,
    end: 'harmless',
    liar: (scene) => {
      let isDone = false
      return {
        transportChanges: (transport) => ({
          ...transport,
          route: async (member, message, signal) => {
            if (!isDone) {
              isDone = true
              await requireRefused(scene, member, call)
            }
            return transport.route(member, message, signal)
          },
        }),
      }
    },
  }
}

async function requireRefused(scene: Scene, member: Member, call: Call): Promise<void> {
  const connection = connectService(scene.url)
  try {
    const authorization = `Bearer ${member.credential}`
    const transport: typeof connection.transport = {
      unary: (method, signal, timeoutMs, header, ...rest) =>
        connection.transport.unary(
          method,
          signal,
          timeoutMs,
          { ...Object.fromEntries(new Headers(header)), authorization },
          ...rest,
        ),
      stream: (method, signal, timeoutMs, header, ...rest) =>
        connection.transport.stream(
          method,
          signal,
          timeoutMs,
          { ...Object.fromEntries(new Headers(header)), authorization },
          ...rest,
        ),
    }
    const coordinator = createClient(SessionCoordinator, transport)
    const router = createClient(MessageRouter, transport)
    const wasRefused = await call(scene, { coordinator, router, member }).then(
      () => false,
      () => true,
    )
    if (wasRefused) scene.lied()
  } finally {
    connection.close()
  }
}

async function joinAs(scene: Scene, partyId: string, identityName: string, token: string, seed: number) {
  const identity = await identityOf(identityName)
  const contribution = {
    identityKey: identity.publicKey,
    ephemeralKey: new Uint8Array(32).fill(seed),
    nonce: new Uint8Array(32).fill(seed),
  }
  const signature = await identity.sign(joinStatement({ sessionId: scene.sessionId, partyId, ...contribution }))
  const device = { deviceType: 'test', deviceId: `device-of-${partyId}` }
  return { joinToken: scene.joinTokens[token] ?? '', partyId, ...device, keys: { ...contribution, signature } }
}

const rubbish = new Uint8Array(500).fill(7)
const forAlice = ({ sessionId }: Scene) => ({ sessionId, partyId: 'alice' })

const refusedCalls: readonly Lie[] = [
  refused('join', 'again with other keys', async (scene, { coordinator }) =>
    coordinator.joinSession(await joinAs(scene, mallory, mallory, mallory, 3)),
  ),
  refused('join', 'again with another identity', async (scene, { coordinator }) =>
    coordinator.joinSession(await joinAs(scene, mallory, 'somebody else', mallory, 3)),
  ),
  refused('join', "in alice's place, with its own token", async (scene, { coordinator }) =>
    coordinator.joinSession(await joinAs(scene, 'alice', mallory, mallory, 3)),
  ),
  refused('join', "in alice's place, with her token that it has stolen too late", async (scene, { coordinator }) =>
    coordinator.joinSession(await joinAs(scene, 'alice', mallory, 'alice', 3)),
  ),
  refused('readiness', 'of alice', (scene, { coordinator }) => coordinator.markPartyReady(forAlice(scene))),
  refused('report', 'of a failure in the name of alice', (scene, { coordinator }) =>
    coordinator.reportCompletion({ ...forAlice(scene), failure: { reason: 'rvole-check-failed', culprits: ['bob'] } }),
  ),
  refused('report', 'of a signature in the name of alice', (scene, { coordinator }) =>
    coordinator.reportCompletion({ ...forAlice(scene), signature: 'ab'.repeat(64) }),
  ),
  refused(
    'report',
    'of a key in the name of alice',
    (scene, { coordinator }) => coordinator.reportCompletion({ ...forAlice(scene), publicKey: 'ab'.repeat(32) }),
    making,
  ),
  refused('report', 'of a failure that blames a stranger', ({ sessionId }, { coordinator }) =>
    coordinator.reportCompletion({ sessionId, partyId: mallory, failure: { reason: 'x', culprits: ['eve'] } }),
  ),
  refused('report', 'of a signature that it has made up', ({ sessionId }, { coordinator }) =>
    coordinator.reportCompletion({ sessionId, partyId: mallory, signature: 'ab'.repeat(64) }),
  ),
  refused('messages', 'in the name of alice', ({ sessionId }, { router }) =>
    router.routeMessage({
      sessionId,
      fromParty: 'alice',
      toParties: [],
      isBroadcast: true,
      round: 1,
      payload: rubbish,
    }),
  ),
  refused('messages', 'to a stranger', ({ sessionId }, { router }) =>
    router.routeMessage({ sessionId, fromParty: mallory, toParties: ['eve'], round: 1, payload: rubbish }),
  ),
  refused('messages', 'of more than the router takes', ({ sessionId }, { router }) =>
    router.routeMessage({
      sessionId,
      fromParty: mallory,
      toParties: ['alice'],
      round: 9,
      payload: new Uint8Array(600_000),
    }),
  ),
  refused('messages', 'that are for alice, read', async (scene, { router }) => {
    for await (const _ of router.subscribeMessages(forAlice(scene))) return
  }),
  refused('messages', 'that are for alice, asked for', (scene, { router }) =>
    router.getPendingMessages(forAlice(scene)),
  ),
  refused('messages', "a ticket for alice's", (scene, { router }) => router.createSubscriptionTicket(forAlice(scene))),
]

/** Messages besides its own, which the router takes: alice drops them. */
function besides(
  name: string,
  send: (transport: PartyTransport, member: Member, scene: Scene, signal: AbortSignal) => Promise<void>,
): Lie {
  return {
    ...signing,
    step: 'messages',
    name,
    tell,
    end: 'harmless',
    liar: (scene) => ({
      transportChanges: (transport) => ({
        ...transport,
        route: async (member, message, signal) => {
          await transport.route(member, message, signal)
          await send(transport, member, scene, signal)
        },
      }),
    }),
  }
}

const surplus: readonly Lie[] = [
  besides('rubbish of fifty rounds', async (transport, member, { lied }, signal) => {
    lied()
    for (let round = 10; round < 60; round++)
      await transport.route(member, { round, to: 'alice', payload: rubbish }, signal)
  }),
  besides('rubbish to alice beside each message', async (transport, member, { lied }, signal) => {
    lied()
    for (const round of [1, 2]) await transport.route(member, { round, to: 'alice', payload: rubbish }, signal)
  }),
  besides('a second message for its place', async (transport, member, { lied }, signal) => {
    // Refused, as another payload for the same slot.
    await transport.route(member, { round: 1, to: null, payload: rubbish }, signal).catch(() => lied())
  }),
]

export const partyCallLies: readonly Lie[] = [...refusedCalls, ...surplus]
