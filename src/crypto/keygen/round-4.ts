/** Key generation, round 4: check share proofs and the reverse OTs; broadcast a hash of all that must be equal. */
import { equalBytes } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import { encodePoint, equalPoints, type Point } from '../curve/secp256k1.ts'
import { abort, type Outcome } from '../execution.ts'
import { H } from '../hash.ts'
import { messageOf, offenders, open, sameView, type Opened } from '../inbound.ts'
import type { KeyShare, PeerState } from '../key-share.ts'
import { reverseToReceiver } from '../ot/bootstrap.ts'
import { evaluationPoint } from '../polynomial.ts'
import type { Abort, Inbound } from '../protocol.ts'
import { verifyProof, type Proof } from '../schnorr.ts'
import { tag } from '../tags.ts'
import { round3Broadcast, round3FromBaseReceiver, round3FromBaseSender, round4Broadcast } from './messages.ts'
import type { Round3Broadcast } from './messages.ts'
import { bootstrapSession } from './pair.ts'
import { baseOtRole } from './roles.ts'
import type { AfterRound3, AfterRound4, Joint, KeygenContext, PairReady } from './state.ts'

export function round4(
  context: KeygenContext,
  state: AfterRound3,
  inbound: readonly Inbound[],
): Outcome<AfterRound4, never> {
  const { session, self, threshold, parties } = context
  const opened = open(inbound, 'broadcast', round3Broadcast, session)
  if (opened.kind === 'abort') return opened
  const direct = openDirect(context, inbound)
  if ('kind' in direct) return direct
  if (!sameView(opened.messages.values(), state.view)) return abort('view-mismatch', [])
  const refused = checkPublicShares(context, state.joint, opened.messages)
  if (refused !== undefined) return refused
  // The channel is sealed and authenticated: if both ends differ about what went through it, the peer has cheated.
  const confirmations = new Map([...direct.fromSenders.messages, ...direct.fromReceivers.messages])
  const disagreeing = state.pairs.filter(
    (pair) => !equalBytes(messageOf(confirmations, pair.peer).pairConfirmation, pair.confirmation),
  )
  if (disagreeing.length > 0) return abort('confirmation-mismatch', disagreeing.map(({ peer }) => peer))

  // Only now OT processing: sessions, views and the pair's own exchange agree.
  const peers: PeerState[] = []
  const failed: number[] = []
  for (const pair of state.pairs) {
    const peer = finishPeer(context, pair, direct.fromSenders)
    if (peer === undefined) failed.push(pair.peer)
    else peers.push(peer)
  }
  if (failed.length > 0) return abort('ot-check-failed', failed)

  const { secretShare, joint, contributionProofs } = state
  const [publicPoint] = joint.commitments
  if (publicPoint === undefined) throw new Error('a key has at least one commitment')
  const publicKey = encodePoint(publicPoint)
  const x = evaluationPoint(self)
  const keyShare: KeyShare = { index: self, threshold, parties, x, secretShare, publicKey, ...joint, peers }
  const shareProofs = Array.from({ length: parties }, (_, j) =>
    j === self ? state.shareProof : proofOf(messageOf(opened.messages, j)),
  )
  const confirmation = confirm(context, publicPoint, joint, [...contributionProofs, ...shareProofs])
  const received = peers.flatMap(({ ot }) => (ot === null ? [] : [ot.asReceiver.seeds0, ot.asReceiver.seeds1]))
  const erasable = [...state.erasable, ...received]
  return {
    kind: 'next',
    state: { round: 4, erasable, keyShare, confirmation },
    outbound: [{ kind: 'broadcast', body: encodeMessage(round4Broadcast, { session, confirmation }) }],
  }
}

/** P_j is what the joint commitments say, and j proves that it knows its p_j. */
function checkPublicShares(
  { engine, session }: KeygenContext,
  joint: Joint,
  messages: ReadonlyMap<number, Round3Broadcast>,
): Abort | undefined {
  const different = offenders(messages, ({ publicShare }, from) => {
    const expected = joint.publicShares[from]
    return expected !== undefined && equalPoints(publicShare, expected)
  })
  if (different.length > 0) return abort('public-key-mismatch', different)
  const unproven = offenders(messages, (message, from) =>
    verifyProof(engine, { tag: tag.proofOfShare, session, prover: from }, message.publicShare, proofOf(message)),
  )
  return unproven.length > 0 ? abort('proof-invalid', unproven) : undefined
}

type Direct = Readonly<{
  fromSenders: Opened<typeof round3FromBaseSender>
  fromReceivers: Opened<typeof round3FromBaseReceiver>
}>

function openDirect({ session, self, parties }: KeygenContext, inbound: readonly Inbound[]): Direct | Abort {
  const roleOf = ({ from }: Inbound) => baseOtRole(from, self, parties)
  const senders = inbound.filter((message) => roleOf(message) === 'base-sender')
  const receivers = inbound.filter((message) => roleOf(message) === 'base-receiver')
  const fromSenders = open(senders, 'direct', round3FromBaseSender, session)
  if (fromSenders.kind === 'abort') return fromSenders
  const fromReceivers = open(receivers, 'direct', round3FromBaseReceiver, session)
  return fromReceivers.kind === 'abort' ? fromReceivers : { fromSenders, fromReceivers }
}

/** Undefined when the consistency check of the peer's OT extension fails. */
function finishPeer(
  { engine, session, self }: KeygenContext,
  pair: PairReady,
  fromSenders: Opened<typeof round3FromBaseSender>,
): PeerState | undefined {
  const { peer: index, zeroShareSeed } = pair
  if (pair.role === 'base-sender') return { index, zeroShareSeed, ot: pair.ot }
  const message = messageOf(fromSenders.messages, index)
  const asReceiver = reverseToReceiver(engine, pair.asSender, bootstrapSession(session, index, self), message)
  return asReceiver && { index, zeroShareSeed, ot: { asSender: pair.asSender, asReceiver } }
}

/** H(sid, pk, C, chain code, all proofs). */
export function confirm(
  { session }: Pick<KeygenContext, 'session'>,
  publicKey: Point,
  joint: Joint,
  proofs: readonly Proof[],
): Uint8Array {
  return H(
    tag.keygenConfirmation,
    session,
    encodePoint(publicKey),
    ...joint.commitments.map(encodePoint),
    joint.chainCode,
    ...proofs.flatMap(({ nonce, response }) => [encodePoint(nonce), response]),
  )
}

export function proofOf({ proofNonce, proofResponse }: Round3Broadcast): Proof {
  return { nonce: proofNonce, response: proofResponse }
}
