/** What a router, or whoever owns the network or NATS, can do to messages that it can neither read nor sign. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { PartyEnvelopeSchema, type PartyEnvelope } from '../../src/gen/mpc/party/v1/envelope_pb.ts'
import type { MPCMessage } from '../../src/gen/mpc/router/v1/message_router_pb.ts'
import type { Feed } from '../unit/party/fixtures/feed.ts'
import { group } from './arena.ts'
import type { Lie, Scene } from './lie.ts'
import { brokenStreams } from './router-stream-lies.ts'

export type Session = Pick<Lie, 'session' | 'keyType' | 'parties'> &
  Readonly<{
    rounds: readonly Round[]
    /** In which every forgery is tried. */
    forgedIn: readonly Kind[]
  }>
/** Which messages a round has. */
type Round = Readonly<{ round: number; broadcast: boolean; direct: boolean }>

const signers = ['alice', 'bob']
const round = (number: number, broadcast: boolean, direct: boolean): Round => ({ round: number, broadcast, direct })
/** Envelopes are the same for every type of key: forgeries are tried where the protocols compute least. */
const sessions: readonly Session[] = [
  {
    session: 'sign',
    keyType: 'eddsa-ed25519',
    parties: signers,
    rounds: [round(1, true, false), round(2, true, false)],
    forgedIn: [],
  },
  {
    session: 'keygen',
    keyType: 'schnorr-secp256k1',
    parties: group,
    rounds: [round(1, true, false), round(2, true, true), round(3, true, false)],
    forgedIn: [{ round: 2, channel: 'direct' }],
  },
  {
    session: 'sign',
    keyType: 'ecdsa-secp256k1',
    parties: signers,
    rounds: [round(1, true, true), round(2, false, true), round(3, true, false)],
    forgedIn: [
      { round: 1, channel: 'broadcast' },
      { round: 2, channel: 'direct' },
    ],
  },
]

const timedOut = { end: ['round_timed_out'] } as const
const victim = 'alice'

type Deliver = (message: MPCMessage, stream: Feed<MPCMessage>, scene: Scene) => void

/** Changes what reaches one victim of one kind of message; everything else passes. */
function onKind(kind: Kind, deliver: Deliver): Lie['tell'] {
  return (scene) => {
    scene.hooks.deliver = (to, message, stream) => {
      if (to === victim && isOfKind(message, kind)) return deliver(message, stream, scene)
      stream.push(message)
    }
  }
}

type Kind = Readonly<{ round: number; channel: 'broadcast' | 'direct' }>

function isOfKind(message: MPCMessage, { round, channel }: Kind): boolean {
  return message.round === round && (channel === 'direct') === message.toParties.length > 0
}

function kindsOf({ rounds }: Session): readonly Kind[] {
  return rounds.flatMap(({ round, broadcast, direct }) => [
    ...(broadcast ? [{ round, channel: 'broadcast' } as const] : []),
    ...(direct ? [{ round, channel: 'direct' } as const] : []),
  ])
}

type Forgery = Readonly<{ name: string; forge: (message: MPCMessage, scene: Scene) => MPCMessage | undefined }>

const inEnvelope = (change: (envelope: PartyEnvelope) => Partial<PartyEnvelope>) => (message: MPCMessage) => {
  const envelope = fromBinary(PartyEnvelopeSchema, message.payload)
  return { ...message, payload: toBinary(PartyEnvelopeSchema, { ...envelope, ...change(envelope) }) }
}

const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

function flippedBody({ body }: PartyEnvelope): Partial<PartyEnvelope> {
  if (body.case === 'plaintext') return { body: { ...body, value: flipped(body.value, body.value.length - 1) } }
  if (body.case !== 'sealed') return {}
  const { ciphertext } = body.value
  return { body: { ...body, value: { ...body.value, ciphertext: flipped(ciphertext, ciphertext.length - 1) } } }
}

function flippedKey({ body }: PartyEnvelope): Partial<PartyEnvelope> {
  if (body.case !== 'sealed') return {}
  return { body: { ...body, value: { ...body.value, encapsulatedKey: flipped(body.value.encapsulatedKey, 3) } } }
}

