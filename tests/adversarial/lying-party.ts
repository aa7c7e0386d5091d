/** An honest party with one thing changed: what its computation sends, or what its transport says. */
import { fromBinary } from '@bufbuild/protobuf'
import { protocolName } from '../../src/crypto/protocol-name.ts'
import type { Step } from '../../src/crypto/protocol.ts'
import { PartyEnvelopeSchema } from '../../src/gen/mpc/party/v1/envelope_pb.ts'
import { sealEnvelope } from '../../src/party/envelope.ts'
import type { ExecutionHost, HostedRun, ProtocolOutput } from '../../src/party/execution/execution-host.ts'
import type { PartyTransport, SessionSnapshot } from '../../src/party/transport/party-transport.ts'
import { identityOf } from '../unit/party/fixtures/parties.ts'
import { mallory, type Corrupt, type Lie } from './lie.ts'

export function corruptHost(host: ExecutionHost, corrupt: Corrupt): ExecutionHost {
  const changed = (step: Step<ProtocolOutput>): Step<ProtocolOutput> =>
    step.kind === 'next' ? { ...step, outbound: corrupt(step.round, step.outbound) } : step
  return {
    open: async (task) => {
      const run = await host.open(task)
      const lying: HostedRun = {
        start: async () => changed(await run.start()),
        receive: async (round, inbound) => changed(await run.receive(round, inbound)),
        close: () => run.close(),
      }
      return lying
    },
    close: () => host.close(),
  }
}

/** A liar does not tell the coordinator that it gave up: honest parties have to notice by themselves. */
export function silentAboutFailures(transport: PartyTransport): PartyTransport {
  return {
    ...transport,
    report: async (member, report, signal) =>
      report.kind === 'failed' ? { allCompleted: false } : transport.report(member, report, signal),
  }
}

/** Bodies of one kind changed before they are sealed, to one party or to all. */
export function sendingWrong(
  place: Readonly<{ round: number; channel: 'broadcast' | 'direct'; to?: string }>,
  change: (body: Uint8Array) => Uint8Array,
): NonNullable<Lie['liar']> {
  return (scene) => ({
    transportChanges: silentAboutFailures,
    corrupt: (round, outbound) =>
      outbound.map((message) => {
        const to = message.kind === 'direct' ? scene.parties[message.to] : undefined
        const isMeant = message.kind === place.channel && (place.to === undefined || to === place.to)
        if (round !== place.round || !isMeant) return message
        scene.lied()
        return { ...message, body: change(message.body) }
      }),
  })
}

/** Another broadcast to one party than to the others, both signed, with the help of the router. */
export function equivocating(
  kind: Lie['session'],
  keyType: Lie['keyType'],
  round: number,
  victim: string,
  change: (body: Uint8Array) => Uint8Array,
): NonNullable<Lie['liar']> {
  return (scene) => {
    let rosterHash: Uint8Array = new Uint8Array(32)
    let second: Promise<Uint8Array> | undefined
    scene.hooks.deliver = (to, message, stream) => {
      const isLie = to === victim && message.fromParty === mallory && message.round === round
      if (!isLie || message.toParties.length > 0 || second === undefined) return stream.push(message)
      scene.lied()
      void second.then((payload) => stream.push({ ...message, payload }))
    }
    const otherEnvelope = async (payload: Uint8Array): Promise<Uint8Array> => {
      const { sid, sessionId, body } = fromBinary(PartyEnvelopeSchema, payload)
      if (body.case !== 'plaintext') throw new Error('not a broadcast')
      const context = { protocol: protocolName(kind, keyType), sessionId, sid, rosterHash }
      const sender = { identity: await identityOf(mallory), recipientKey: null }
      return sealEnvelope(context, { round, from: mallory, to: null }, change(body.value), sender)
    }
    return {
      transportChanges: (transport) => ({
        ...silentAboutFailures(transport),
        watchSession: (member, signal) =>
          seeing(transport.watchSession(member, signal), (shown) => (rosterHash = shown.rosterHash ?? rosterHash)),
        route: async (member, message, signal) => {
          if (message.to === null && message.round === round) second = otherEnvelope(message.payload)
          await second
          return transport.route(member, message, signal)
        },
      }),
    }
  }
}

export async function* seeing(snapshots: AsyncIterable<SessionSnapshot>, see: (shown: SessionSnapshot) => void) {
  for await (const snapshot of snapshots) {
    see(snapshot)
    yield snapshot
  }
}

/** Without the messages of one round. */
export function silentIn(round: number): NonNullable<Lie['liar']> {
  return (scene) => ({
    transportChanges: (transport) => ({
      ...silentAboutFailures(transport),
      route: async (member, message, signal) => {
        if (message.round !== round) return transport.route(member, message, signal)
        scene.lied()
      },
    }),
  })
}
