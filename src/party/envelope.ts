/**
 * The sealed and signed form in which protocol messages travel. The signature covers everything that names the message:
 * version, protocol, session, sid, roster hash, round, sender, recipient and the hash of the body. One-to-one bodies
 * are HPKE-sealed to the recipient's ephemeral key, bound to the same context. An envelope cannot be moved to another
 * session, round, pair or channel. What does not open is dropped by the caller: anyone could have made it.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../crypto/bytes.ts'
import { PartyEnvelopeSchema, SealedBodySchema, type PartyEnvelope } from '../gen/mpc/party/v1/envelope_pb.ts'
import { verifyIdentity, type Identity } from '../identity/identity-key.ts'
import { open, seal } from '../identity/seal.ts'
import { statement } from '../identity/statement.ts'

export type ProtocolName = 'dkls23-keygen' | 'dkls23-sign'

/** What all envelopes of one run have in common. */
export type EnvelopeContext = Readonly<{
  protocol: ProtocolName
  sessionId: string
  /** 32 bytes each. */
  sid: Uint8Array
  rosterHash: Uint8Array
}>

/** `to` is null for a broadcast. */
export type Address = Readonly<{ round: number; from: string; to: string | null }>

export type Sender = Readonly<{
  identity: Pick<Identity, 'sign'>
  /** The recipient's X25519 key of this session; null exactly for a broadcast. */
  recipientKey: Uint8Array | null
}>

export type Recipient = Readonly<{
  partyId: string
  /** X25519 secret of this session. */
  ephemeralSecret: Uint8Array
  /** Undefined for parties that are not in the roster. */
  identityKeyOf: (partyId: string) => Uint8Array | undefined
}>

export type RejectionReason =
  | 'malformed'
  | 'wrong-version'
  | 'wrong-protocol'
  | 'wrong-session'
  | 'wrong-sid'
  | 'wrong-round'
  | 'wrong-sender'
  | 'wrong-recipient'
  | 'signature-invalid'
  | 'not-openable'

export type Opened =
  | Readonly<{
      kind: 'opened'
      channel: 'broadcast' | 'direct'
      body: Uint8Array
      /** Names what the sender signed: two envelopes of one slot with different digests are equivocation. */
      digest: string
    }>
  | Readonly<{ kind: 'rejected'; reason: RejectionReason }>

const version = 1
const encapsulatedKeyLength = 32
/** AES-GCM's tag: a sealed body is longer than its plaintext by this. */
const tagLength = 16

/** The payload for the router. @throws TypeError when the recipient's ephemeral key is unusable. */
export async function sealEnvelope(
  context: EnvelopeContext,
  address: Address,
  body: Uint8Array,
  sender: Sender,
): Promise<Uint8Array<ArrayBuffer>> {
  const { protocol, sessionId, sid } = context
  const envelope = create(PartyEnvelopeSchema, {
    version,
    protocol,
    sessionId,
    sid,
    round: address.round,
    from: address.from,
    to: address.to ?? '',
    body: await bodyFor(context, address, body, sender.recipientKey),
  })
  envelope.signature = await sender.identity.sign(signedBytes(context, envelope))
  return toBinary(PartyEnvelopeSchema, envelope)
}

/** `routed` is what the router says of the message; it must agree with what the sender signed. */
export async function openEnvelope(
  context: EnvelopeContext,
  routed: Readonly<{ from: string; round: number; payload: Uint8Array }>,
  recipient: Recipient,
): Promise<Opened> {
  const envelope = decode(routed.payload)
  if (envelope === undefined) return { kind: 'rejected', reason: 'malformed' }
  const reason = misfit(context, envelope, routed, recipient.partyId)
  if (reason !== undefined) return { kind: 'rejected', reason }
  const identityKey = recipient.identityKeyOf(envelope.from)
  if (identityKey === undefined) return { kind: 'rejected', reason: 'wrong-sender' }
  const signed = signedBytes(context, envelope)
  if (!(await verifyIdentity(identityKey, signed, envelope.signature))) {
    return { kind: 'rejected', reason: 'signature-invalid' }
  }
  const digest = bytesToHex(sha256(signed))
  if (envelope.body.case === 'plaintext') {
    return { kind: 'opened', channel: 'broadcast', body: envelope.body.value, digest }
  }
  if (envelope.body.case === undefined) return { kind: 'rejected', reason: 'malformed' }
  const binding = sealBinding(context, { round: envelope.round, from: envelope.from, to: envelope.to })
  const body = await open(recipient.ephemeralSecret, binding, binding, envelope.body.value)
  return body === null
    ? { kind: 'rejected', reason: 'not-openable' }
    : { kind: 'opened', channel: 'direct', body, digest }
}

