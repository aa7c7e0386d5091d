/**
 * What the sender of a protocol message signs: everything that names the message, and the hash of its body. An envelope
 * cannot be moved to another session, round, pair or channel.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { statement } from './statement.ts'

export const envelopeVersion = 1

/** What all envelopes of one run have in common. */
export type EnvelopeBinding = Readonly<{
  /** A ProtocolName. */
  protocol: string
  sessionId: string
  /** 32 bytes each. */
  sid: Uint8Array
  rosterHash: Uint8Array
}>

export type EnvelopeBody =
  | Readonly<{ case: 'plaintext'; value: Uint8Array }>
  | Readonly<{ case: 'sealed'; value: Readonly<{ encapsulatedKey: Uint8Array; ciphertext: Uint8Array }> }>

/** `to` is empty for a broadcast. */
export type SignedEnvelope = Readonly<{ round: number; from: string; to: string; body: EnvelopeBody }>

export function envelopeStatement(binding: EnvelopeBinding, envelope: SignedEnvelope): Uint8Array<ArrayBuffer> {
  const { round, from, to, body } = envelope
  return statement('envelope', [...bindingParts(binding), round, from, to, body.case, bodyHash(body)])
}

/** What a one-to-one body is sealed to, besides the recipient's key. `to` is empty for a broadcast. */
export function sealStatement(
  binding: EnvelopeBinding,
  { round, from, to }: Omit<SignedEnvelope, 'body'>,
): Uint8Array<ArrayBuffer> {
  return statement('envelopeSeal', [...bindingParts(binding), round, from, to])
}

function bindingParts({ protocol, sessionId, sid, rosterHash }: EnvelopeBinding): (Uint8Array | string | number)[] {
  return [envelopeVersion, protocol, sessionId, sid, rosterHash]
}

/** The encapsulated key has a fixed length, so the two parts of a sealed body cannot trade bytes. */
function bodyHash(body: EnvelopeBody): Uint8Array {
  if (body.case === 'plaintext') return sha256(body.value)
  return sha256.create().update(body.value.encapsulatedKey).update(body.value.ciphertext).digest()
}
