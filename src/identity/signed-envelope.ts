/**
 * Reading the envelopes that protocol messages travel in, without opening them: whether they are well-formed, belong
 * where they were found, and are signed by who they say they are from. Parties and auditors ask the same.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { equalBytes } from '@noble/curves/utils.js'
import { PartyEnvelopeSchema, type PartyEnvelope } from '../gen/mpc/party/v1/envelope_pb.ts'
import { envelopeStatement, envelopeVersion, type EnvelopeBinding, type EnvelopeBody } from './envelope-statement.ts'
import { verifyIdentity } from './identity-key.ts'

export type EnvelopeRejection =
  | 'malformed'
  | 'wrong-version'
  | 'wrong-protocol'
  | 'wrong-session'
  | 'wrong-sid'
  | 'wrong-round'
  | 'wrong-sender'
  | 'wrong-recipient'
  | 'signature-invalid'

export type ReadEnvelope =
  | Readonly<{
      kind: 'read'
      /** Empty for a broadcast. */
      to: string
      body: EnvelopeBody
      /** What the sender has signed. */
      signed: Uint8Array<ArrayBuffer>
    }>
  | Readonly<{ kind: 'rejected'; reason: EnvelopeRejection }>

const encapsulatedKeyLength = 32
/** AES-GCM's tag: a sealed body is longer than its plaintext by this. */
const tagLength = 16

/**
 * `routed` is what the router says of the message; it must agree with what the sender signed. `admits` is asked about
 * sender and recipient (empty: everyone) before the signature is checked.
 */
export async function readEnvelope(
  binding: EnvelopeBinding,
  routed: Readonly<{ from: string; round: number; payload: Uint8Array }>,
  identityKeyOf: (partyId: string) => Uint8Array | undefined,
  admits: (from: string, to: string) => EnvelopeRejection | undefined,
): Promise<ReadEnvelope> {
  const envelope = decode(routed.payload)
  const body = envelope && bodyOf(envelope)
  if (envelope === undefined || body === undefined) return { kind: 'rejected', reason: 'malformed' }
  const { from, to, round, signature } = envelope
  const reason = misfit(binding, envelope, routed) ?? admits(from, to)
  if (reason !== undefined) return { kind: 'rejected', reason }
  const identityKey = identityKeyOf(from)
  if (identityKey === undefined) return { kind: 'rejected', reason: 'wrong-sender' }
  const signed = envelopeStatement(binding, { round, from, to, body })
  if (!(await verifyIdentity(identityKey, signed, signature))) return { kind: 'rejected', reason: 'signature-invalid' }
  return { kind: 'read', to, body, signed }
}

function decode(payload: Uint8Array): PartyEnvelope | undefined {
  try {
    return fromBinary(PartyEnvelopeSchema, payload)
  } catch {
    return undefined
  }
}

/** Undefined unless a broadcast is in plaintext or a one-to-one message sealed, with fields of the right size. */
function bodyOf({ body, to }: PartyEnvelope): EnvelopeBody | undefined {
  if (body.case === 'plaintext') return to === '' ? body : undefined
  if (body.case !== 'sealed' || to === '') return undefined
  const { encapsulatedKey, ciphertext } = body.value
  return encapsulatedKey.length === encapsulatedKeyLength && ciphertext.length >= tagLength ? body : undefined
}

function misfit(
  binding: EnvelopeBinding,
  envelope: PartyEnvelope,
  routed: Readonly<{ from: string; round: number }>,
): EnvelopeRejection | undefined {
  if (envelope.version !== envelopeVersion) return 'wrong-version'
  if (envelope.protocol !== binding.protocol) return 'wrong-protocol'
  if (envelope.sessionId !== binding.sessionId) return 'wrong-session'
  if (!equalBytes(envelope.sid, binding.sid)) return 'wrong-sid'
  if (envelope.round !== routed.round) return 'wrong-round'
  return envelope.from === routed.from ? undefined : 'wrong-sender'
}