async function bodyFor(
  context: EnvelopeContext,
  address: Address,
  body: Uint8Array,
  recipientKey: Uint8Array | null,
): Promise<PartyEnvelope['body']> {
  if ((address.to === null) !== (recipientKey === null))
    throw new Error("a one-to-one message needs its recipient's key")
  if (recipientKey === null) return { case: 'plaintext', value: body }
  const binding = sealBinding(context, address)
  const sealed = await seal(recipientKey, binding, binding, Uint8Array.from(body))
  return { case: 'sealed', value: create(SealedBodySchema, sealed) }
}

/**
 * Undefined unless well-formed: a broadcast in plaintext or a one-to-one message sealed, with fields of the right size.
 */
function decode(payload: Uint8Array): PartyEnvelope | undefined {
  let envelope: PartyEnvelope
  try {
    envelope = fromBinary(PartyEnvelopeSchema, payload)
  } catch {
    return undefined
  }
  const { body, to } = envelope
  if (body.case === 'plaintext') return to === '' ? envelope : undefined
  if (body.case !== 'sealed' || to === '') return undefined
  const { encapsulatedKey, ciphertext } = body.value
  return encapsulatedKey.length === encapsulatedKeyLength && ciphertext.length >= tagLength ? envelope : undefined
}

function misfit(
  context: EnvelopeContext,
  envelope: PartyEnvelope,
  routed: Readonly<{ from: string; round: number }>,
  self: string,
): RejectionReason | undefined {
  if (envelope.version !== version) return 'wrong-version'
  if (envelope.protocol !== context.protocol) return 'wrong-protocol'
  if (envelope.sessionId !== context.sessionId) return 'wrong-session'
  if (!equalBytes(envelope.sid, context.sid)) return 'wrong-sid'
  if (envelope.round !== routed.round) return 'wrong-round'
  if (envelope.from !== routed.from || envelope.from === self) return 'wrong-sender'
  if (envelope.to !== '' && envelope.to !== self) return 'wrong-recipient'
  return undefined
}

function signedBytes(context: EnvelopeContext, envelope: PartyEnvelope): Uint8Array<ArrayBuffer> {
  const { round, from, to } = envelope
  const { kind, hash } = bodyHash(envelope.body)
  return statement('envelope', [...contextParts(context), round, from, to, kind, hash])
}

function sealBinding(context: EnvelopeContext, { round, from, to }: Address): Uint8Array<ArrayBuffer> {
  return statement('envelopeSeal', [...contextParts(context), round, from, to ?? ''])
}

function contextParts({ protocol, sessionId, sid, rosterHash }: EnvelopeContext): (Uint8Array | string | number)[] {
  return [version, protocol, sessionId, sid, rosterHash]
}

/** The encapsulated key has a fixed length, so the two parts of a sealed body cannot trade bytes. */
function bodyHash(body: PartyEnvelope['body']): Readonly<{ kind: string; hash: Uint8Array }> {
  switch (body.case) {
    case 'plaintext':
      return { kind: 'plaintext', hash: sha256(body.value) }
    case 'sealed':
      return {
        kind: 'sealed',
        hash: sha256.create().update(body.value.encapsulatedKey).update(body.value.ciphertext).digest(),
      }
    case undefined:
      throw new Error('an envelope has a body')
    default:
      return body satisfies never
  }
}
