/**
 * ECDSA signing as seen from outside. Nonces are opened under seal, so what can be told is whether all signers saw the
 * same ones, and whether the shares of the signature that they broadcast add up to it.
 */
import { equalBytes, isAllZero } from '../bytes.ts'
import { invertPublic } from '../curve/public-inverse.ts'
import { isHigh, zeroScalar } from '../curve/scalar.ts'
import { limbEngine } from '../limbs/engine.ts'
import { tag } from '../tags.ts'
import { TranscriptReader, type Broadcasts, type Fault } from '../transcript.ts'
import { round1Broadcast, round3Broadcast } from './messages.ts'
import { signSession } from './sign.ts'

export type SignTranscript = Readonly<{
  /** From `sessionId`, 32 bytes. */
  sid: Uint8Array
  /** 33 bytes. */
  publicKey: Uint8Array
  messageHash: Uint8Array
  /** For every position of the roster: that party's number in the key. */
  signers: readonly number[]
  broadcasts: Broadcasts
  /** s of the signature that came out, 32 bytes; null where none did. */
  s: Uint8Array | null
}>

export function judgeSigning(transcript: SignTranscript): readonly Fault[] {
  const { signers, broadcasts, s } = transcript
  const reader = new TranscriptReader(broadcasts, signers.length, sessionOf(transcript))
  reader.messages(1, round1Broadcast)
  const shares = reader.messages(3, round3Broadcast)
  const [first] = shares.values()
  if (first !== undefined) reader.checkEqual(3, shares, ({ view }) => view, first.view, 'view-mismatch')
  if (s !== null && reader.isComplete(shares)) {
    const { add, multiply, subtract } = limbEngine.scalars
    const u = [...shares.values()].map((share) => share.u).reduce(add)
    const w = [...shares.values()].map((share) => share.w).reduce(add)
    // Step 10 of protocol 3.6: s = w/u, in low-s form.
    const sum = multiply(w, invertPublic(u))
    const low = isHigh(sum) ? subtract(zeroScalar(), sum) : sum
    if (isAllZero(u) || !equalBytes(low, s)) reader.blame(3, [...shares.keys()], 'signature-invalid')
  }
  return reader.faults
}

/**
 * That of the present version, but where round 1 has messages of the former and none of the present one: who sends one
 * of another version is not to decide what those are measured by that did not.
 */
function sessionOf({ sid, publicKey, messageHash, signers, broadcasts }: SignTranscript): Uint8Array {
  const of = (version: typeof tag.signSession | typeof tag.formerSignSession) =>
    signSession(sid, publicKey, messageHash, signers, version)
  const bodies = [...(broadcasts.get(1)?.values() ?? [])]
  const occurs = (session: Uint8Array) => bodies.some((body) => equalBytes(body.subarray(0, session.length), session))
  const [present, former] = [of(tag.signSession), of(tag.formerSignSession)]
  return occurs(former) && !occurs(present) ? former : present
}
