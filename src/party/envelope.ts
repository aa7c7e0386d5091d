/**
 * The sealed and signed form in which protocol messages travel. The signature covers everything that names the message:
 * version, protocol, session, sid, roster hash, round, sender, recipient and the hash of the body. One-to-one bodies
 * are HPKE-sealed to the recipient's ephemeral key, bound to the same context. An envelope cannot be moved to another
 * session, round, pair or channel. What does not open is dropped by the caller: anyone could have made it.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { ProtocolName } from '../crypto/protocol-name.ts'
import { PartyEnvelopeSchema, SealedBodySchema } from '../gen/mpc/party/v1/envelope_pb.ts'
import {
  envelopeStatement,
  envelopeVersion,
  sealStatement,
  type EnvelopeBinding,
  type EnvelopeBody,
} from '../identity/envelope-statement.ts'
import type { Identity } from '../identity/identity-key.ts'
import { open, seal } from '../identity/seal.ts'
import { readEnvelope, type EnvelopeRejection } from '../identity/signed-envelope.ts'

/** What all envelopes of one run have in common. */
export type EnvelopeContext = EnvelopeBinding & Readonly<{ protocol: ProtocolName }>

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

export type RejectionReason = EnvelopeRejection | 'not-openable'

export type Opened =
  | Readonly<{
      kind: 'opened'
      channel: 'broadcast' | 'direct'
      body: Uint8Array
      /** Names what the sender signed: two envelopes of one slot with different digests are equivocation. */
      digest: string
    }>
  | Readonly<{ kind: 'rejected'; reason: RejectionReason }>

/** The payload for the router. @throws TypeError when the recipient's ephemeral key is unusable. */
export async function sealEnvelope(
  context: EnvelopeContext,
  address: Address,
  body: Uint8Array,
  sender: Sender,
): Promise<Uint8Array<ArrayBuffer>> {
  const { protocol, sessionId, sid } = context
  const { round, from } = address
  const to = address.to ?? ''
  const travelling = await bodyFor(context, address, body, sender.recipientKey)
  const envelope = create(PartyEnvelopeSchema, {
    version: envelopeVersion,
    protocol,
    sessionId,
    sid,
    round,
    from,
    to,
    body:
      travelling.case === 'plaintext'
        ? travelling
        : { case: 'sealed', value: create(SealedBodySchema, travelling.value) },
  })
  envelope.signature = await sender.identity.sign(envelopeStatement(context, { round, from, to, body: travelling }))
  return toBinary(PartyEnvelopeSchema, envelope)
}

/** `routed` is what the router says of the message; it must agree with what the sender signed. */
export async function openEnvelope(
  context: EnvelopeContext,
  routed: Readonly<{ from: string; round: number; payload: Uint8Array }>,
  recipient: Recipient,
): Promise<Opened> {
  const self = recipient.partyId
  const envelope = await readEnvelope(context, routed, recipient.identityKeyOf, (from, to) => {
    if (from === self) return 'wrong-sender'
    return to === '' || to === self ? undefined : 'wrong-recipient'
  })
  if (envelope.kind === 'rejected') return envelope
  const digest = bytesToHex(sha256(envelope.signed))
  if (envelope.body.case === 'plaintext') {
    return { kind: 'opened', channel: 'broadcast', body: envelope.body.value, digest }
  }
  const binding = sealStatement(context, { round: routed.round, from: routed.from, to: envelope.to })
  const body = await open(recipient.ephemeralSecret, binding, binding, envelope.body.value)
  return body === null
    ? { kind: 'rejected', reason: 'not-openable' }
    : { kind: 'opened', channel: 'direct', body, digest }
}

async function bodyFor(
  context: EnvelopeContext,
  { round, from, to }: Address,
  body: Uint8Array,
  recipientKey: Uint8Array | null,
): Promise<EnvelopeBody> {
  if ((to === null) !== (recipientKey === null)) throw new Error("a one-to-one message needs its recipient's key")
  if (to === null || recipientKey === null) return { case: 'plaintext', value: body }
  const binding = sealStatement(context, { round, from, to })
  return { case: 'sealed', value: await seal(recipientKey, binding, binding, Uint8Array.from(body)) }
}
