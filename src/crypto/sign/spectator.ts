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
  const { sid, publicKey, messageHash, signers, broadcasts, s } = transcript
  const present = signSession(sid, publicKey, messageHash, signers)
  const former = signSession(sid, publicKey, messageHash, signers, tag.formerSignSession)
  const reader = new TranscriptReader(broadcasts, signers.length, present, former)
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
