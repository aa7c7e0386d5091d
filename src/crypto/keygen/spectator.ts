/**
 * Key generation as seen from outside: everything that its broadcasts show, checked as the parties check it. What only
 * two parties know of each other (shares, OTs) is sealed and not judged here.
 */
import { equalBytes } from '../bytes.ts'
import { encodePoint, equalPoints, isIdentity } from '../curve/secp256k1.ts'
import { offenders } from '../inbound.ts'
import { limbEngine } from '../limbs/engine.ts'
import { verifyProof } from '../schnorr.ts'
import { tag } from '../tags.ts'
import { TranscriptReader, type Broadcasts, type Fault } from '../transcript.ts'
import { keygenSession } from './keygen.ts'
import {
  round1Broadcast,
  round2Broadcast,
  round3Broadcast,
  round4Broadcast,
  type Round2Broadcast,
  type Round3Broadcast,
} from './messages.ts'
import { commitTo } from './round-1.ts'
import { jointKey, openingOf } from './round-3.ts'
import { confirm, proofOf } from './round-4.ts'
import type { Joint, Opening, PublicContext } from './state.ts'

export type KeygenTranscript = Readonly<{
  /** From `sessionId`, 32 bytes. */
  sid: Uint8Array
  threshold: number
  parties: number
  broadcasts: Broadcasts
}>

export type KeygenJudgement = Readonly<{
  faults: readonly Fault[]
  /** The key that the openings make, 33 bytes; null while they are not complete. */
  publicKey: Uint8Array | null
}>

export function judgeKeygen({ sid, threshold, parties, broadcasts }: KeygenTranscript): KeygenJudgement {
  const present = keygenSession(sid, threshold, parties)
  const former = keygenSession(sid, threshold, parties, tag.formerKeygenSession)
  const transcript = new TranscriptReader(broadcasts, parties, present, former)
  const { session } = transcript
  const context: PublicContext = { engine: limbEngine, session, threshold, parties }

  const commitments = transcript.messages(1, round1Broadcast)
  const opened = transcript.messages(2, round2Broadcast(threshold))
  transcript.checkViews(2, opened)
  checkOpenings(context, transcript, commitments, opened)
  const shown = transcript.messages(3, round3Broadcast)
  transcript.checkViews(3, shown)
  const confirmed = transcript.messages(4, round4Broadcast)
  if (!transcript.isComplete(opened)) return { faults: transcript.faults, publicKey: null }

  const openings = inOrder(opened).map(openingOf)
  const joint = jointKey(context, openings)
  const [publicPoint] = joint.commitments
  if (publicPoint === undefined || [...joint.commitments, ...joint.publicShares].some(isIdentity)) {
    return { faults: transcript.faults, publicKey: null }
  }
  const isShare = ({ publicShare }: Round3Broadcast, from: number) => isShareOf(joint, publicShare, from)
  const isProven = (message: Round3Broadcast, from: number) =>
    verifyProof(limbEngine, { tag: tag.proofOfShare, session, prover: from }, message.publicShare, proofOf(message))
  transcript.blame(3, offenders(shown, isShare), 'public-key-mismatch')
  transcript.blame(3, offenders(shown, isProven), 'proof-invalid')
  if (transcript.isComplete(shown)) {
    const proofs = [...openings.map(({ proof }) => proof), ...inOrder(shown).map(proofOf)]
    const confirmation = confirm(context, publicPoint, joint, proofs)
    transcript.checkEqual(4, confirmed, (message) => message.confirmation, confirmation, 'confirmation-mismatch')
  }
  return { faults: transcript.faults, publicKey: encodePoint(publicPoint) }
}

/** Each opens what it has committed to, and proves that it knows what it contributes. */
function checkOpenings(
  context: PublicContext,
  transcript: TranscriptReader,
  commitments: ReadonlyMap<number, Readonly<{ commitment: Uint8Array }>>,
  opened: ReadonlyMap<number, Round2Broadcast>,
): void {
  const { engine, session } = context
  const opensAsCommitted = (opening: Opening, from: number) => {
    const committed = commitments.get(from)
    return committed === undefined || equalBytes(commitTo(context, from, opening), committed.commitment)
  }
  const isProven = ({ contribution: [statement], proof }: Opening, prover: number) =>
    statement !== undefined && verifyProof(engine, { tag: tag.proofOfContribution, session, prover }, statement, proof)
  const openings = new Map([...opened].map(([from, message]) => [from, openingOf(message)]))
  transcript.blame(2, offenders(openings, opensAsCommitted), 'commitment-mismatch')
  transcript.blame(2, offenders(openings, isProven), 'proof-invalid')
}

function isShareOf({ publicShares }: Joint, publicShare: Joint['publicShares'][number], from: number): boolean {
  const expected = publicShares[from]
  return expected !== undefined && equalPoints(publicShare, expected)
}

function inOrder<M>(messages: ReadonlyMap<number, M>): readonly M[] {
  return [...messages].sort(([a], [b]) => a - b).map(([, message]) => message)
}