const forgeries: readonly Forgery[] = [
  { name: 'a bit of the body flipped', forge: inEnvelope(flippedBody) },
  {
    name: 'a bit of the signature flipped',
    forge: inEnvelope(({ signature }) => ({ signature: flipped(signature, 9) })),
  },
  { name: 'without a signature', forge: inEnvelope(() => ({ signature: new Uint8Array(0) })) },
  { name: 'another sid', forge: inEnvelope(({ sid }) => ({ sid: flipped(sid, 0) })) },
  { name: 'another session', forge: inEnvelope(() => ({ sessionId: 'another' })) },
  { name: 'another protocol', forge: inEnvelope(() => ({ protocol: 'another' })) },
  { name: 'another version', forge: inEnvelope(({ version }) => ({ version: version + 1 })) },
  { name: 'another round in it', forge: inEnvelope(({ round }) => ({ round: round + 1 })) },
  { name: 'another round on it', forge: (message) => ({ ...message, round: message.round + 1 }) },
  { name: 'another sender in it', forge: inEnvelope(() => ({ from: 'mallory' })) },
  { name: 'another sender on it', forge: (message) => ({ ...message, fromParty: 'mallory' }) },
  { name: 'a sender that it invents', forge: (message) => ({ ...message, fromParty: 'nobody' }) },
  { name: "the recipient's own name on it", forge: (message) => ({ ...message, fromParty: victim }) },
  { name: 'cut short', forge: (message) => ({ ...message, payload: message.payload.slice(0, -1) }) },
  { name: 'cut to one byte', forge: (message) => ({ ...message, payload: message.payload.slice(0, 1) }) },
  { name: 'with a byte more', forge: (message) => ({ ...message, payload: Uint8Array.from([...message.payload, 0]) }) },
  { name: 'nothing', forge: (message) => ({ ...message, payload: new Uint8Array(0) }) },
  { name: 'rubbish', forge: (message) => ({ ...message, payload: message.payload.map((byte, i) => byte ^ (i * 7)) }) },
  { name: 'a megabyte', forge: (message) => ({ ...message, payload: new Uint8Array(1_000_000).fill(0x42) }) },
  {
    name: 'the same of an earlier session',
    forge: (message, { earlier }) =>
      earlier.find(
        (old) =>
          old.fromParty === message.fromParty &&
          old.round === message.round &&
          old.toParties.join() === message.toParties.join(),
      ),
  },
]

const directForgeries: readonly Forgery[] = [
  { name: 'a bit of the encapsulated key flipped', forge: inEnvelope(flippedKey) },
  { name: 'turned into a broadcast', forge: inEnvelope(() => ({ to: '' })) },
  { name: 'addressed to another', forge: inEnvelope(() => ({ to: 'bob' })) },
]
const broadcastForgeries: readonly Forgery[] = [
  { name: 'addressed to one party only', forge: inEnvelope(() => ({ to: victim })) },
]

/** Every forgery instead of the message, and then also before the message itself, which must still count. */
function forged(session: Session, kind: Kind): readonly Lie[] {
  const ofChannel = kind.channel === 'direct' ? directForgeries : broadcastForgeries
  return [...forgeries, ...ofChannel].map(({ name, forge }, i): Lie => {
    const alone = i % 2 === kind.round % 2
    const tell = onKind(kind, (message, stream, scene) => {
      const forgery = forge(message, scene)
      if (forgery !== undefined) {
        scene.lied()
        // Without a sequence it is not taken for a repetition of the message itself, or the reverse.
        stream.push({ ...forgery, sequence: 0n })
      }
      if (!alone) stream.push(message)
    })
    const row = { ...session, step: stepOf(kind), tell }
    return alone
      ? { ...row, name: `${name}, instead of the message`, ...timedOut }
      : { ...row, name: `${name}, before the message`, end: 'harmless' }
  })
}

function stepOf({ round, channel }: Kind): string {
  return `round ${round} ${channel}`
}

function delivered(session: Session, kind: Kind): readonly Lie[] {
  const row = (name: string, deliver: Deliver) => ({
    ...session,
    step: stepOf(kind),
    name,
    tell: onKind(kind, deliver),
  })
  return [
    {
      ...row('is lost', (_message, _stream, { lied }) => lied()),
      ...timedOut,
    },
    {
      ...row('comes three times', (message, stream, { lied }) => {
        lied()
        for (let time = 0; time < 3; time++) stream.push({ ...message, sequence: 0n })
      }),
      end: 'harmless',
    },
    {
      ...row('comes after its round has timed out', (message, stream, { lied }) => {
        lied()
        setTimeout(() => stream.push(message), 2_000)
      }),
      ...timedOut,
    },
  ]
}

export const routerLies: readonly Lie[] = [...sessions.flatMap(ofMessages), ...sessions.flatMap(brokenStreams)]

function ofMessages(session: Session): readonly Lie[] {
  return kindsOf(session).flatMap((kind) => {
    const isForged = session.forgedIn.some(({ round, channel }) => round === kind.round && channel === kind.channel)
    const rows = [...delivered(session, kind), ...(isForged ? forged(session, kind) : [])]
    // In the last round the others have all that they need.
    const isLast = kind.round === session.rounds.length
    return rows.map((lie): Lie => (isLast && lie.end !== 'harmless' ? { ...lie, mayFinish: true } : lie))
  })
}
