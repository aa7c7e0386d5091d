/** Key generation, round 3: check all that round 2 brought, fix the key, prove the own share, finish the base OTs. */
import { equalBytes, wipe } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import { equalPoints, identity, isIdentity, type Point } from '../curve/secp256k1.ts'
import { sumScalars, type Scalar } from '../curve/scalar.ts'
import { abort, type Outcome } from '../execution.ts'
import { H } from '../hash.ts'
import { broadcastView, messageOf, offenders, open, sameView } from '../inbound.ts'
import type { ExtensionMessage } from '../ot/extension.ts'
import { evaluateCommitments, evaluationPoint } from '../polynomial.ts'
import type { Abort, Inbound, Outbound, Rng } from '../protocol.ts'
import { prove, verifyProof } from '../schnorr.ts'
import { tag } from '../tags.ts'
import {
  round2Broadcast,
  round2FromBaseReceiver,
  round2FromBaseSender,
  round3Broadcast,
  round3FromBaseReceiver,
  round3FromBaseSender,
  type Round2Broadcast,
} from './messages.ts'
import { finishPair, pairSecrets, type PairReply } from './pair.ts'
import { baseOtRole } from './roles.ts'
import { commitTo } from './round-1.ts'
import type { AfterRound2, AfterRound3, Joint, KeygenContext, Opening, PairReady, PublicContext } from './state.ts'

type Broadcasts = ReadonlyMap<number, Round2Broadcast>
type ShareMessage = Readonly<{ share: Scalar }> & PairReply
type Shares = ReadonlyMap<number, ShareMessage>

export function round3(
  context: KeygenContext,
  state: AfterRound2,
  inbound: readonly Inbound[],
  rng: Rng,
): Outcome<AfterRound3, never> {
  const { engine, session, self, threshold } = context
  const opened = open(inbound, 'broadcast', round2Broadcast(threshold), session)
  if (opened.kind === 'abort') return opened
  const direct = openDirect(context, inbound)
  if (direct.kind === 'abort') return direct
  const { messages } = opened
  const refused = checkOpenings(context, state, messages) ?? checkShares(context, messages, direct.messages)
  if (refused !== undefined) return refused

  const openings = allOpenings(context, state.opening, messages)
  const joint = jointKey(context, openings)
  if ([...joint.commitments, ...joint.publicShares].some(isIdentity)) return abort('public-key-invalid', [])
  const shares = [...direct.messages.values()].map(({ share }) => share)
  const secretShare = sumScalars(engine.scalars, [state.ownShare, ...shares])
  wipe(...shares)

  const pairs: PairReady[] = []
  const outbound: Outbound[] = []
  for (const start of state.pairs) {
    const { pair, reverse } = finishPair(context, start, messageOf(direct.messages, start.peer), rng)
    pairs.push(pair)
    outbound.push({ kind: 'direct', to: pair.peer, body: directMessage(session, pair, reverse) })
  }
  const publicShare = pointOf(joint.publicShares, self)
  const shareProof = prove(engine, { tag: tag.proofOfShare, session, prover: self }, secretShare, publicShare, rng)
  const view = broadcastView(session, 2, inbound, { from: self, body: state.broadcast })
  const { nonce: proofNonce, response: proofResponse } = shareProof
  const body = encodeMessage(round3Broadcast, { session, view, publicShare, proofNonce, proofResponse })
  const contributionProofs = openings.map(({ proof }) => proof)
  const erasable = [secretShare, ...pairs.flatMap(pairSecrets)]
  return {
    kind: 'next',
    state: { round: 3, erasable, secretShare, joint, contributionProofs, shareProof, pairs, view },
    outbound: [{ kind: 'broadcast', body }, ...outbound],
  }
}

/** Views before commitments: a peer whose commitment reached us changed must not be blamed for its opening. */
function checkOpenings(context: KeygenContext, state: AfterRound2, messages: Broadcasts): Abort | undefined {
  const { engine, session } = context
  if (!sameView(messages.values(), state.view)) return abort('view-mismatch', [])
  const mismatched = offenders(messages, (message, from) =>
    equalBytes(commitTo(context, from, openingOf(message)), messageOf(state.commitments, from)),
  )
  if (mismatched.length > 0) return abort('commitment-mismatch', mismatched)
  const unproven = offenders(messages, (message, from) => {
    const { contribution, proof } = openingOf(message)
    const statement = pointOf(contribution, 0)
    return verifyProof(engine, { tag: tag.proofOfContribution, session, prover: from }, statement, proof)
  })
  return unproven.length > 0 ? abort('proof-invalid', unproven) : undefined
}

/** f_j(x_i)·G = Σₖ x_iᵏ·C_jk for every peer j (Feldman). */
function checkShares({ engine, self }: KeygenContext, messages: Broadcasts, shares: Shares): Abort | undefined {
  const wrong = offenders(messages, ({ contribution }, from) =>
    equalPoints(
      engine.points.multiplyBase(messageOf(shares, from).share),
      evaluateCommitments(engine, contribution, evaluationPoint(self)),
    ),
  )
  return wrong.length > 0 ? abort('share-invalid', wrong) : undefined
}

/** Direct messages differ by the sender's role; both kinds come out as one. */
function openDirect(
  { session, self, parties }: KeygenContext,
  inbound: readonly Inbound[],
): Readonly<{ kind: 'opened'; messages: Shares }> | Abort {
  const roleOf = ({ from }: Inbound) => baseOtRole(from, self, parties)
  const fromSenders = inbound.filter((message) => roleOf(message) === 'base-sender')
  const fromReceivers = inbound.filter((message) => roleOf(message) === 'base-receiver')
  const senders = open(fromSenders, 'direct', round2FromBaseSender, session)
  if (senders.kind === 'abort') return senders
  const receivers = open(fromReceivers, 'direct', round2FromBaseReceiver, session)
  if (receivers.kind === 'abort') return receivers
  const messages = new Map<number, ShareMessage>()
  for (const [from, message] of senders.messages) messages.set(from, { ...message, baseOt: message.baseOtKey })
  for (const [from, message] of receivers.messages) messages.set(from, { ...message, baseOt: message.baseOtPoints })
  return { kind: 'opened', messages }
}

/** C_k = Σ_j C_jk, P_j = Σₖ x_jᵏ·C_k, and the chain code from every party's committed share of it. */
export function jointKey({ engine, session, threshold, parties }: PublicContext, openings: readonly Opening[]): Joint {
  const commitments = Array.from({ length: threshold }, (_, k) =>
    openings.map(({ contribution }) => pointOf(contribution, k)).reduce(engine.points.add, identity),
  )
  const publicShares = Array.from({ length: parties }, (_, j) =>
    evaluateCommitments(engine, commitments, evaluationPoint(j)),
  )
  const chainCode = H(tag.chainCode, session, ...openings.map(({ chainCodeShare }) => chainCodeShare))
  return { commitments, publicShares, chainCode }
}

function directMessage(session: Uint8Array, pair: PairReady, reverse: ExtensionMessage | undefined): Uint8Array {
  const pairConfirmation = pair.confirmation
  return reverse === undefined
    ? encodeMessage(round3FromBaseReceiver, { session, pairConfirmation })
    : encodeMessage(round3FromBaseSender, { session, pairConfirmation, ...reverse })
}

function allOpenings({ self, parties }: KeygenContext, own: Opening, messages: Broadcasts): readonly Opening[] {
  return Array.from({ length: parties }, (_, j) => (j === self ? own : openingOf(messageOf(messages, j))))
}

export function openingOf({ contribution, proofNonce, proofResponse, chainCodeShare, salt }: Round2Broadcast): Opening {
  return { contribution, proof: { nonce: proofNonce, response: proofResponse }, chainCodeShare, salt }
}

function pointOf(list: readonly Point[], index: number): Point {
  const found = list[index]
  if (found === undefined) throw new RangeError(`point ${index} of ${list.length}`)
  return found
}
